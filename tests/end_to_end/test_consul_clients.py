"""py-consul, python-consul and python-consul2 against three real processes: all of agent, catalog, health, status.

What runs of it is what `make clients` has installed.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.clients.client_process import ClientError, ClientProcess, running_client
from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import consul_port, get, put, running_consul_cluster

pytestmark = pytest.mark.end_to_end

SEEN_WITHIN_S = 2.0
"""Until another node's catalog has it, with a client's own time."""
CHECKED_WITHIN_S = 5.0
"""Until a check with an interval of a second ran."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three nodes whose checks may be scripts."""
    with running_consul_cluster(tmp_path_factory.mktemp("clients"), 3, "--enable-script-checks") as trio:
        yield trio


@pytest.fixture(scope="module", params=["py-consul", "python-consul", "python-consul2"])
def name(request: pytest.FixtureRequest) -> str:
    """Give the name of a client."""
    return str(request.param)


@pytest.fixture(scope="module")
def client(name: str, request: pytest.FixtureRequest) -> Iterator[ClientProcess]:
    """Give a client of the first node; without it installed no cluster is started."""
    with running_client(name, 0):
        pass
    cluster = request.getfixturevalue("cluster")
    with running_client(name, consul_port(cluster.seed)) as process:
        yield process


@pytest.fixture(scope="module")
def reader(name: str, client: ClientProcess, cluster: Cluster) -> Iterator[ClientProcess]:
    """Give a client of the third node."""
    with running_client(name, consul_port(cluster.agent("n3"))) as process:
        yield process


@pytest.fixture(autouse=True)
def _empty(client: ClientProcess, cluster: Cluster) -> Iterator[None]:
    """Leave nothing behind for the next test, whatever came of this one."""
    yield
    for id in get(cluster.seed, "agent/services"):
        put(cluster.seed, f"agent/service/deregister/{quote(id, safe='')}")
    for id in get(cluster.seed, "agent/checks"):
        put(cluster.seed, f"agent/check/deregister/{quote(id, safe='')}")


def wait_for(what: str, ask: Any, is_so: Any, timeout_s: float = SEEN_WITHIN_S) -> Any:
    """Ask again until something is so of the answer; the answer."""
    answers: list[Any] = []

    def asked() -> bool:
        answers.append(ask())
        return bool(is_so(answers[-1]))

    wait_until(what, asked, timeout_s)
    return answers[-1]


def checks_of(entry: dict[str, Any]) -> dict[str, str]:
    """Give the status of each check of an entry of health.service."""
    return {check["CheckID"]: check["Status"] for check in entry["Checks"]}


def test_agent_and_status_reads(client: ClientProcess, cluster: Cluster) -> None:
    """self, members in both pools, leader and peers have Consul's shapes, with what is so."""
    own = client.call("agent.self")
    assert {"Config", "Coord", "DebugConfig", "Member", "Meta", "Stats"} <= set(own)
    assert (own["Config"]["Datacenter"], own["Config"]["NodeName"]) == ("dc1", "n1")
    assert len(own["Coord"]["Vec"]) == 8
    members = client.call("agent.members")
    assert own["Member"] in members
    assert {(member["Name"], member["Status"]) for member in members} == {("n1", 1), ("n2", 1), ("n3", 1)}
    assert {member["Name"] for member in client.call("agent.members", wan=True)} == {"n1.dc1", "n2.dc1", "n3.dc1"}
    assert client.call("agent.services") == {}
    assert client.call("agent.checks") == {}
    leader, peers = client.call("status.leader"), client.call("status.peers")
    assert leader == own["Stats"]["consul"]["leader_addr"]
    assert sorted(peers) == sorted(agent.gossip for agent in cluster.agents)
    assert leader in peers


