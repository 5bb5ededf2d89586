"""The agent's own routes: who it is, whom it sees, whom it joins and evicts."""

import json
import re
from collections import defaultdict

import pytest

from api.consul.member import OWN_TAGS
from protocol.status import Status
from tests.api.asker import ADMIN, ask_app, ask_consul, make_consul_app
from tests.api.fake_catalog import place
from tests.api.fake_view import FakeView

PAGE_CONFIG_KEYS = {
    *("Bootstrap", "Server", "Datacenter", "DataDir", "DNSRecursor", "DNSRecursors", "Domain", "LogLevel", "NodeName"),
    *("ClientAddr", "BindAddr", "AdvertiseAddr", "Ports", "LeaveOnTerm", "SkipLeaveOnInt", "StatsiteAddr", "Protocol"),
    *("EnableDebug", "VerifyIncoming", "VerifyOutgoing", "CAFile", "CertFile", "KeyFile", "StartJoin", "UiDir"),
    *("PidFile", "EnableSyslog", "RejoinAfterLeave"),
}
LATER_CONFIG_KEYS = {"Datacenter", "NodeName", "NodeID", "Revision", "Server", "Version"}
MEMBER_KEYS = {
    *("Name", "Addr", "Port", "Tags", "Status"),
    *("ProtocolMin", "ProtocolMax", "ProtocolCur", "DelegateMin", "DelegateMax", "DelegateCur"),
}


async def test_self_has_the_keys_of_every_age() -> None:
    """The whole configuration of 0.7 and the six keys of later versions; the parts that clients compare."""
    answer = await ask_consul(FakeView(), "GET", "/v1/agent/self")
    assert set(answer.json) == {"Config", "Coord", "DebugConfig", "Member", "Meta", "Stats"}
    config = answer.json["Config"]
    assert set(config) >= PAGE_CONFIG_KEYS | LATER_CONFIG_KEYS
    assert set(config["Ports"]) >= {"DNS", "HTTP", "RPC", "SerfLan", "SerfWan", "Server"}
    assert config["Datacenter"] == "dc1"
    assert (config["NodeName"], config["ClientAddr"], config["Ports"]["HTTP"]) == ("n1", "127.0.0.1", 4646)
    assert answer.json["Meta"] == {"rack": "r1", "shoal-version": "0.1.0-dev"}
    assert answer.json["Stats"]["consul"]["leader_addr"] == "127.0.0.1:4647"
    assert answer.json["Stats"]["consul"]["leader"] == "true"
    assert all(isinstance(value, str) for group in answer.json["Stats"].values() for value in group.values())


async def test_self_names_the_version_that_is_spoken() -> None:
    """Programs gate on it, wherever they look; Shoal's own stands beside it."""
    found = (await ask_consul(FakeView(), "GET", "/v1/agent/self")).json
    assert (found["Config"]["Version"], found["Config"]["Revision"]) == ("1.8.7", "0.1.0-dev")
    assert found["Stats"]["build"] == {"prerelease": "", "revision": "0.1.0-dev", "version": "1.8.7"}
    assert found["Stats"]["shoal"] == {"version": "0.1.0-dev"}
    for member in (await ask_consul(FakeView(), "GET", "/v1/agent/members")).json:
        assert (member["Tags"]["build"], member["Tags"]["shoal-version"]) == ("1.8.7:", "0.1.0-dev")


@pytest.mark.parametrize("path", ["/v1/agent/members", "/v1/agent/members?wan=1"])
async def test_member_tags_of_the_dialect_are_its_own(path: str) -> None:
    """A user's tag of a name that Consul's agents use displaces nothing; it is in the node's metadata."""
    plain, tagged = FakeView(), FakeView()
    forged = dict.fromkeys((*OWN_TAGS, "sl_alpha", "ft_fs"), "forged")
    for number in (1, 2):
        tagged.change_member(number, tags={**forged, "rack": f"r{number}"})
    wanted = (await ask_consul(plain, "GET", path)).json
    assert (await ask_consul(tagged, "GET", path)).json == wanted
    assert set(wanted[0]["Tags"]) - {"rack"} <= OWN_TAGS
    meta = (await ask_consul(tagged, "GET", "/v1/catalog/node/n2")).json["Node"]["Meta"]
    assert meta == {**forged, "rack": "r2"}
    found = (await ask_consul(tagged, "GET", "/v1/agent/self")).json["Meta"]
    assert found == {**forged, "rack": "r1", "shoal-version": "0.1.0-dev"}


