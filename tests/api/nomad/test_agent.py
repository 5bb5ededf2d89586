"""Nomad's agent API, route by route."""

from pathlib import Path
from typing import Any

import pytest

from api.token_view import Scope
from api.view import Health, JoinReport
from protocol.status import Status
from tests.api.asker import ask, ask_app, make_app
from tests.api.fake_tokens import token_of, token_without
from tests.api.fake_view import FakeView

TEXT = "text/plain; charset=utf-8"

SAMPLE_CONFIG_KEYS = {
    *("Addresses", "AdvertiseAddrs", "BindAddr", "Client", "Consul", "DataDir", "Datacenter", "DevMode"),
    *("DisableAnonymousSignature", "DisableUpdateCheck", "EnableDebug", "EnableSyslog", "Files"),
    *("HTTPAPIResponseHeaders", "LeaveOnInt", "LeaveOnTerm", "LogLevel", "NodeName", "Ports", "Region", "Revision"),
    *("Server", "SyslogFacility", "TLSConfig", "Telemetry", "Vault", "Version", "VersionPrerelease"),
}


async def test_self_shape() -> None:
    """Configuration, the member with eleven keys, and groups of text."""
    answer = (await ask(FakeView(), "GET", "/v1/agent/self")).json
    assert set(answer) == {"config", "member", "stats"}
    assert set(answer["config"]) >= SAMPLE_CONFIG_KEYS
    assert len(answer["member"]) == 11
    assert set(answer["stats"]) >= {"runtime", "nomad", "raft", "client", "serf", "keyring"}
    assert all(isinstance(value, str) for group in answer["stats"].values() for value in group.values())


async def test_self_is_true() -> None:
    """What we have is shown as it is; the node's own figures win over ours."""
    answer = (await ask(FakeView(), "GET", "/v1/agent/self")).json
    config: dict[str, Any] = answer["config"]
    assert config["NodeName"] == "n1"
    assert config["Ports"] == {"HTTP": 4646, "RPC": 4647, "Serf": 4647}
    assert config["Client"]["Servers"] == ["127.0.0.1:4647"]
    assert config["Server"]["StartJoin"] == ["127.0.0.1:4648"]
    assert config["LogLevel"] == "INFO"
    assert (config["Version"], config["VersionPrerelease"], config["Revision"]) == ("1.0.18", "", "0.1.0-dev")
    assert config["Client"]["Meta"] == {"shoal-version": "0.1.0-dev"}
    assert answer["member"]["Tags"]["build"] == "1.0.18"
    assert answer["stats"]["shoal"] == {"version": "0.1.0-dev"}
    assert config["Vault"]["Token"] == config["Consul"]["Token"] == ""
    assert answer["stats"]["serf"]["members"] == "3"
    assert answer["stats"]["serf"]["event_queue"] == "5"
    assert answer["stats"]["nomad"]["leader"] == "true"


async def test_members_shape() -> None:
    """The list is an object, and its ServerName is the name without region."""
    answer = await ask(FakeView(), "GET", "/v1/agent/members")
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"ServerName", "ServerRegion", "ServerDC", "Members"}
    assert answer.json["ServerName"] == "n1"
    assert [member["Name"] for member in answer.json["Members"]] == ["n1.global", "n2.global", "n3.global"]


async def test_members_encoded_once_per_generation() -> None:
    """Until something changes the same bytes are given; then at once the new ones."""
    view = FakeView()
    app = make_app(view)
    for target in ("/v1/agent/members", "/v1/agent/members?pretty") * 3:
        await ask_app(app, "GET", target)
    assert view.listing_count == 1
    view.set_status(2, Status.FAILED)
    changed = await ask_app(app, "GET", "/v1/agent/members")
    assert changed.json["Members"][1]["Status"] == "failed"
    assert view.listing_count == 2
    pretty = await ask_app(app, "GET", "/v1/agent/members?pretty")
    assert pretty.json == changed.json
    assert view.listing_count == 2


