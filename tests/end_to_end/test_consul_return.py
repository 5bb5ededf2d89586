"""Nodes that go and come back: their services return with them, and what ended meanwhile does not."""

import signal
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import get, put, running_consul_cluster, wait_catalog

pytestmark = pytest.mark.end_to_end

RETURNED_WITHIN_S = 10.0
"""Until a node that came back is in the others' catalog with all it has."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three nodes, each with a service of its own."""
    with running_consul_cluster(tmp_path_factory.mktemp("return"), 3) as trio:
        for agent in trio.agents:
            put(agent, "agent/service/register", {"Name": agent.name, "Check": {"TTL": "1h", "Status": "passing"}})
        for agent in trio.agents:
            wait_catalog("all have all", agent, "catalog/services", lambda found: len(found) == 4)
        yield trio


def shows(seer: AgentProcess, name: str) -> bool:
    """Tell whether a node's own service is in a catalog with its check, and the node itself is well."""
    entries = get(seer, f"health/service/{name}")
    checks = {check["CheckID"]: check["Status"] for entry in entries for check in entry["Checks"]}
    return set(checks) == {"serfHealth", f"service:{name}"} and checks["serfHealth"] == "passing"


def wait_all(seers: list[AgentProcess], what: str, is_so: Callable[[AgentProcess], object]) -> None:
    """Wait until something is so at each of some nodes."""
    for seer in seers:
        wait_until(f"{seer.name} {what}", partial(is_so, seer), RETURNED_WITHIN_S)


def names(agent: AgentProcess) -> set[str]:
    """Give the services that an agent's catalog has."""
    return set(get(agent, "catalog/services")) - {"consul"}


def test_services_return_after_an_eviction(cluster: Cluster) -> None:
    """A failed node that is forced to leave takes its services along; started again it has them."""
    first, victim = cluster.agent("n1"), cluster.agent("n2")
    victim.kill()
    cluster.wait_seen("n2", "failed")
    assert get(first, "health/service/n2", passing="1") == []
    put(first, "agent/force-leave/n2")
    wait_all([first, cluster.agent("n3")], "has it no more", lambda seer: names(seer) == {"n1", "n3"})
    victim.start(join=[first.gossip])
    wait_all(cluster.agents, "has it again", lambda seer: shows(seer, "n2") and names(seer) == {"n1", "n2", "n3"})


def test_services_return_after_a_leave_and_a_prune(cluster: Cluster) -> None:
    """A node that said goodbye, was forgotten altogether, and joins again has its services, with what is new."""
    first, leaver = cluster.agent("n1"), cluster.agent("n2")
    leaver.send_signal(signal.SIGINT)
    leaver.wait_end()
    wait_until("n1 has it no more", lambda: names(first) == {"n1", "n3"})
    put(first, "agent/force-leave/n2", prune="1")
    cluster.wait_seen("n2", "")
    leaver.start(join=[first.gossip])
    put(leaver, "agent/check/warn/service:n2", note="back")
    wait_all(
        cluster.agents,
        "has it again",
        lambda seer: [check["Output"] for check in get(seer, "health/checks/n2")] == ["back"],
    )
    put(leaver, "agent/check/pass/service:n2")


def test_what_ended_while_a_node_was_away_does_not_return_with_it(cluster: Cluster) -> None:
    """A node that was stopped, held failed, and runs on, neither keeps nor spreads what was removed meanwhile."""
    first, second, sleeper = cluster.agents
    put(first, "agent/service/register", {"Name": "short-lived"})
    wait_until("n3 has it", lambda: "short-lived" in names(sleeper))
    sleeper.send_signal(signal.SIGSTOP)
    cluster.wait_seen("n3", "failed")
    put(first, "agent/service/deregister/short-lived")
    put(first, "agent/service/register", {"Name": "n1", "Tags": ["new"], "Check": {"TTL": "1h"}})
    wait_until("n2 has it no more", lambda: "short-lived" not in names(second))
    sleeper.send_signal(signal.SIGCONT)
    everybody = {"n1", "n2", "n3"}
    wait_all(cluster.agents, "lists what there is", lambda seer: names(seer) == everybody)
    wait_all(cluster.agents, "has what is new", lambda seer: get(seer, "catalog/services")["n1"] == ["new"])
    for name in sorted(everybody):
        wait_all(cluster.agents, f"shows {name}", partial(shows, name=name))
