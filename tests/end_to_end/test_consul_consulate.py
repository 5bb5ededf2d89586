"""consulate 0.6.0, which sends GET where others send PUT, every unused field as null, and its JSON as a form.

On Python 3.9 and later it gives JSON as the text that came: it calls `json.loads` in a way that is gone.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.client_process import ClientProcess, running_client
from tests.end_to_end.agent_process import wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import consul_port, running_consul_cluster

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run two nodes, if the client is there."""
    with running_client("consulate", 0):
        pass
    with running_consul_cluster(tmp_path_factory.mktemp("consulate"), 2) as pair:
        yield pair


@pytest.fixture
def client(cluster: Cluster) -> Iterator[ClientProcess]:
    """Give a client of the first node."""
    with running_client("consulate", consul_port(cluster.seed)) as process:
        yield process


def read(client: ClientProcess, path: str, *args: Any, **kwargs: Any) -> Any:
    """Call a method that reads; what the text means."""
    return json.loads(client.call(path, *args, **kwargs))


def test_every_call(cluster: Cluster, client: ClientProcess) -> None:
    """Agent, catalog, health and status: what is changed is so, and what is read is there."""
    assert {member["Name"] for member in read(client, "agent.members")} == {"n1", "n2"}
    assert read(client, "status.leader") in client.call("status.peers")[0]
    assert client.call("agent.service.register", "web", "web-1", port=80, tags=["v1"], ttl="60s") is True
    assert read(client, "agent.services")["web-1"]["Port"] == 80
    assert client.call("agent.check.register", "disk", check_id="disk-1", ttl="60s", notes="mine") is True
    for verb, status in (("ttl_warn", "warning"), ("ttl_fail", "critical"), ("ttl_pass", "passing")):
        assert client.call(f"agent.check.{verb}", "disk-1") is True
        assert read(client, "agent.checks")["disk-1"]["Status"] == status
    assert client.call("agent.check.ttl_pass", "service:web-1") is True
    assert client.call("agent.check.ttl_pass", "nobody") is False
    wait_until("it passes", lambda: read(client, "health.service", "web", passing=True))
    assert read(client, "health.service", "web", tag="red") == []
    assert [check["CheckID"] for check in read(client, "health.checks", "web")] == ["service:web-1"]
    checks = {"serfHealth", "disk-1", "service:web-1"}
    assert {check["CheckID"] for check in read(client, "health.node", "n1")} == checks
    assert {check["CheckID"] for check in read(client, "health.state", "passing")} == checks
    assert read(client, "catalog.datacenters") == ["dc1"]
    assert {node["Node"] for node in read(client, "catalog.nodes")} == {"n1", "n2"}
    assert read(client, "catalog.services") == {"consul": [], "web": ["v1"]}
    assert read(client, "catalog.service", "web")[0]["ServiceID"] == "web-1"
    assert set(read(client, "catalog.node", "n1")["Services"]) == {"consul", "web-1"}
    assert client.call("agent.join", cluster.agent("n2").gossip) is True
    assert client.call("agent.join", "127.0.0.1:1") is False
    assert client.call("agent.force_leave", "nobody") is True
    assert client.call("agent.check.deregister", "disk-1") is True
    assert client.call("agent.service.deregister", "web-1") is True
    assert read(client, "agent.services") == {}
