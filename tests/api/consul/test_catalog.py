"""The catalog and status routes: what they show, of which nodes, in which order."""

from dataclasses import replace

import pytest

from protocol.status import Status
from tests.api.asker import ask_app, ask_consul, make_consul_app
from tests.api.fake_catalog import FIRST_INDEX, place, remote_service
from tests.api.fake_view import FakeView

LISTINGS = (
    "/v1/catalog/nodes",
    "/v1/catalog/services",
    "/v1/catalog/service/db",
    "/v1/catalog/node/n2",
    "/v1/catalog/node-services/n2",
    "/v1/health/node/n2",
    "/v1/health/checks/db",
    "/v1/health/service/db",
    "/v1/health/state/any",
)


def _with_services() -> FakeView:
    """Give n1 to n4: `db` on n2 (twice) and n3, `web` on n4, which is in dc2."""
    view = FakeView(4)
    view.change_member(4, datacenter="dc2")
    view.catalog.add_remote("n2", remote_service("db1", "db", ("Master", "v1")))
    view.catalog.add_remote("n2", remote_service("db2", "db", ("v1",)))
    view.catalog.add_remote("n3", remote_service("db1", "db", ()))
    view.catalog.add_remote("n4", remote_service("web"))
    return view


async def test_datacenters() -> None:
    """This node's own goes first."""
    answer = await ask_consul(_with_services(), "GET", "/v1/catalog/datacenters")
    assert answer.json == ["dc1", "dc2"]


async def test_nodes() -> None:
    """The nodes of the data centre that have not left, with every key; a failed one is there."""
    view = _with_services()
    view.set_status(2, Status.FAILED)
    view.set_status(3, Status.LEFT)
    nodes = (await ask_consul(view, "GET", "/v1/catalog/nodes")).json
    assert [node["Node"] for node in nodes] == ["n1", "n2"]
    assert nodes[1] == {
        "ID": nodes[1]["ID"],
        "Node": "n2",
        "Address": "127.0.0.1",
        "Datacenter": "dc1",
        "TaggedAddresses": dict.fromkeys(("lan", "lan_ipv4", "wan", "wan_ipv4"), "127.0.0.1"),
        "Meta": {"rack": "r2"},
        "CreateIndex": 11,
        "ModifyIndex": 12,
    }


async def test_services() -> None:
    """Names with distinct tags as lists; every node offers `consul`."""
    assert (await ask_consul(FakeView(), "GET", "/v1/catalog/services")).json == {"consul": []}
    answer = await ask_consul(_with_services(), "GET", "/v1/catalog/services")
    assert answer.json == {"consul": [], "db": ["Master", "v1"]}


async def test_services_of_one_data_centre() -> None:
    """Another data centre has its own services; one that nobody knows is 500."""
    view = _with_services()
    assert (await ask_consul(view, "GET", "/v1/catalog/services?dc=dc2")).json == {"consul": [], "web": []}
    assert (await ask_consul(view, "GET", "/v1/catalog/service/web")).json == []
    assert len((await ask_consul(view, "GET", "/v1/catalog/service/web?dc=dc2")).json) == 1
    assert (await ask_consul(view, "GET", "/v1/catalog/node/n4")).json is None
    assert (await ask_consul(view, "GET", "/v1/catalog/node/n4?dc=dc2")).json["Node"]["Node"] == "n4"


@pytest.mark.parametrize("path", [*LISTINGS, "/v1/status/leader", "/v1/status/peers"])
async def test_unknown_data_centre(path: str) -> None:
    """500, as there is no way to it."""
    answer = await ask_consul(_with_services(), "GET", f"{path}?dc=dc9")
    assert (answer.status, answer.text) == (500, "No path to datacenter")