async def test_self_member_is_on_the_list() -> None:
    """The node shows itself as the list shows it, and its id is that of the catalog."""
    view = FakeView()
    me = (await ask_consul(view, "GET", "/v1/agent/self")).json
    assert me["Member"] in (await ask_consul(view, "GET", "/v1/agent/members")).json
    nodes = (await ask_consul(view, "GET", "/v1/catalog/nodes")).json
    assert me["Config"]["NodeID"] == nodes[0]["ID"] == me["Member"]["Tags"]["id"]


async def test_self_coordinate() -> None:
    """A place has eight numbers; without one it is null."""
    view = FakeView()
    view.catalog.coordinates["n1"] = place(0.5, height=0.25, adjustment=-0.125)
    coordinate = (await ask_consul(view, "GET", "/v1/agent/self")).json["Coord"]
    assert coordinate == {"Vec": [0.5, 0, 0, 0, 0, 0, 0, 0], "Error": 1.5, "Adjustment": -0.125, "Height": 0.25}
    view.catalog.coordinates.clear()
    assert (await ask_consul(view, "GET", "/v1/agent/self")).json["Coord"] is None


async def test_self_has_no_secret() -> None:
    """Nothing named after a token or an encryption key is in it, and no token's secret."""
    text = (await ask_consul(FakeView(), "GET", "/v1/agent/self", headers=ADMIN)).text
    assert "Token" not in text
    assert "Encrypt" not in text
    assert ADMIN["Authorization"].split()[1] not in text


async def test_members_shape_and_status() -> None:
    """A list; the status is a number, and whoever has left is still on it."""
    view = FakeView(5)
    view.set_status(2, Status.SUSPECT)
    view.set_status(3, Status.FAILED)
    view.set_status(4, Status.LEFT)
    members = (await ask_consul(view, "GET", "/v1/agent/members")).json
    assert [member["Status"] for member in members] == [1, 1, 4, 3, 1]
    assert all(set(member) == MEMBER_KEYS for member in members)
    assert [member["Name"] for member in members] == ["n1", "n2", "n3", "n4", "n5"]
    tags = members[0]["Tags"]
    assert {"role": "consul", "dc": "dc1", "vsn": "1", "port": "4647", "bootstrap": "1", "rack": "r1"}.items() <= (
        tags.items()
    )
    assert "bootstrap" not in members[1]["Tags"]


async def test_members_leaving() -> None:
    """A node that has said goodbye and still runs is leaving."""
    view = FakeView()
    view.is_leaving = True
    assert (await ask_consul(view, "GET", "/v1/agent/members")).json[0]["Status"] == 2


@pytest.mark.parametrize(
    ("query", "name"), [("?wan=1", "n1.dc1"), ("?wan=false", "n1.dc1"), ("?wan", "n1"), ("?wan=", "n1"), ("", "n1")]
)
async def test_members_of_the_wide_area(query: str, name: str) -> None:
    """With any value of `wan` the names contain the data centre; without a value it is the local area."""
    assert (await ask_consul(FakeView(), "GET", f"/v1/agent/members{query}")).json[0]["Name"] == name


async def test_members_segment() -> None:
    """There are no segments, but all of them may be asked for."""
    assert (await ask_consul(FakeView(), "GET", "/v1/agent/members?segment=_all")).status == 200
    assert (await ask_consul(FakeView(), "GET", "/v1/agent/members?segment=alpha")).status == 500


async def test_members_are_encoded_once_per_change() -> None:
    """The same bytes serve until the list changes."""
    view = FakeView()
    app = make_consul_app(view)
    for _ in range(3):
        await ask_app(app, "GET", "/v1/agent/members")
    assert view.listing_count == 1
    view.set_status(2, Status.FAILED)
    assert (await ask_app(app, "GET", "/v1/agent/members")).json[1]["Status"] == 4
    assert view.listing_count == 2