def test_services(name: str, client: ClientProcess, reader: ClientProcess) -> None:
    """What is registered, with an id of slashes and other letters, is on node 3, by service, tag, node and name."""
    id = f"web/{name}#127.0.0.1#8000"
    meta = {} if name == "python-consul" else {"meta": {"version": "2"}}
    registered = client.call(
        "agent.service.register", "web", service_id=id, address="10.9.8.7", port=8000, tags=["v1", "blue"],
        check={"$check": ["ttl", "60s"]}, enable_tag_override=True, **meta,
    )  # fmt: skip
    assert registered is True
    held = client.call("agent.services")[id]
    assert (held["Service"], held["Address"], held["Port"]) == ("web", "10.9.8.7", 8000)
    assert (sorted(held["Tags"]), held["EnableTagOverride"]) == (["blue", "v1"], True)
    assert held["Meta"] == meta.get("meta", {})
    assert client.call("agent.checks")[f"service:{id}"]["Status"] == "critical"

    index, (entry,) = wait_for("node 3 has it", lambda: reader.call("health.service", "web"), lambda found: found[1])
    assert int(index) > 0
    assert (entry["Node"]["Node"], entry["Service"]["ID"]) == ("n1", id)
    assert checks_of(entry) == {f"service:{id}": "critical", "serfHealth": "passing"}
    assert reader.call("health.service", "web", passing=True)[1] == []
    assert client.call("agent.check.ttl_pass", f"service:{id}", notes="well") is True
    wait_for("it passes", lambda: reader.call("health.service", "web", passing=True)[1], bool)
    assert len(reader.call("health.service", "web", tag="blue")[1]) == 1
    assert reader.call("health.service", "web", tag="red")[1] == []

    index, (row,) = reader.call("catalog.service", "web", tag="v1", near="_agent")
    assert int(index) > 0
    assert (row["Node"], row["ServiceID"], row["ServiceAddress"], row["ServicePort"]) == ("n1", id, "10.9.8.7", 8000)
    index, services = reader.call("catalog.services")
    assert (int(index) > 0, sorted(services["web"]), services["consul"]) == (True, ["blue", "v1"], [])
    index, shown = reader.call("catalog.node", "n1")
    assert (int(index) > 0, shown["Node"]["Node"], shown["Services"][id]["Port"]) == (True, "n1", 8000)
    assert [check["CheckID"] for check in reader.call("health.checks", "web")[1]] == [f"service:{id}"]
    assert client.call("agent.service.deregister", id) is True
    assert client.call("agent.services") == {}
    wait_for("node 3 has it no more", lambda: reader.call("health.service", "web")[1], lambda found: found == [])


def test_checks_of_each_kind(client: ClientProcess, cluster: Cluster, name: str) -> None:
    """TTL, HTTP, TCP and script checks are taken as this client writes them, and run; notes and states are told."""
    url = f"{cluster.seed.url}/livez"
    kinds: dict[str, list[Any]] = {
        "http": ["http", url, "1s"],
        "tcp": ["tcp", "127.0.0.1", int(url.split(":")[2].split("/", maxsplit=1)[0]), "1s"],
        "script": ["script", ["/bin/sh", "-c", "echo hello"], 10**9],
        "ttl": ["ttl", "100ms"],
    }
    if name == "py-consul":
        kinds["http"] = ["http", url, "1s", "500ms", "10m", {"X-Its-Header": ["yes"]}]
    for id, check in kinds.items():
        assert client.call("agent.check.register", f"the {id}", check={"$check": check}, check_id=id, notes="mine")
    shown = client.call("agent.checks")
    assert {id: (shown[id]["Name"], shown[id]["Notes"]) for id in kinds} == {id: (f"the {id}", "mine") for id in kinds}
    ran = wait_for(
        "all but the TTL check pass", lambda: client.call("agent.checks"),
        lambda found: all(found[id]["Status"] == "passing" for id in ("http", "tcp", "script")), CHECKED_WITHIN_S,
    )  # fmt: skip
    assert ran["http"]["Output"].startswith(f"HTTP GET {url}: 200")
    assert ran["tcp"]["Output"].endswith(": Success")
    assert ran["script"]["Output"] == "hello\n"
    for call, status in (("ttl_warn", "warning"), ("ttl_fail", "critical"), ("ttl_pass", "passing")):
        assert client.call(f"agent.check.{call}", "ttl", notes=f"it is {status}") is True
        told = client.call("agent.checks")["ttl"]
        assert (told["Status"], told["Output"]) == (status, f"it is {status}")
    wait_for("it expires", lambda: client.call("agent.checks")["ttl"]["Status"], lambda found: found == "critical")
    for id in kinds:
        assert client.call("agent.check.deregister", id) is True
    assert client.call("agent.checks") == {}
    for call in ("agent.check.ttl_pass", "agent.check.ttl_warn", "agent.check.ttl_fail"):
        with pytest.raises(ClientError, match="does not have associated TTL"):
            client.call(call, "ttl")
    with pytest.raises(ClientError, match="ConsulException"):
        client.call("agent.check.register", "orphan", check={"$check": ["ttl", "1s"]}, service_id="nobody")