@pytest.mark.parametrize(
    ("query", "indented"), [("", False), ("?pretty", True), ("?pretty=yes", True), ("?pretty=0", False)]
)
@pytest.mark.parametrize("path", ["self", "members", "servers", "health"])
async def test_pretty(path: str, query: str, indented: bool) -> None:
    """Any value of pretty but 0 indents by four."""
    answer = await ask(FakeView(), "GET", f"/v1/agent/{path}{query}")
    assert (b"\n    " in answer.body) is indented


@pytest.mark.parametrize("path", ["members", "health"])
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("stale=perhaps", "Expect `true` or `false` for `stale`, got 'perhaps'"),
        ("wait=15", "Invalid wait time"),
        ("index=x", "Invalid index"),
        ("index=%ff", "the query is not percent-encoded UTF-8 in index"),
    ],
)
async def test_bad_query_options(path: str, query: str, sentence: str) -> None:
    """Bad query options are 400 in plain text."""
    answer = await ask(FakeView(), "GET", f"/v1/agent/{path}?{query}")
    assert (answer.status, answer.text, answer.headers["content-type"]) == (400, sentence, TEXT)


async def test_servers_listed_sorted() -> None:
    """The list is sorted, whatever order the node keeps."""
    view = FakeView()
    view.server_list = ("b:1", "a:2")
    assert (await ask(view, "GET", "/v1/agent/servers")).json == ["a:2", "b:1"]


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_servers_replaced(method: str) -> None:
    """The given addresses replace the list; the answer is empty."""
    view = FakeView()
    answer = await ask(view, method, "/v1/agent/servers?address=127.0.0.1%3A5&address=127.0.0.1:4")
    assert (answer.status, answer.body) == (200, b"")
    assert view.calls == [("replace_servers", "127.0.0.1:5", "127.0.0.1:4")]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("", "missing server address"), ("?address=gone.example", "no server is left: 'gone.example' does not answer")],
)
async def test_servers_not_replaced(query: str, sentence: str) -> None:
    """Without an address, or with none that answers, it is 400 and the old list stays."""
    view = FakeView()
    answer = await ask(view, "PUT", f"/v1/agent/servers{query}")
    assert answer.status == 400
    assert answer.text.startswith(sentence)
    assert view.server_list == ("127.0.0.1:4647",)


@pytest.mark.parametrize(
    ("query", "joined", "error"),
    [
        ("address=127.0.0.1", 1, ""),
        ("address=127.0.0.1&address=127.0.0.1", 2, ""),
        ("address=127.0.0.1&address=nope", 1, ""),
        ("address=nope", 0, "nope: nobody answers (within 4.5 s)"),
        ("address=", 0, "'' has no host"),
        ("address=a%20b", 0, "'a b' is not host:port"),
        ("address=a&address=b", 0, "2 errors occurred: * a: nobody answers"),
    ],
)
async def test_join_counts(query: str, joined: int, error: str) -> None:
    """Always 200: the number joined, and an error only when it is 0."""
    answer = await ask(FakeView(), "POST", f"/v1/agent/join?{query}")
    assert answer.status == 200
    assert set(answer.json) == {"num_joined", "error"}
    assert answer.json["num_joined"] == joined
    assert answer.json["error"].startswith(error)
    assert bool(answer.json["error"]) is (joined == 0)


async def test_join_without_address() -> None:
    """No address is 400, and nothing is tried."""
    view = FakeView()
    answer = await ask(view, "PUT", "/v1/agent/join?addres=127.0.0.1")
    assert (answer.status, answer.text) == (400, "missing address to join")
    assert view.calls == []


async def test_join_too_many_addresses() -> None:
    """The number of addresses has a limit."""
    answer = await ask(FakeView(), "POST", "/v1/agent/join?" + "&".join(["address=a"] * 65))
    assert (answer.status, answer.text) == (400, "65 addresses, at most 64")


