"""python-nomad 2.1.0 against two real processes: every call of its agent, status, regions and metrics parts."""

import errno
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nomad
import pytest
from nomad.api.exceptions import URLNotFoundNomadException

from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster

pytestmark = pytest.mark.end_to_end

GOSSIP_PORT = 4647
"""Its own tests look for this port among the peers."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a node at 127.0.0.1:4647 and a second one beside it."""
    _skip_if_taken()
    pair = Cluster(tmp_path_factory.mktemp("nomad"))
    try:
        first, second = pair.make("n1"), pair.make("n2", "--region", "north")
        first.bind = f"127.0.0.1:{GOSSIP_PORT}"
        first.start()
        second.start(join=[first.gossip])
        pair.wait_all_alive()
        yield pair
    finally:
        pair.take_down()


@pytest.fixture
def client(cluster: Cluster) -> Any:
    """Give a client of the first node."""
    cluster.wait_all_alive()
    return _client_of(cluster.seed)


def _client_of(agent: AgentProcess) -> Any:
    host, port = agent.url.removeprefix("http://").rsplit(":", 1)
    return nomad.Nomad(host=host, port=int(port), timeout=10)


def _skip_if_taken() -> None:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is left of ended streams is no taker
            try:
                probe.bind(("127.0.0.1", GOSSIP_PORT))
            except OSError as wrong:
                if wrong.errno == errno.EADDRINUSE:
                    pytest.skip(f"port {GOSSIP_PORT} is taken on this machine")
                raise


def test_agent_reads(cluster: Cluster, client: Any) -> None:
    """self, members, servers, health: the shapes of Nomad, with what is so."""
    own = client.agent.get_agent()
    assert own["member"]["Name"] == "n1.global"
    assert own["config"]["Region"] == "global"
    listed = client.agent.get_members()
    assert listed["ServerName"] == "n1"
    assert {(member["Name"], member["Status"]) for member in listed["Members"]} == {
        ("n1.global", "alive"),
        ("n2.north", "alive"),
    }
    assert client.agent.get_servers() == [cluster.seed.gossip]
    assert client.agent.request("health", method="get").json()["server"]["ok"] is True


def test_status_regions_and_metrics(cluster: Cluster, client: Any) -> None:
    """The leader is among the peers, both regions are listed, and metrics are there in both formats."""
    peers = client.status.peers.get_peers()
    assert sorted(peers) == sorted(agent.gossip for agent in cluster.agents)
    assert client.status.leader.get_leader() == cluster.seed.gossip
    assert cluster.seed.gossip in client.status.leader
    assert cluster.seed.gossip in client.status.peers
    assert client.status.peers[cluster.seed.gossip] == cluster.seed.gossip
    assert "172.16.10.100:4647" not in client.status.peers
    with pytest.raises(KeyError):
        client.status.peers["172.16.10.100:4647"]
    assert len(client.status.peers) == 2
    assert client.regions.get_regions() == ["global", "north"]
    assert "north" in client.regions
    assert client.regions["global"] == "global"
    assert "Gauges" in client.metrics.get_metrics()


def test_joins_and_server_lists(cluster: Cluster, client: Any, tmp_path: Path) -> None:
    """join_agent counts who answered, update_servers replaces the seeds, both by one address or a list."""
    refused = client.agent.join_agent("nope")
    assert refused["num_joined"] == 0
    assert refused["error"]
    second = cluster.agent("n2").gossip
    assert client.agent.join_agent([second, "127.0.0.1:1"])["num_joined"] == 1
    assert client.agent.update_servers([second]) == 200
    assert client.agent.get_servers() == [second]

    alone = AgentProcess("n3", tmp_path, ("--key-file", str(cluster.key_file), "--profile", "local"))
    try:
        alone.start()
        assert _client_of(alone).agent.join_agent(cluster.seed.gossip) == {"num_joined": 1, "error": ""}
        wait_until("n1 sees it", lambda: cluster.seed.sees("n3", "alive"))
        alone.send_signal(signal.SIGINT)
        alone.wait_end()
    finally:
        alone.kill()


def test_force_leave(cluster: Cluster, client: Any) -> None:
    """force_leave answers 200 for anybody, and makes a failed member left."""
    assert client.agent.force_leave("nope") == 200
    victim = cluster.agent("n2")
    victim.kill()
    cluster.wait_seen("n2", "failed")
    assert client.agent.force_leave("n2.north") == 200
    cluster.wait_seen("n2", "left")
    statuses = {member["Name"]: member["Status"] for member in client.agent.get_members()["Members"]}
    assert statuses["n2.north"] == "left"
    victim.start()
    cluster.wait_all_alive()


def test_parts_that_are_not_served_are_not_found(client: Any) -> None:
    """What this dialect has not (jobs, allocations) is a 404, which the client tells apart."""
    with pytest.raises(URLNotFoundNomadException):
        client.jobs.get_jobs()