def test_maintenance(client: ClientProcess, reader: ClientProcess) -> None:
    """Of a service and of the node, switched with Python's True and False; the reason is the note."""
    client.call("agent.service.register", "shop", service_id="shop-1")
    wait_for("node 3 has it", lambda: reader.call("health.service", "shop")[1], bool)
    for ask, id in (
        (("agent.service.maintenance", "shop-1"), "_service_maintenance:shop-1"),
        (("agent.maintenance",), "_node_maintenance"),
    ):
        assert client.call(*ask, True, "new shelves & paint") is True
        assert client.call("agent.checks")[id]["Notes"] == "new shelves & paint"
        entries = wait_for(
            f"node 3 has {id}", lambda: reader.call("health.service", "shop")[1],
            lambda found, id=id: id in checks_of(found[0]),
        )  # fmt: skip
        assert checks_of(entries[0])[id] == "critical"
        assert reader.call("health.service", "shop", passing=True)[1] == []
        assert client.call(*ask, False) is True
        assert id not in client.call("agent.checks")
        wait_for("it passes", lambda: reader.call("health.service", "shop", passing=True)[1], bool)
    assert client.call("agent.service.deregister", "shop-1") is True


def test_catalog_and_health_reads(client: ClientProcess, cluster: Cluster) -> None:
    """Data centres, nodes and checks, with consistency, near and node-meta; what is unknown is empty, or raises."""
    assert client.call("catalog.datacenters") == ["dc1"]
    for more in ({}, {"consistency": "stale"}, {"consistency": "consistent"}, {"near": "n2"}, {"dc": "dc1"}):
        index, nodes = client.call("catalog.nodes", **more)
        assert int(index) > 0
        assert {node["Node"] for node in nodes} == {"n1", "n2", "n3"}
    assert client.call("catalog.nodes", near="n2")[1][0]["Node"] == "n2"
    assert client.call("catalog.nodes", node_meta={"no": "such"})[1] == []
    assert client.call("catalog.services", node_meta={"no": "such"})[1] == {}
    assert client.call("catalog.services")[1] == {"consul": []}
    assert client.call("catalog.node", "nobody")[1] is None
    assert client.call("catalog.service", "nothing")[1] == []
    assert client.call("health.service", "nothing", near="_agent", node_meta={"a": "b"})[1] == []
    index, checks = client.call("health.node", "n2")
    assert (int(index) > 0, [(check["CheckID"], check["Node"]) for check in checks]) == (True, [("serfHealth", "n2")])
    assert client.call("health.node", "nobody")[1] == []
    assert client.call("health.checks", "nothing")[1] == []
    index, checks = client.call("health.state", "any")
    assert int(index) > 0
    assert sorted((check["Node"], check["CheckID"], check["ServiceID"]) for check in checks) == [
        (agent.name, "serfHealth", "") for agent in cluster.agents
    ]
    assert len(client.call("health.state", "passing", near="n3")[1]) == 3
    for state in ("warning", "critical", "unknown"):
        assert client.call("health.state", state)[1] == []
    for call, *args in (("catalog.nodes",), ("catalog.services",), ("catalog.node", "n1"), ("catalog.service", "web")):
        with pytest.raises(ClientError, match="No path to datacenter"):
            client.call(call, *args, dc="dc2")


def test_catalog_is_not_written_by_clients(client: ClientProcess) -> None:
    """What only a node itself may say of itself is refused, and each client raises with the reason."""
    for call, args in (("register", ("n2", "10.0.0.2", {"service": "web"})), ("deregister", ("n2", "web"))):
        with pytest.raises(ClientError, match="each node signs what the catalog says of it") as refused:
            client.call(f"catalog.{call}", *args)
        assert f"PUT /v1/agent/service/{call}" in refused.value.text
    assert client.call("catalog.node", "n2")[1]["Node"]["Address"] == "127.0.0.1"


