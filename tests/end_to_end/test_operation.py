"""An operator's day with three real processes: leaving and returning, tags, keys, signals, and the service manager."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.agent_process import AgentProcess, hold_for, wait_until
from tests.end_to_end.cluster import Cluster, running_cluster

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run one cluster for all tests of this file; each leaves three alive members behind."""
    with running_cluster(tmp_path_factory.mktemp("three"), 3) as three:
        yield three


@pytest.fixture
def three(cluster: Cluster) -> Iterator[Cluster]:
    """Give the cluster with all alive, and take away what a test added."""
    cluster.wait_all_alive()
    yield cluster
    for agent in cluster.others:
        agent.kill()
        cluster.seed.shoal("force-leave", "--prune", agent.name)
    cluster.others.clear()


# --- leaving and returning --------------------------------------------------------------------------


def test_leave_with_stay_keeps_the_process_out_until_it_joins(three: Cluster) -> None:
    """`shoal leave --stay` makes it left without ending it; it refutes nothing, and `shoal join` brings it back."""
    stayer = three.agent("n3")
    left = stayer.shoal("leave", "--stay")
    assert (left.returncode, left.stdout.strip()) == (0, "the agent has left and keeps running")
    three.wait_seen("n3", "left")
    hold_for(3, "n3 stays left", lambda: three.seed.sees("n3", "left"))
    assert not stayer.ended
    assert stayer.ask("GET", "/readyz").json()["error"] == "this node has left its cluster"

    joined = stayer.shoal("join", three.seed.gossip)
    assert joined.returncode == 0, joined.stderr
    three.wait_seen("n3", "alive")
    wait_until("n3 is ready again", lambda: stayer.ask("GET", "/readyz").status == 200)
    assert set(stayer.statuses().values()) == {"alive"}


def test_node_that_left_stays_out_when_started_again(three: Cluster) -> None:
    """A graceful leave is remembered: a start without --join stays out and says how to return; --join returns."""
    leaver = three.agent("n2")
    assert leaver.shoal("leave").returncode == 0
    assert leaver.wait_end() == 0
    three.wait_seen("n2", "left")

    leaver.start()
    hold_for(2, "n2 stays left", lambda: three.seed.sees("n2", "left"))
    assert "and stays out; `shoal join`, or a start with --join, returns" in leaver.messages()
    leaver.send_signal(signal.SIGTERM)
    leaver.wait_end()

    leaver.start(join=[three.seed.gossip])
    three.wait_seen("n2", "alive")


def test_rejoin_after_leave_returns_without_seeds(three: Cluster) -> None:
    """With rejoin_after_leave a start without --join finds the cluster again by what is on disk."""
    leaver = three.agent("n2")
    leaver.send_signal(signal.SIGINT)
    assert leaver.wait_end() == 0
    three.wait_seen("n2", "left")
    leaver.start("--rejoin-after-leave")
    three.wait_seen("n2", "alive")


def test_leave_on_terminate_says_goodbye_at_sigterm(three: Cluster) -> None:
    """With leave_on_terminate SIGTERM is a graceful leave."""
    leaver = three.other("n4", "--leave-on-terminate")
    leaver.start(join=[three.seed.gossip])
    three.wait_seen("n4", "alive")
    leaver.send_signal(signal.SIGTERM)
    assert leaver.wait_end() == 0
    three.wait_seen("n4", "left", timeout_s=2)


def test_second_signal_ends_at_once(three: Cluster) -> None:
    """While a leave is under way, a second SIGINT ends the process at once, with 130 and no traceback."""
    leaver = three.other("n4")
    leaver.start(join=[three.seed.gossip])
    three.wait_seen("n4", "alive")
    for agent in three.agents:  # who does not answer keeps the leave waiting
        agent.send_signal(signal.SIGSTOP)
    try:
        leaver.send_signal(signal.SIGINT)
        wait_until("n4 leaves", lambda: "leaving" in leaver.messages())
        leaver.send_signal(signal.SIGINT)
        assert leaver.wait_end(2) == 130
    finally:
        for agent in three.agents:
            agent.send_signal(signal.SIGCONT)
    assert "a second signal" in leaver.messages()
    assert "Traceback" not in leaver.stderr()