async def test_service() -> None:
    """Each instance with its node, flat."""
    view = _with_services()
    instances = (await ask_consul(view, "GET", "/v1/catalog/service/db")).json
    assert [(one["Node"], one["ServiceID"]) for one in instances] == [("n2", "db1"), ("n2", "db2"), ("n3", "db1")]
    assert instances[0] == {
        "ID": instances[0]["ID"],
        "Node": "n2",
        "Address": "127.0.0.1",
        "Datacenter": "dc1",
        "TaggedAddresses": dict.fromkeys(("lan", "lan_ipv4", "wan", "wan_ipv4"), "127.0.0.1"),
        "NodeMeta": {"rack": "r2"},
        "ServiceID": "db1",
        "ServiceName": "db",
        "ServiceTags": ["Master", "v1"],
        "ServiceAddress": "",
        "ServiceWeights": {"Passing": 1, "Warning": 1},
        "ServiceMeta": {},
        "ServicePort": 9_000,
        "ServiceEnableTagOverride": False,
        "CreateIndex": 31,
        "ModifyIndex": 32,
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [("tag=v1", 2), ("tag=v1&tag=master", 1), ("tag=MASTER", 1), ("tag=v2", 0), ("tag=v1&tag=v2", 0), ("tag=", 0)],
)
async def test_service_by_tags(query: str, count: int) -> None:
    """An instance must carry all the tags, in whatever case."""
    view = _with_services()
    assert len((await ask_consul(view, "GET", f"/v1/catalog/service/db?{query}")).json) == count
    assert len((await ask_consul(view, "GET", f"/v1/health/service/db?{query}")).json) == count


async def test_service_consul_is_on_every_node() -> None:
    """It is there without registration, at the port of the gossip."""
    instances = (await ask_consul(FakeView(), "GET", "/v1/catalog/service/consul")).json
    assert [(one["Node"], one["ServicePort"]) for one in instances] == [("n1", 4647), ("n2", 4648), ("n3", 4649)]
    entries = (await ask_consul(FakeView(), "GET", "/v1/health/service/consul?passing")).json
    assert [entry["Checks"][0]["CheckID"] for entry in entries] == ["serfHealth"] * 3


async def test_service_with_strange_name() -> None:
    """A name may hold what a path cannot."""
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("1", "a#b/c d"))
    for path in ("catalog/service", "health/service"):
        assert len((await ask_consul(view, "GET", f"/v1/{path}/a%23b%2Fc%20d")).json) == 1


async def test_node() -> None:
    """The node and its services by id; null for one that nobody knows."""
    view = _with_services()
    answer = (await ask_consul(view, "GET", "/v1/catalog/node/n2")).json
    assert answer["Node"]["Node"] == "n2"
    assert set(answer["Services"]) == {"consul", "db1", "db2"}
    assert answer["Services"]["db1"] == {
        "ID": "db1",
        "Service": "db",
        "Tags": ["Master", "v1"],
        "Meta": {},
        "Port": 9_000,
        "Address": "",
        "Weights": {"Passing": 1, "Warning": 1},
        "EnableTagOverride": False,
        "CreateIndex": 31,
        "ModifyIndex": 32,
    }
    unknown = await ask_consul(view, "GET", "/v1/catalog/node/n9")
    assert (unknown.status, unknown.body) == (200, b"null")
    assert int(unknown.headers["x-consul-index"]) > 0


async def test_node_services() -> None:
    """The node and a list of its services, filtered; both null for one that nobody knows."""
    view = _with_services()
    answer = (await ask_consul(view, "GET", "/v1/catalog/node-services/N2")).json
    by_id = (await ask_consul(view, "GET", "/v1/catalog/node/n2")).json
    assert answer == {"Node": by_id["Node"], "Services": list(by_id["Services"].values())}
    filtered = (await ask_consul(view, "GET", "/v1/catalog/node-services/n2?filter=ID==db2")).json
    assert [service["ID"] for service in filtered["Services"]] == ["db2"]
    assert (await ask_consul(view, "GET", "/v1/catalog/node-services/n2?filter=ID==x")).json["Services"] == []
    for path in ("n9", "n2?dc=dc2"):
        unknown = await ask_consul(view, "GET", f"/v1/catalog/node-services/{path}")
        assert (unknown.status, unknown.json) == (200, {"Node": None, "Services": None})
        assert int(unknown.headers["x-consul-index"]) > 0