async def test_members_filter() -> None:
    """A filter keeps what it says."""
    answer = await ask_consul(FakeView(), "GET", "/v1/agent/members?filter=Name%20==%20%22n2%22%20and%20Status==1")
    assert [member["Name"] for member in answer.json] == ["n2"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_join(method: str) -> None:
    """Success is 200 and nothing; clients leave colons and slashes as they are."""
    view = FakeView()
    answer = await ask_consul(view, method, "/v1/agent/join/127.0.0.1:7946?wan=1")
    assert (answer.status, answer.body) == (200, b"")
    assert view.calls == [("join", "127.0.0.1:7946")]


async def test_join_failure_has_the_reason() -> None:
    """A join that fails is 500 with what went wrong."""
    answer = await ask_consul(FakeView(), "PUT", "/v1/agent/join/10.9.9.9")
    assert answer.status == 500
    assert answer.text.startswith("1 error occurred: * Failed to join 10.9.9.9: ")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("node", ["n2", "n2.global", "nobody"])
async def test_force_leave(method: str, node: str) -> None:
    """Always 200, also for a node that nobody knows; `prune` needs no value."""
    view = FakeView()
    answer = await ask_consul(view, method, f"/v1/agent/force-leave/{node}?prune")
    assert (answer.status, answer.body) == (200, b"")
    assert view.calls == [("force_leave", node, True)]


@pytest.mark.parametrize(
    ("query", "is_pruned"),
    [
        ("", False),
        ("?prune", True),
        ("?prune&x=1", True),
        ("?prune=1", True),
        ("?prune=x", True),
        ("?prune=", False),
        ("?x&prune=&y", False),
        ("?prune=false", False),
        ("?prune=0", False),
        ("?pruned", False),
    ],
)
async def test_force_leave_prunes_where_that_is_said(query: str, is_pruned: bool) -> None:
    """`prune` needs no value; written with an empty one, or with no, it is none."""
    view = FakeView()
    assert (await ask_consul(view, "PUT", f"/v1/agent/force-leave/n2{query}")).status == 200
    assert view.calls == [("force_leave", "n2", is_pruned)]


async def test_force_leave_by_the_name_of_the_wide_area() -> None:
    """With `wan` the name has the data centre behind it."""
    view = FakeView()
    await ask_consul(view, "PUT", "/v1/agent/force-leave/n2.dc1?wan=1")
    assert view.calls == [("force_leave", "n2", False)]


async def test_metrics() -> None:
    """JSON with the five keys, or Prometheus' text."""
    answer = await ask_consul(FakeView(), "GET", "/v1/agent/metrics")
    assert set(answer.json) == {"Timestamp", "Gauges", "Points", "Counters", "Samples"}
    answer = await ask_consul(FakeView(), "GET", "/v1/agent/metrics?format=prometheus")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'shoal_members{status="alive"} 3.0' in answer.text


async def test_reload() -> None:
    """It reads the configuration again; a node that has none refuses."""
    done = []

    async def reload() -> None:
        done.append(True)

    answer = await ask_app(make_consul_app(FakeView(), reload=reload), "PUT", "/v1/agent/reload")
    assert (answer.status, answer.body, done) == (200, b"", [True])
    assert (await ask_consul(FakeView(), "PUT", "/v1/agent/reload")).status == 500


async def test_token_update() -> None:
    """Without access control lists 401; with them there is no token that an agent could be given."""
    answer = await ask_consul(FakeView(), "PUT", "/v1/agent/token/default", {"Token": "x"})
    assert (answer.status, answer.text) == (401, "ACL support disabled")
    answer = await ask_consul(FakeView(), "PUT", "/v1/agent/token/default", {"Token": "x"}, ADMIN, acl=True)
    assert answer.status == 404
    assert answer.text.startswith('Token "default" is unknown: an agent here asks nobody')


async def test_root_and_unknown_paths() -> None:
    """The root names the dialect; an unknown path is 404 with a sentence, and with the index clients look for."""
    assert (await ask_consul(FakeView(), "GET", "/")).text == "Consul Agent"
    for path in ("/v1/jobs", "/v1/catalog/nodes/", "/v1/agent", "/x"):
        answer = await ask_consul(FakeView(), "GET", path)
        assert (answer.status, answer.text.startswith(("there is no", "no jobs run here"))) == (404, True)
        assert int(answer.headers["x-consul-index"]) > 0


@pytest.mark.parametrize("path", ["/v1/agent/join", "/v1/catalog/service", "/v1/agent/check/pass"])
async def test_prefix_without_slash_is_redirected(path: str) -> None:
    """301 to the same with a slash, the query kept."""
    answer = await ask_consul(FakeView(), "PUT", f"{path}?wan=1&x=%20")
    assert (answer.status, answer.headers["location"]) == (301, f"{path}/?wan=1&x=%20")


async def test_methods() -> None:
    """A wrong method is named, with those that are allowed; OPTIONS lists them; nobody gets a head alone."""
    answer = await ask_consul(FakeView(), "GET", "/v1/agent/service/register")
    assert (answer.status, answer.text, answer.headers["allow"]) == (405, "method GET not allowed", "OPTIONS,PUT")
    answer = await ask_consul(FakeView(), "OPTIONS", "/v1/agent/join/x")
    assert (answer.status, answer.body, answer.headers["allow"]) == (200, b"", "OPTIONS,GET,PUT")
    assert (await ask_consul(FakeView(), "HEAD", "/v1/agent/self")).status == 405
    assert (await ask_consul(FakeView(), "HEAD", "/livez")).status == 200


@pytest.mark.parametrize("query", ["?pretty", "?pretty=1", "?pretty=0"])
@pytest.mark.parametrize("path", ["self", "members", "services", "checks", "metrics"])
async def test_pretty(path: str, query: str) -> None:
    """That `pretty` is there is enough."""
    view = FakeView()
    plain = await ask_consul(view, "GET", f"/v1/agent/{path}")
    pretty = await ask_consul(view, "GET", f"/v1/agent/{path}{query}")
    assert (b"\n" in pretty.body) == (len(plain.json) > 0)
    if path in ("members", "services", "checks"):
        assert json.loads(pretty.body) == plain.json


async def test_native_routes_are_served_here_too() -> None:
    """The native routes answer on this listener, in their own words."""
    assert (await ask_consul(FakeView(), "GET", "/v1/cluster/members")).json["members"]
    answer = await ask_consul(FakeView(), "POST", "/v1/cluster/members")
    assert (answer.status, answer.json["code"]) == (405, "INVALID_METHOD")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE"])
async def test_root_answers_every_method(method: str) -> None:
    """Load balancers ask for the head of the root, and a Consul answers whatever is asked of it."""
    answer = await ask_consul(FakeView(), method, "/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text == "Consul Agent"  # the server leaves it out of the answer to a HEAD


async def test_self_lets_consul_debug_begin() -> None:
    """`consul debug` reads whether profiles may be had, and ends where it is not told."""
    answer = await ask_consul(FakeView(), "GET", "/v1/agent/self")
    assert answer.json["DebugConfig"]["EnableDebug"] is False


async def test_self_has_the_addresses_of_its_ports() -> None:
    """Go programs find in DebugConfig where to join an agent, and where it is asked."""
    view = FakeView()
    config = view.config_view()
    debug = (await ask_consul(view, "GET", "/v1/agent/self")).json["DebugConfig"]
    assert debug["SerfAdvertiseAddrLAN"] == f"tcp://{config.advertise}"
    assert debug["SerfBindAddrLAN"] == f"tcp://{config.bind}"
    assert (debug["AdvertiseAddrLAN"], debug["SerfPortLAN"]) == (config.advertise.host, config.advertise.port)
    assert (debug["HTTPAddrs"], debug["HTTPPort"]) == (["tcp://127.0.0.1:4646"], 4646)


@pytest.mark.parametrize("name", ["alloc_bytes", "sys_bytes", "num_goroutines"])
async def test_metrics_have_gauges_of_the_runtime(name: str) -> None:
    """Dashboards look for them by their names in a Consul."""
    gauges = (await ask_consul(FakeView(), "GET", "/v1/agent/metrics")).json["Gauges"]
    (value,) = [gauge["Value"] for gauge in gauges if gauge["Name"] == f"consul.runtime.{name}"]
    assert value > 0


async def test_head_is_a_wrong_method_and_options_names_the_right_ones() -> None:
    """Of every route of Consul's: HEAD is 405, OPTIONS is 200, and both say what is allowed."""
    app = make_consul_app(FakeView())
    methods = defaultdict[str, set[str]](set)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("consul ") and rule.rule != "/":
            methods[re.sub("<[^>]+>", "x", rule.rule)] |= rule.methods or set()
    assert len(methods) > 30
    for path, allowed in methods.items():
        head = await ask_app(app, "HEAD", path)
        assert (head.status, head.text) == (405, "method HEAD not allowed"), path
        options = await ask_app(app, "OPTIONS", path)
        assert (options.status, options.body) == (200, b""), path
        assert options.headers["allow"] == head.headers["allow"] == ",".join(["OPTIONS", *sorted(allowed)])
