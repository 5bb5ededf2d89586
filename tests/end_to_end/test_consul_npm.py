"""The npm client against three real processes: every call of agent, catalog, health and status, and its watch."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.client_process import NPM, ClientError, ClientProcess, running_client
from tests.end_to_end.agent_process import wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import consul_port, put, running_consul_cluster

pytestmark = pytest.mark.end_to_end

CHANGE_TIMEOUT_S = 5.0
"""Until a watch has told of a change; its queries wait longer, so that only being woken is in time."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three nodes, if the client is there."""
    with running_client(NPM, 0):
        pass
    with running_consul_cluster(tmp_path_factory.mktemp("npm"), 3) as trio:
        yield trio


@pytest.fixture(scope="module")
def client(cluster: Cluster) -> Iterator[ClientProcess]:
    """Give a client of the first node."""
    with running_client(NPM, consul_port(cluster.seed)) as process:
        yield process


@pytest.fixture
def reader(cluster: Cluster) -> Iterator[ClientProcess]:
    """Give a client of the third node."""
    with running_client(NPM, consul_port(cluster.agent("n3"))) as process:
        yield process


def test_agent_catalog_health_and_status(client: ClientProcess, reader: ClientProcess, cluster: Cluster) -> None:
    """Every read and every change, by the names that this client has for them."""
    own = client.call("agent.self")
    assert own["Config"]["NodeName"] == "n1"
    assert own["Member"] in client.call("agent.members")
    assert len(client.call("agent.members", {"wan": True})) == 3
    assert client.call("status.leader") in client.call("status.peers")
    service = {"name": "web", "id": "web/1", "tags": ["v1"], "port": 80, "meta": {"a": "b"}, "check": {"ttl": "60s"}}
    client.call("agent.service.register", service)
    assert client.call("agent.services")["web/1"]["Meta"] == {"a": "b"}
    wait_until("node 3 has it", lambda: reader.call("health.service", "web"))
    for verb, status in (("warn", "warning"), ("fail", "critical"), ("pass", "passing")):
        client.call(f"agent.check.{verb}", {"id": "service:web/1", "note": f"is {status}"})
        told = client.call("agent.checks")["service:web/1"]
        assert (told["Status"], told["Output"]) == (status, f"is {status}")
    wait_until("it passes", lambda: reader.call("health.service", {"service": "web", "passing": True}))
    assert reader.call("health.service", {"service": "web", "tag": "red"}) == []
    assert [check["CheckID"] for check in reader.call("health.checks", "web")] == ["service:web/1"]
    assert {check["CheckID"] for check in reader.call("health.node", "n1")} == {"serfHealth", "service:web/1"}
    assert len(reader.call("health.state", "passing")) == 4
    assert reader.call("catalog.datacenters") == ["dc1"]
    assert {node["Node"] for node in reader.call("catalog.node.list")} == {"n1", "n2", "n3"}
    assert reader.call("catalog.service.list") == {"consul": [], "web": ["v1"]}
    assert reader.call("catalog.service.nodes", "web")[0]["ServiceID"] == "web/1"
    assert list(reader.call("catalog.node.services", "n1")["Services"]) == ["consul", "web/1"]
    assert reader.call("catalog.connect.nodes", "web") == []
    for call in ("catalog.register", "catalog.deregister"):
        with pytest.raises(ClientError, match="bad request"):
            client.call(call, {"node": "n1", "address": "10.0.0.1"})

    client.call("agent.check.register", {"name": "disk", "id": "disk", "ttl": "60s", "notes": "mine"})
    assert client.call("agent.check.list")["disk"]["Notes"] == "mine"
    client.call("agent.check.deregister", "disk")
    client.call("agent.service.maintenance", {"id": "web/1", "enable": True, "reason": "paint"})
    client.call("agent.maintenance", {"enable": True, "reason": "floods"})
    checks = client.call("agent.checks")
    assert (checks["_service_maintenance:web/1"]["Notes"], checks["_node_maintenance"]["Notes"]) == ("paint", "floods")
    client.call("agent.service.maintenance", {"id": "web/1", "enable": False})
    client.call("agent.maintenance", False)
    client.call("agent.service.deregister", "web/1")
    assert client.call("agent.checks") == {}
    client.call("agent.join", cluster.agent("n2").gossip)
    with pytest.raises(ClientError, match="internal server error"):
        client.call("agent.join", "127.0.0.1:1")
    client.call("agent.forceLeave", "nobody")


def test_watch_tells_every_change(cluster: Cluster, reader: ClientProcess) -> None:
    """From a service that is not there yet to one that is gone: each change once, the index above 0 and growing."""
    reader.send({"watch": "health.service", "options": {"service": "clock", "wait": "30s"}})
    indexes: list[int] = []

    def told(is_it: Any) -> None:
        def matches(line: dict[str, Any]) -> bool:
            assert "change" in line, line
            indexes.append(int(line["index"]))
            return bool(is_it(line["change"]))

        reader.wait_line(CHANGE_TIMEOUT_S, matches)

    def shows(status: str) -> Any:
        return lambda entries: (
            entries
            and any((check["CheckID"], check["Status"]) == ("service:clock", status) for check in entries[0]["Checks"])
        )

    told(lambda entries: entries == [])
    put(cluster.seed, "agent/service/register", {"Name": "clock", "Check": {"TTL": "60s"}})
    told(shows("critical"))
    for verb, status in (("pass", "passing"), ("warn", "warning"), ("fail", "critical"), ("pass", "passing")):
        put(cluster.seed, f"agent/check/{verb}/service:clock")
        told(shows(status))
    put(cluster.seed, "agent/service/deregister/clock")
    told(lambda entries: entries == [])
    assert indexes[0] > 0
    assert indexes == sorted(set(indexes))


def test_watch_goes_on_over_waits_without_news(cluster: Cluster, reader: ClientProcess) -> None:
    """Waits that end without news are neither changes nor errors, and what comes after them is told."""
    reader.send({"watch": "catalog.service.list", "options": {"wait": "100ms"}})
    lines = reader.wait_line(CHANGE_TIMEOUT_S, lambda line: "change" in line)
    put(cluster.seed, "agent/service/register", {"Name": "late"})
    lines += reader.wait_line(CHANGE_TIMEOUT_S, lambda line: "late" in line.get("change", {}))
    put(cluster.seed, "agent/service/deregister/late")
    lines += reader.wait_line(CHANGE_TIMEOUT_S, lambda line: "late" not in line.get("change", {"late": 1}))
    assert all("change" in line for line in lines), lines