def test_alive_member_refutes_a_force_leave(three: Cluster) -> None:
    """An eviction of an alive member shows nowhere: the subject answers it with a higher incarnation."""
    before = three.seed.rows()["n3"]["incarnation"]
    forced = three.agent("n2").shoal("force-leave", "n3")
    assert "it refutes this and stays" in forced.stdout
    wait_until("n3 refutes", lambda: three.seed.rows()["n3"]["incarnation"] > before)
    hold_for(2, "n3 stays", lambda: all(agent.sees("n3", "alive", "suspect") for agent in three.agents))
    assert not any(agent.logged("member-leave", name="n3", incarnation=before) for agent in three.agents)


# --- tags and reloading -----------------------------------------------------------------------------


def test_changed_tags_are_seen_everywhere(three: Cluster) -> None:
    """`shoal tags` changes them for all, as an update and not as a restart; reserved ones are refused."""
    changed = three.agent("n2").shoal("tags", "--set", "role=web", "--set", "rack=b2", "--json")
    assert json.loads(changed.stdout) == {"role": "web", "rack": "b2"}
    wait_until(
        "all see the tags", lambda: all(agent.rows()["n2"]["tags"].get("rack") == "b2" for agent in three.agents)
    )
    assert three.seed.logged("member-update", name="n2")

    deleted = three.agent("n2").shoal("tags", "--delete", "rack")
    assert deleted.returncode == 0
    wait_until("all see it gone", lambda: all(agent.rows()["n2"]["tags"] == {"role": "web"} for agent in three.agents))

    refused = three.agent("n2").shoal("tags", "--set", "region=moon")
    assert refused.returncode == 1
    assert "region" in refused.stderr
    assert three.agent("n2").rows()["n2"]["region"] == "global"


def test_sighup_reads_tags_and_log_level_anew(three: Cluster, tmp_path: Path) -> None:
    """SIGHUP takes over tags and log level from the file; a file that became wrong changes nothing."""
    config = tmp_path / "shoal.toml"
    config.write_text('log_level = "info"\n[tags]\nrole = "db"\n')
    reloaded = three.other("n4", "--config", str(config))
    reloaded.start(join=[three.seed.gossip])
    wait_until(
        "n1 sees the tag", lambda: three.seed.statuses().get("n4") and three.seed.rows()["n4"]["tags"] == {"role": "db"}
    )

    config.write_text('log_level = "error"\n[tags]\nrole = "cache"\nzone = "z1"\n')
    reloaded.send_signal(signal.SIGHUP)
    wait_until("n1 sees the new tags", lambda: three.seed.rows()["n4"]["tags"] == {"role": "cache", "zone": "z1"})
    assert reloaded.get("/v1/agent/self")["config"]["LogLevel"].lower() == "error"

    config.write_text('log_level = "error"\nrole = db\n')
    reloaded.send_signal(signal.SIGHUP)
    wait_until("it says what is wrong", lambda: "the configuration stays as it was" in reloaded.messages())
    assert not reloaded.ended
    assert three.seed.rows()["n4"]["tags"] == {"role": "cache", "zone": "z1"}


# --- service manager --------------------------------------------------------------------------------


def test_service_manager_is_told(three: Cluster, tmp_path: Path) -> None:
    """READY=1 once it listens, WATCHDOG=1 while it lives, RELOADING=1 at SIGHUP, STOPPING=1 at the end."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(5)
        agent = three.other("n4")
        agent.environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"}
        agent.spawn()
        _await_word(manager, "READY=1")
        _await_word(manager, "WATCHDOG=1")
        agent.send_signal(signal.SIGHUP)
        _await_word(manager, "RELOADING=1")
        _await_word(manager, "READY=1")
        agent.send_signal(signal.SIGTERM)
        _await_word(manager, "STOPPING=1")
        assert agent.wait_end() == 0


def _await_word(manager: socket.socket, word: str) -> None:
    while word not in manager.recv(4096).decode().splitlines():
        pass


def test_agent_without_http_gossips(three: Cluster) -> None:
    """--http off: no listener, and a member like the others."""
    quiet = three.other("n4")
    quiet.http_bind = "off"
    quiet.start(join=[three.seed.gossip])
    three.wait_seen("n4", "alive")
    assert quiet.listening["http"] == "off"
    if Path("/proc/self/net").is_dir():
        listening = Path(f"/proc/{quiet.pid}/net/tcp").read_text().split()
        assert len([inode for inode in _socket_inodes(quiet) if inode in listening]) == 1, "gossip's listener alone"


def _socket_inodes(agent: AgentProcess) -> set[str]:
    links = (str(entry.readlink()) for entry in Path(f"/proc/{agent.pid}/fd").iterdir())
    return {link[8:-1] for link in links if link.startswith("socket:[")}