async def test_names_in_any_case() -> None:
    """A service is found by its name in any case, and shown as it was registered, each spelling for itself."""
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("a", "Web", ("A",)))
    view.catalog.add_remote("n2", remote_service("b", "web", ("b",)))
    view.catalog.add_remote("n3", remote_service("c", "WEB"))
    app = make_consul_app(view)
    assert (await ask_app(app, "GET", "/v1/catalog/services")).json == {
        "WEB": [],
        "Web": ["A"],
        "consul": [],
        "web": ["b"],
    }
    for name in ("web", "Web", "WEB", "wEb"):
        services = (await ask_app(app, "GET", f"/v1/catalog/service/{name}")).json
        assert [one["ServiceName"] for one in services] == ["Web", "web", "WEB"]
        entries = (await ask_app(app, "GET", f"/v1/health/service/{name}")).json
        assert [one["Service"]["ID"] for one in entries] == ["a", "b", "c"]
    assert len((await ask_app(app, "GET", "/v1/catalog/service/CONSUL")).json) == 3
    assert len((await ask_app(app, "GET", "/v1/catalog/service/web?tag=a")).json) == 1


async def test_checks_of_names_in_any_case() -> None:
    """The checks of a service too; states are words of their own."""
    view = FakeView()
    await ask_consul(view, "PUT", "/v1/agent/service/register", {"Name": "Web", "ID": "A", "Check": {"TTL": "9s"}})
    for name in ("web", "WEB"):
        checks = (await ask_consul(view, "GET", f"/v1/health/checks/{name}")).json
        assert [(one["CheckID"], one["ServiceName"]) for one in checks] == [("service:A", "Web")]
    assert (await ask_consul(view, "GET", "/v1/health/state/CRITICAL")).json == []
    assert (await ask_consul(view, "GET", "/v1/agent/service/a")).status == 404


@pytest.mark.parametrize(
    "path", ["catalog/node/N2", "catalog/node-services/N2", "health/node/N2", "coordinate/node/N2"]
)
async def test_node_names_in_any_case(path: str) -> None:
    """A node is found by its name in any case, and shown as it is."""
    view = FakeView()
    view.catalog.coordinates["n2"] = place(0.5)
    answer = (await ask_consul(view, "GET", f"/v1/{path}")).json
    shown = answer["Node"] if isinstance(answer, dict) else answer[0]
    assert shown["Node"] == "n2"
    nodes = (await ask_consul(view, "GET", "/v1/catalog/nodes?near=N2")).json
    assert nodes[0]["Node"] == "n2"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/v1/catalog/service/", "Missing service name"),
        ("/v1/catalog/node/", "Missing node name"),
        ("/v1/catalog/node-services/", "Missing node name"),
        ("/v1/health/node/", "Missing node name"),
        ("/v1/health/checks/", "Missing service name"),
        ("/v1/health/service/", "Missing service name"),
        ("/v1/health/state/", "Missing check state"),
        ("/v1/catalog/node/%ff", "the path is not percent-encoded UTF-8"),
    ],
)
async def test_missing_name(path: str, sentence: str) -> None:
    """A prefix alone is 400."""
    answer = await ask_consul(FakeView(), "GET", path)
    assert (answer.status, answer.text) == (400, sentence)


@pytest.mark.parametrize("path", LISTINGS)
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("index=-1", "Invalid index"),
        ("index=x", "Invalid index"),
        ("index=1.5", "Invalid index"),
        ("index=18446744073709551616", "Invalid index"),
        ("wait=15", "Invalid wait time"),
        ("wait=x", "Invalid wait time"),
        ("stale&consistent", "Cannot specify ?stale with ?consistent, conflicting semantics."),
        ("stale=1&consistent=1", "Cannot specify ?stale with ?consistent, conflicting semantics."),
    ],
)
async def test_bad_options(path: str, query: str, sentence: str) -> None:
    """Every listing refuses the same options with the same words."""
    answer = await ask_consul(FakeView(), "GET", f"{path}?{query}")
    assert (answer.status, answer.text) == (400, sentence)


