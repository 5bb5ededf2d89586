"""Who gets in, by which address, and in which words others are refused."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.new_key_file import write_key_file
from protocol.security.key_file import encode_key_file, parse_key_file
from protocol.security.keyring import Keyring
from protocol.ulid import ClusterId
from tests.end_to_end.agent_process import AgentProcess, hold_for, wait_until
from tests.end_to_end.cluster import Cluster, running_cluster

pytestmark = pytest.mark.end_to_end

PASSING_REFUSALS_S = 30
"""How long a used name is asked for again before the agent gives up (node.seeds)."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run two members for all tests of this file."""
    with running_cluster(tmp_path_factory.mktemp("pair"), 2) as two:
        yield two


@pytest.fixture(scope="module")
def namesake(pair: Cluster) -> AgentProcess:
    """Start, before all tests, a newcomer with n2's name: it takes half a minute until it gives up."""
    agent = AgentProcess("n2", pair.directory / "namesake", ("--key-file", str(pair.key_file), *pair.options))
    agent.directory.mkdir()
    agent.spawn(join=[pair.seed.gossip])
    pair.others.append(agent)
    return agent


@pytest.fixture(autouse=True)
def _runs_meanwhile(namesake: AgentProcess) -> None:
    """Have the namesake wait while the other tests run."""


def test_node_with_another_key_is_refused(pair: Cluster, tmp_path: Path) -> None:
    """A node of another key file exits 1 with that reason, and appears nowhere."""
    other_key = tmp_path / "other.key"
    write_key_file(other_key)
    stranger = pair.other("stranger", key_file=other_key)
    stranger.spawn(join=[pair.seed.gossip])
    assert stranger.wait_end() == 1
    assert "the peer does not hold this node's cluster key" in stranger.stderr()
    assert "stranger" not in pair.seed.statuses()
    assert pair.seed.metric("shoal_handshakes_total", result="unknown_key") >= 1


def test_node_with_another_cluster_id_is_refused(pair: Cluster, tmp_path: Path) -> None:
    """The same key under another cluster id is another cluster, and said so; exit code 1."""
    held = parse_key_file(pair.key_file.read_text())
    keys = [(key.stamp, held.key_for(key.key_id) or b"") for key in held.listing()]
    other_id = ClusterId(bytes(reversed(held.cluster_id)))
    other_key = tmp_path / "other.key"
    other_key.write_text(encode_key_file(Keyring.from_keys(other_id, keys, 0, held.primary_stamp)))
    stranger = pair.other("foreigner", key_file=other_key)
    stranger.spawn(join=[pair.seed.gossip])
    assert stranger.wait_end() == 1
    assert "the peer belongs to another cluster" in stranger.stderr()
    assert "foreigner" not in pair.seed.statuses()


def test_node_refused_by_one_of_two_seeds_goes_on(pair: Cluster, tmp_path: Path) -> None:
    """A final refusal of one seed does not end a node that another seed takes."""
    other_key = tmp_path / "other.key"
    write_key_file(other_key)
    foreign = pair.other("foreign-seed", key_file=other_key)
    foreign.start()
    newcomer = pair.other("n6")
    newcomer.start(join=[foreign.gossip, pair.seed.gossip])
    pair.wait_seen("n6", "alive")
    assert not newcomer.ended
    _take_away(pair, newcomer, foreign)