def test_watch_loop_sees_every_change(client: ClientProcess, reader: ClientProcess, name: str) -> None:
    """The loop of index and wait that these clients are written for: an index each time, above 0, growing."""
    client.call("agent.service.register", "clock", check={"$check": ["ttl", "60s"]})
    index, _ = wait_for("it is there", lambda: reader.call("health.service", "clock"), lambda found: found[1])
    indexes = [int(index)]
    for status in ("passing", "warning", "critical", "passing"):
        reader.begin("health.service", "clock", index=index, wait="10s")
        verb = {"passing": "pass", "warning": "warn", "critical": "fail"}[status]
        client.call(f"agent.check.ttl_{verb}", "service:clock", notes=f"{name} {len(indexes)}")
        index, (entry,) = reader.finish()
        assert checks_of(entry)["service:clock"] == status
        indexes.append(int(index))
    reader.begin("health.service", "clock", index=index, wait="10s")
    client.call("agent.service.deregister", "clock")
    indexes.append(int(reader.finish()[0]))
    assert indexes[0] > 0
    assert indexes == sorted(set(indexes))
    assert reader.call("health.service", "clock")[1] == []
    unchanged, _ = reader.call("health.service", "clock", index=indexes[-1], wait="50ms")
    assert int(unchanged) == indexes[-1]


def test_join_and_force_leave(client: ClientProcess, cluster: Cluster, name: str) -> None:
    """Join by whatever method takes a node in, or raises with the reason; force_leave makes a failed one left."""
    newcomer: AgentProcess = cluster.other(f"{name}-joins")
    newcomer.start()
    try:
        assert client.call("agent.join", newcomer.gossip) is True
        wait_until("n1 sees it", lambda: cluster.seed.sees(newcomer.name, "alive"))
        with pytest.raises(ClientError, match="Failed to join"):
            client.call("agent.join", "127.0.0.1:1")
        assert client.call("agent.force_leave", "nobody") is True
    finally:
        newcomer.kill()
    wait_until("it failed", lambda: cluster.seed.sees(newcomer.name, "failed"))
    assert client.call("agent.force_leave", newcomer.name) is True
    wait_until("it left", lambda: cluster.seed.sees(newcomer.name, "left"))
    statuses = {member["Name"]: member["Status"] for member in client.call("agent.members")}
    assert statuses[newcomer.name] == 3
    assert client.call("catalog.node", newcomer.name)[1] is None
    cluster.seed.ask("PUT", "/v1/agent/force-leave", {"node": newcomer.name, "prune": "true"})
    wait_until("it is forgotten", lambda: cluster.seed.sees(newcomer.name, ""))


def test_py_consul_calls_of_later_versions(name: str, client: ClientProcess, cluster: Cluster) -> None:
    """What py-consul alone has: filters, several and replaced checks, the mesh, metrics, reload, monitor, tokens."""
    if name != "py-consul":
        pytest.skip("these calls are py-consul's")
    more = [{"$check": ["ttl", "30s"]}, {"$check": ["ttl", "40s"]}]
    client.call("agent.service.register", "many", check={"$check": ["ttl", "20s"]}, extra_checks=more, tags=["keep"])
    assert sorted(client.call("agent.checks")) == [f"service:many:{number}" for number in (1, 2, 3)]
    client.call("agent.service.register", "many", check={"$check": ["ttl", "20s"]}, replace_existing_checks=True)
    assert sorted(client.call("agent.checks")) in (["service:many:1"], ["service:many"])
    assert set(client.call("agent.services", filter_expr='Service == "many"')) == {"many"}
    assert client.call("agent.services", filter_expr='"red" in Tags') == {}
    assert client.call("agent.checks", filter_expr="Status == `passing`") == {}
    assert client.call("catalog.nodes", filter_expr='Node == "n2"')[1][0]["Node"] == "n2"
    with pytest.raises(ClientError, match="ConsulException"):
        client.call("catalog.nodes", filter_expr="not a filter((")
    held = client.call("agent.service_definition", "many")
    assert (held["ID"], held["Service"], held["Tags"]) == ("many", "many", [])
    assert held["ContentHash"]
    assert client.call("agent.service.deregister", "many") is True
    assert client.call("agent.service_definition", "many") is None  # what this client makes of a 404
    for call in ("catalog.connect", "health.connect", "health.ingress"):
        index, entries = client.call(call, "many")
        assert (int(index) > 0, entries) == (True, [])
    assert client.call("catalog.gateway_services", "many") == []
    assert {"Timestamp", "Gauges", "Counters"} <= set(client.call("agent.metrics"))
    assert "shoal_members" in client.call("agent.metrics", format_prometheus=True)
    with pytest.raises(ClientError, match="BadRequest"):
        client.call("agent.monitor", loglevel="not-a-level")
    with pytest.raises(ClientError, match="ACL support disabled"):
        client.call("agent.token.set_default", "secret")
    assert client.call("agent.reload") is True
    assert get(cluster.seed, "status/leader") == client.call("status.leader")
