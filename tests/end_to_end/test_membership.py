"""Five real processes: what each shows of the others when one is killed, stopped, taken off or told to leave."""

import signal
import time
from collections.abc import Iterator

import pytest

from simulations.processes.port_block import free_address
from tests.end_to_end.agent_process import AgentProcess, hold_for, wait_until
from tests.end_to_end.cluster import Cluster, running_cluster

pytestmark = pytest.mark.end_to_end

FAILED_WITHIN_S = 8.0
"""The promise for the local profile: from kill -9 until all others show the member failed."""
RETURNED_WITHIN_S = 3.0
"""The promise: from the start of the process until all show the member alive again."""
WOKEN_WITHIN_S = 5.0
"""The promise: from SIGCONT until all show alive whom they had failed."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run one cluster for all tests of this file; each leaves five alive members behind."""
    with running_cluster(tmp_path_factory.mktemp("five"), 5) as five:
        yield five


@pytest.fixture
def five(cluster: Cluster) -> Cluster:
    """Give the cluster, with all alive."""
    cluster.wait_all_alive()
    return cluster


def test_five_nodes_see_each_other(five: Cluster) -> None:
    """Every node lists five alive members, itself marked, with the same ids and incarnations everywhere."""
    views = [agent.rows() for agent in five.agents]
    facts = [{(row["id"], row["incarnation"], row["address"]) for row in view.values()} for view in views]
    assert all(fact == facts[0] for fact in facts)
    assert len(facts[0]) == 5
    for agent, view in zip(five.agents, views, strict=True):
        assert [name for name, row in view.items() if row["is_local"]] == [agent.name]


def test_killed_node_is_failed_then_left_then_gone_then_alive(five: Cluster) -> None:
    """Kill -9 shows failed within 8 s, force-leave makes it left, prune removes it, a start brings it back."""
    victim, asked = five.agent("n5"), five.agent("n2")

    victim.kill()
    five.wait_seen("n5", "failed", timeout_s=FAILED_WITHIN_S)
    assert asked.logged("member-failed", name="n5", id=victim.id, address=victim.gossip)

    forced = asked.shoal("force-leave", "n5")
    assert (forced.returncode, forced.stdout.strip()) == (0, "n5 is left")
    five.wait_seen("n5", "left")

    pruned = five.agent("n3").shoal("force-leave", "--prune", "n5")
    assert pruned.returncode == 0, pruned.stderr
    five.wait_seen("n5", "")

    victim.start()
    five.wait_seen("n5", "alive", timeout_s=RETURNED_WITHIN_S)
    assert victim.id == five.seed.rows()["n5"]["id"]
    five.wait_all_alive()


def test_failed_node_that_is_started_again_is_alive_everywhere(five: Cluster) -> None:
    """A failed member, started from its data directory on another port without --join, is back within 3 s."""
    victim = five.agent("n4")
    before = victim.gossip
    victim.kill()
    five.wait_seen("n4", "failed", timeout_s=FAILED_WITHIN_S)

    victim.bind = free_address()
    victim.start()
    five.wait_seen("n4", "alive", timeout_s=RETURNED_WITHIN_S)

    assert victim.gossip != before
    assert all(agent.rows()["n4"]["address"] == victim.gossip for agent in five.agents)


def test_restart_faster_than_detection_is_a_restart(five: Cluster) -> None:
    """A node killed and started at once is never failed, and the others log a restart."""
    victim = five.agent("n3")
    victim.kill()
    victim.start()
    wait_until("n1 logs the restart", lambda: five.seed.logged("member-restart", name="n3"))
    five.wait_all_alive()
    assert not five.seed.logged("member-failed", name="n3")


def test_sigint_leaves_and_never_fails(five: Cluster) -> None:
    """Ctrl-C ends the process with 0, the others show left, and nobody ever failed it."""
    leaver = five.agent("n2")
    leaver.send_signal(signal.SIGINT)
    assert leaver.wait_end() == 0
    five.wait_seen("n2", "left", timeout_s=2)
    hold_for(5, "n2 stays left", lambda: five.seed.sees("n2", "left"))
    assert not any(agent.logged("member-failed", name="n2") for agent in five.agents)
    assert five.seed.logged("member-leave", name="n2")

    leaver.start(join=[five.seed.gossip])
    five.wait_seen("n2", "alive", timeout_s=RETURNED_WITHIN_S)


def test_sigterm_ends_without_leaving(five: Cluster) -> None:
    """SIGTERM ends the process with 0 and says no goodbye: the others find it failed."""
    stopped = five.agent("n5")
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait_end(3) == 0
    assert "leaving" not in stopped.messages()
    five.wait_seen("n5", "failed", timeout_s=FAILED_WITHIN_S)

    stopped.start()
    five.wait_seen("n5", "alive", timeout_s=RETURNED_WITHIN_S)


def test_short_pause_accuses_nobody(five: Cluster) -> None:
    """A process stopped for 0.7 s accuses nobody on waking."""
    paused = five.agent("n4")
    counted = _accusations_by(five, paused)
    paused.send_signal(signal.SIGSTOP)
    time.sleep(0.7)
    paused.send_signal(signal.SIGCONT)
    hold_for(4, "nobody failed", lambda: all(status != "failed" for status in five.seed.statuses().values()))
    assert _accusations_by(five, paused) == counted
    five.wait_all_alive()


def test_long_pause_accuses_nobody_and_returns(five: Cluster) -> None:
    """A process stopped for 20 s is failed meanwhile, accuses nobody on waking, and is back within 5 s."""
    paused = five.agent("n3")
    counted = _accusations_by(five, paused)
    paused.send_signal(signal.SIGSTOP)
    try:
        time.sleep(20)
        five.wait_seen("n3", "failed", timeout_s=1)
    finally:
        paused.send_signal(signal.SIGCONT)
    five.wait_seen("n3", "alive", timeout_s=WOKEN_WITHIN_S)
    five.wait_all_alive()
    assert _accusations_by(five, paused) == counted
    assert set(paused.statuses().values()) == {"alive"}


def test_all_killed_and_started_without_join_are_the_cluster_again(five: Cluster) -> None:
    """Kill -9 of all five, then a start of all without seeds: the same ids, and all alive."""
    ids = {name: row["id"] for name, row in five.seed.rows().items()}
    for agent in five.agents:
        agent.send_signal(signal.SIGKILL)
    for agent in five.agents:
        agent.wait_end()
        agent.spawn()
    for agent in five.agents:
        agent.wait_listening()
    five.wait_all_alive()
    assert {name: row["id"] for name, row in five.seed.rows().items()} == ids


def _accusations_by(cluster: Cluster, accuser: AgentProcess) -> int:
    """Count what one member has accused anybody of, by its own log and the others'; and its own verdicts."""
    signed = [entry for entry in cluster.accusations() if entry.get("by") == accuser.id]
    return len(signed) + len(accuser.logged("member-failed"))