@pytest.mark.parametrize(
    ("is_leaving", "acl", "token", "status"),
    [
        (False, True, "", 200),
        (True, False, "", 200),
        (True, True, "", 403),
        (True, True, token_without(Scope.AGENT_WRITE), 403),
        (True, True, token_of(Scope.AGENT_WRITE), 200),
    ],
)
async def test_join_that_undoes_a_departure_takes_a_right(is_leaving: bool, acl: bool, token: str, status: int) -> None:
    """Under access control lists a node that has left is brought back by agent:write alone; else anybody joins it."""
    view = FakeView()
    view.is_leaving = is_leaving
    headers = {"X-Nomad-Token": token} if token else {}
    answer = await ask(view, "PUT", "/v1/agent/join?address=127.0.0.1", headers, acl=acl)
    assert answer.status == status
    assert bool(view.calls) == (status == 200)


async def test_join_gives_up_in_time(autojump_clock: object) -> None:
    """A join that hangs is answered before python-nomad hangs up."""
    view = FakeView()
    view.join_blocks = True
    answer = await ask(view, "POST", "/v1/agent/join?address=127.0.0.1")
    assert answer.json == {"num_joined": 0, "error": "no answer within 4.5 s"}


async def test_join_without_report_of_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of nothing joined and no reason still says that it failed."""
    view = FakeView()

    async def silent(addresses: object, timeout_s: float) -> JoinReport:
        return JoinReport(0)

    monkeypatch.setattr(view, "join", silent)
    answer = await ask(view, "POST", "/v1/agent/join?address=127.0.0.1")
    assert answer.json == {"num_joined": 0, "error": "no address answered"}


@pytest.mark.parametrize(
    ("query", "call"),
    [
        ("node=n2", ("force_leave", "n2", False)),
        ("node=n2.global&prune=true", ("force_leave", "n2.global", True)),
        ("node=nobody&prune=F", ("force_leave", "nobody", False)),
        ("node=n2&prune=1&prune=0", ("force_leave", "n2", True)),
        ("node=n2&prune=", ("force_leave", "n2", False)),
        ("node=n2&prune", ("force_leave", "n2", False)),
    ],
)
async def test_force_leave(query: str, call: tuple[object, ...]) -> None:
    """200 and empty, for an unknown node too."""
    view = FakeView()
    answer = await ask(view, "POST", f"/v1/agent/force-leave?{query}")
    assert (answer.status, answer.body) == (200, b"")
    assert view.calls == [call]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "missing node to force leave"),
        ("node=", "missing node to force leave"),
        ("node=n2&prune=maybe", "invalid prune value"),
    ],
)
async def test_force_leave_refused(query: str, sentence: str) -> None:
    """Bad arguments are 400 and change nothing."""
    view = FakeView()
    answer = await ask(view, "PUT", f"/v1/agent/force-leave?{query}")
    assert (answer.status, answer.text, view.calls) == (400, sentence, [])


async def test_health_well() -> None:
    """Both halves are well; a type that does not exist is an empty object."""
    view = FakeView()
    both = {"client": {"ok": True, "message": "ok"}, "server": {"ok": True, "message": "ok"}}
    assert (await ask(view, "GET", "/v1/agent/health")).json == both
    assert (await ask(view, "GET", "/v1/agent/health?type=client&type=server")).json == both
    assert (await ask(view, "GET", "/v1/agent/health?type=server")).json == {"server": both["server"]}
    assert (await ask(view, "GET", "/v1/agent/health?type=other")).json == {}


async def test_health_ill() -> None:
    """A node that is not ready is 500 with the reason as JSON; its client half still lives."""
    view = FakeView()
    view.is_ready = Health(False, "no leader")
    answer = await ask(view, "GET", "/v1/agent/health")
    assert answer.status == 500
    assert answer.json == {"client": {"ok": True, "message": "ok"}, "server": {"ok": False, "message": "no leader"}}
    assert (await ask(view, "GET", "/v1/agent/health?type=client")).status == 200


async def test_health_with_warnings_is_well() -> None:
    """What an operator should know is the message, and the half is well all the same; a reason goes before it."""
    view = FakeView()
    view.is_ready = Health(True, "", ("it expires", "it is full"))
    answer = await ask(view, "GET", "/v1/agent/health?type=server")
    assert (answer.status, answer.json) == (200, {"server": {"ok": True, "message": "it expires; it is full"}})
    view.is_ready = Health(False, "leaving", ("it expires",))
    assert (await ask(view, "GET", "/v1/agent/health?type=server")).json["server"]["message"] == "leaving"


async def test_status_and_regions() -> None:
    """Leader, peers and regions give gossip addresses of those alive."""
    view = FakeView()
    view.set_status(3, Status.FAILED)
    assert (await ask(view, "GET", "/v1/status/leader")).json == "127.0.0.1:4647"
    assert (await ask(view, "GET", "/v1/status/peers")).json == ["127.0.0.1:4647", "127.0.0.1:4648"]
    assert (await ask(view, "GET", "/v1/regions")).json == ["global"]


async def test_metrics_json() -> None:
    """The JSON has go-metrics' five keys, each measurement in its list."""
    answer = (await ask(FakeView(), "GET", "/v1/metrics")).json
    assert set(answer) == {"Counters", "Gauges", "Points", "Samples", "Timestamp"}
    assert answer["Gauges"] == [{"Labels": {"status": "alive"}, "Name": "shoal_members", "Value": 3.0}]
    assert answer["Counters"][0]["Sum"] == 5.0
    sample = answer["Samples"][0]
    assert (sample["Count"], sample["Min"], sample["Max"]) == (3, 0.0, 0.01)