def test_seed_that_comes_up_later_is_found(pair: Cluster) -> None:
    """A seed that is not there is asked for again: its node starts alone, unready, and joins later."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        late_address = f"127.0.0.1:{taken.getsockname()[1]}"
    early, late = pair.other("early"), pair.other("late")
    early.start(join=[late_address])
    wait_until("early says what it waits for", lambda: f"not joined through {late_address} yet" in early.messages())
    ready = early.ask("GET", "/readyz")
    assert (ready.status, ready.json()["code"]) == (503, "NOT_READY")
    assert set(early.statuses()) == {"early"}

    late.bind = late_address
    late.start()
    wait_until("early sees late", lambda: early.sees("late", "alive"))
    assert early.ask("GET", "/readyz").status == 200
    _take_away(pair, early, late)


def test_copied_data_directory_is_found_out(pair: Cluster) -> None:
    """Two processes of one identity: one of them says that its data directory was copied, and exits 1."""
    original = pair.other("n7")
    original.start(join=[pair.seed.gossip])
    pair.wait_seen("n7", "alive")
    copy = AgentProcess("n7", pair.directory / "copy", original.options)
    copy.directory.mkdir()
    pair.others.append(copy)
    shutil.copytree(original.data_dir, copy.data_dir)
    copy.spawn(join=[pair.seed.gossip])
    twins = [original, copy]
    wait_until("one of the twins ends", lambda: any(twin.ended for twin in twins))
    ended = [twin for twin in twins if twin.ended]
    assert all(twin.wait_end() == 1 and "its data directory was copied" in twin.stderr() for twin in ended)
    assert not pair.seed.ended
    for twin in twins:
        twin.kill()
    pair.wait_seen("n7", "failed")
    pair.seed.shoal("force-leave", "--prune", "n7")


def test_dns_name_is_a_seed(pair: Cluster) -> None:
    """--join localhost:PORT joins whoever listens at one of its addresses."""
    newcomer = pair.other("n8")
    newcomer.start(join=[f"localhost:{pair.seed.gossip.rsplit(':', 1)[1]}"])
    pair.wait_seen("n8", "alive")
    _take_away(pair, newcomer)


def test_advertised_address_is_what_others_use(pair: Cluster) -> None:
    """A node bound to all addresses is listed, and probed, at the one it advertises."""
    newcomer = pair.other("n9", "--advertise", "127.0.0.1:0")
    newcomer.bind = "0.0.0.0:0"
    newcomer.start(join=[pair.seed.gossip])
    pair.wait_seen("n9", "alive")
    port = newcomer.gossip.rsplit(":", 1)[1]
    assert newcomer.gossip == f"0.0.0.0:{port}"
    assert pair.seed.rows()["n9"]["address"] == f"127.0.0.1:{port}"
    hold_for(3, "n9 answers at the advertised address", lambda: pair.seed.sees("n9", "alive"))
    _take_away(pair, newcomer)


def test_unreachable_advertised_address_is_said(pair: Cluster) -> None:
    """A newcomer whose datagrams cannot reach its advertised address is told so at the join."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        newcomer = pair.other("n10", "--advertise", f"127.0.0.1:{deaf.getsockname()[1]}")
        newcomer.start(join=[pair.seed.gossip])
        wait_until("n10 is told", lambda: "do not reach this node's advertised address" in newcomer.messages())
    _take_away(pair, newcomer)


def test_ipv6_members_join_by_bracketed_address(tmp_path: Path) -> None:
    """Two nodes on [::1] are a cluster."""
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback address")
    cluster = Cluster(tmp_path)
    try:
        first, second = cluster.make("v6a"), cluster.make("v6b")
        first.bind = second.bind = "[::1]:0"
        first.http_bind = "[::1]:0"
        first.start()
        second.start(join=[first.gossip])
        cluster.wait_all_alive()
        assert first.gossip.startswith("[::1]:")
        assert first.url.startswith("http://[::1]:")
    finally:
        cluster.take_down()


def test_join_command_reports_each_address(pair: Cluster) -> None:
    """`shoal join` says how many addresses answered, and names the reason where none did."""
    alone = pair.other("n11")
    alone.start()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    refused = alone.shoal("join", nobody)
    assert refused.returncode == 1
    assert "connection refused" in refused.stderr
    joined = alone.shoal("join", nobody, pair.seed.gossip)
    assert (joined.returncode, joined.stdout.strip()) == (0, "joined through 1 of 2 addresses")
    pair.wait_seen("n11", "alive")
    _take_away(pair, alone)


def test_used_name_is_refused(pair: Cluster, namesake: AgentProcess) -> None:
    """A newcomer with a living member's name is asked to wait, then exits 1 with that reason; the holder stays."""
    assert namesake.wait_end(PASSING_REFUSALS_S + 30) == 1
    assert "another live member uses this name" in namesake.stderr()
    assert pair.seed.rows()["n2"]["id"] == pair.agent("n2").id
    assert pair.seed.sees("n2", "alive")
    assert json.dumps(namesake.log()).count("not joined through") == 1, "one warning a minute"


def _take_away(cluster: Cluster, *agents: AgentProcess) -> None:
    """Let agents of one test leave, so that the next begins with two members."""
    for agent in agents:
        if not agent.ended:
            agent.shoal("leave")
            agent.kill()


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