@pytest.mark.parametrize("path", LISTINGS)
@pytest.mark.parametrize("query", ["", "stale=", "consistent=1", "index=0", "index=&wait=", "pretty", "dc=dc1", "dc="])
async def test_headers(path: str, query: str) -> None:
    """Every listing has the headers that clients insist on, whatever it is asked for."""
    answer = await ask_consul(FakeView(), "GET", f"{path}?{query}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["x-consul-index"]) == FIRST_INDEX
    assert answer.headers["x-consul-knownleader"] == "true"
    assert answer.headers["x-consul-lastcontact"] == "0"
    assert answer.headers["x-consul-effective-consistency"] == "stale"


@pytest.mark.parametrize(
    ("path", "is_cached"),
    [
        ("/v1/catalog/service/db", True),
        ("/v1/catalog/services", True),
        ("/v1/catalog/connect/db", True),
        ("/v1/health/service/db", True),
        ("/v1/health/connect/db", True),
        ("/v1/catalog/nodes", False),
        ("/v1/catalog/node-services/n1", False),
        ("/v1/health/node/n1", False),
    ],
)
async def test_cached(path: str, is_cached: bool) -> None:
    """Where a Consul keeps answers, one for `cached` has the headers of a fresh one that was kept; else none has."""
    answer = await ask_consul(FakeView(), "GET", f"{path}?cached")
    wanted = ("HIT", "0") if is_cached else (None, None)
    assert (answer.headers.get("x-cache"), answer.headers.get("age")) == wanted
    plain = await ask_consul(FakeView(), "GET", path)
    assert not {"x-cache", "age"} & set(plain.headers)


async def test_no_leader_is_known() -> None:
    """With nobody alive the header says so."""
    view = FakeView(1)
    view.set_status(1, Status.LEFT)
    assert (await ask_consul(view, "GET", "/v1/catalog/nodes")).headers["x-consul-knownleader"] == "false"


async def test_node_meta() -> None:
    """Only nodes that carry all the pairs count; a pair without a colon has an empty value."""
    view = _with_services()
    view.change_member(2, tags={"rack": "r1", "ssd": "", "url": "a:b"})
    assert len((await ask_consul(view, "GET", "/v1/catalog/nodes?node-meta=rack:r1")).json) == 2
    both = "node-meta=rack:r1&node-meta=ssd&node-meta=url:a%3Ab"
    assert [node["Node"] for node in (await ask_consul(view, "GET", f"/v1/catalog/nodes?{both}")).json] == ["n2"]
    assert len((await ask_consul(view, "GET", f"/v1/catalog/service/db?{both}")).json) == 2
    assert (await ask_consul(view, "GET", "/v1/catalog/services?node-meta=rack:r3")).json == {"consul": [], "db": []}
    assert (await ask_consul(view, "GET", "/v1/catalog/services?node-meta=rack:none")).json == {}


@pytest.mark.parametrize(("near", "order"), [("n1", "n1 n3 n2 n4"), ("_agent", "n1 n3 n2 n4"), ("n2", "n2 n3 n1 n4")])
async def test_near(near: str, order: str) -> None:
    """The nearest go first, those without a place last."""
    view = FakeView(4)
    view.catalog.coordinates |= {"n2": place(0.9), "n3": place(0.5)}
    nodes = (await ask_consul(view, "GET", f"/v1/catalog/nodes?near={near}")).json
    assert " ".join(node["Node"] for node in nodes) == order
    entries = (await ask_consul(view, "GET", f"/v1/health/service/consul?near={near}")).json
    assert " ".join(entry["Node"]["Node"] for entry in entries) == order
    checks = (await ask_consul(view, "GET", f"/v1/health/state/any?near={near}")).json
    assert " ".join(check["Node"] for check in checks) == order


async def test_nearest_to_a_node_is_itself() -> None:
    """Though its own height counts twice in the distance to itself, and another's adjustment is below 0."""
    view = FakeView(3)
    view.catalog.coordinates = {"n1": place(0.0, 0.001, -0.0005), "n2": place(0.0, 0.001), "n3": place(0.0, 0.001)}
    nodes = (await ask_consul(view, "GET", "/v1/catalog/nodes?near=n2")).json
    assert nodes[0]["Node"] == "n2"


@pytest.mark.parametrize("near", ["nobody", "n4", ""])
async def test_near_what_has_no_place(near: str) -> None:
    """Near a node that is unknown, or has no place, the order is by name."""
    view = FakeView(4)
    view.catalog.coordinates |= {"n2": place(0.9), "n3": place(0.5)}
    nodes = (await ask_consul(view, "GET", f"/v1/catalog/nodes?near={near}")).json
    assert [node["Node"] for node in nodes] == ["n1", "n2", "n3", "n4"]


async def test_near_is_never_stale() -> None:
    """Places move without a new index, so such an answer is not kept."""
    view = FakeView(3)
    view.catalog.coordinates |= {"n2": place(0.9), "n3": place(0.5)}
    app = make_consul_app(view)
    assert [node["Node"] for node in (await ask_app(app, "GET", "/v1/catalog/nodes?near=n1")).json][1] == "n3"
    view.catalog.coordinates["n3"] = place(2.0)
    assert [node["Node"] for node in (await ask_app(app, "GET", "/v1/catalog/nodes?near=n1")).json][1] == "n2"


async def test_answers_are_kept_while_their_index_stands() -> None:
    """The same question is answered from the same bytes, another one is not, and news make them anew."""
    view = _with_services()
    app = make_consul_app(view)
    first = await ask_app(app, "GET", "/v1/catalog/service/db")
    view.catalog.remote["n3"] = [replace(remote_service("db1", "db"), port=1)]  # and nobody is told
    assert (await ask_app(app, "GET", "/v1/catalog/service/db")).body == first.body
    for other in ("?tag=v1", "?pretty", "?dc=dc2", "?filter=ServicePort==1", "?node-meta=rack:r2"):
        assert (await ask_app(app, "GET", f"/v1/catalog/service/db{other}")).body != first.body
    view.catalog.service_changed("db", "n3")
    assert [one["ServicePort"] for one in (await ask_app(app, "GET", "/v1/catalog/service/db")).json] == [
        9_000,
        9_000,
        1,
    ]


async def test_filters() -> None:
    """Every listing keeps what its filter says."""
    view = _with_services()
    cases = {
        "catalog/nodes?filter=Meta.rack==r2": ["n2"],
        "catalog/service/db?filter=Master%20in%20ServiceTags": ["n2"],
        "catalog/services?filter=ServiceName==db": ["db"],
        "health/service/db?filter=Service.ID==db2": ["n2"],
        "health/state/any?filter=Node==n3": ["n3"],
        "health/node/n2?filter=CheckID==x": [],
    }
    for target, wanted in cases.items():
        answer = (await ask_consul(view, "GET", f"/v1/{target}")).json
        if isinstance(answer, dict):
            assert list(answer) == wanted
            continue
        names = [one["Node"]["Node"] if isinstance(one["Node"], dict) else one["Node"] for one in answer]
        assert names == wanted, target
    assert (await ask_consul(view, "GET", "/v1/catalog/nodes?filter=(")).status == 500


async def test_status() -> None:
    """The leader is the alive member with the smallest id; the peers are the alive ones; neither has an index."""
    view = FakeView()
    answer = await ask_consul(view, "GET", "/v1/status/leader")
    assert answer.json == "127.0.0.1:4647"
    assert "x-consul-index" not in answer.headers
    view.set_status(1, Status.FAILED)
    assert (await ask_consul(view, "GET", "/v1/status/leader")).json == "127.0.0.1:4648"
    assert (await ask_consul(view, "GET", "/v1/status/peers")).json == ["127.0.0.1:4648", "127.0.0.1:4649"]