async def test_metrics_prometheus() -> None:
    """Prometheus' text comes on request, and any other format is JSON."""
    answer = await ask(FakeView(), "GET", "/v1/metrics?format=prometheus")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'shoal_probe_rtt_seconds_bucket{le="0.01"} 3.0' in answer.text
    assert (await ask(FakeView(), "GET", "/v1/metrics?format=other")).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/agent", "/v1/agent/", "/v1/agent/self/", "/v1/agents", "/ui", "/v1/jobs"]
)
async def test_unknown_path(path: str) -> None:
    """An unknown path is 404 in plain text."""
    answer = await ask(FakeView(), "GET", path)
    assert (answer.status, answer.headers["content-type"]) == (404, TEXT)


GETS = ("agent/self", "agent/members", "agent/health", "agent/servers", "status/leader", "status/peers", "regions",
        "metrics", "services", "service/web", "service/")  # fmt: skip
PUTS = ("agent/join?address=127.0.0.1", "agent/force-leave?node=n2", "agent/servers?address=127.0.0.1")


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE", "PATCH"])
async def test_method_wrong(method: str, path: str) -> None:
    """HEAD and OPTIONS are wrong methods as any other; what is allowed stands beside it."""
    answer = await ask(FakeView(), method, f"/v1/{path}")
    assert (answer.status, answer.text) == (405, "Invalid method")
    assert set(answer.headers["allow"].split(", ")) <= {"GET", "POST", "PUT"}


@pytest.mark.parametrize(("method", "path"), [*(("GET", path) for path in GETS[:8]), *(("PUT", path) for path in PUTS)])
async def test_region_of_nobody_is_refused(method: str, path: str) -> None:
    """There is no path to a region that no member is in; an empty one, and those of members, are answered."""
    view = FakeView()
    view.change_member(3, region="south")
    mark = "&" if "?" in path else "?"
    for region in ("global", "south", ""):
        assert (await ask(view, method, f"/v1/{path}{mark}region={region}")).status == 200
    view.calls.clear()
    answer = await ask(view, method, f"/v1/{path}{mark}region=north")
    assert (answer.status, answer.text, view.calls) == (500, "No path to region", [])


async def test_failure_of_ours_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception in the node is a 500 that shows no code and no path."""
    view = FakeView()

    def broken() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(view, "servers", broken)
    answer = await ask(view, "GET", "/v1/agent/servers")
    assert answer.status == 500
    assert answer.text == "this node failed to answer: its log has the reason"
    assert str(Path.cwd()) not in answer.text
