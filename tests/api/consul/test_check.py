"""Checks of the node: registered, told their state, listed, deregistered."""

from dataclasses import replace

import pytest

from api.service_view import CheckDefinition, CheckStatus
from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView

REGISTER = "/v1/agent/check/register"

PAGE_BODY = {
    "ID": "mem",
    "Name": "Memory utilization",
    "Notes": "Ensure we don't oversubscribe memory",
    "DeregisterCriticalServiceAfter": "90m",
    "Script": "/usr/local/bin/check_mem.py",
    "DockerContainerID": "f972c95ebf0e",
    "Shell": "/bin/bash",
    "HTTP": "http://example.com",
    "TCP": "example.com:22",
    "Interval": "10s",
    "TTL": "15s",
}

TTL_MISSING = "Invalid check: TTL must be > 0 for TTL checks"
INTERVAL_MISSING = "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"


async def _with_ttl(view: FakeView, id: str = "c") -> None:
    assert (await ask_consul(view, "PUT", REGISTER, {"ID": id, "Name": "n", "TTL": "10s"})).status == 200
    view.calls.clear()


async def test_register_example_of_the_page() -> None:
    """The page's own example is accepted: of its kinds the TTL counts."""
    view = FakeView()
    answer = await ask_consul(view, "PUT", REGISTER, PAGE_BODY)
    assert (answer.status, answer.body) == (200, b"")
    notes = "Ensure we don't oversubscribe memory"
    wanted = CheckDefinition("mem", "Memory utilization", notes, ttl_s=15, deregister_after_s=5_400)
    assert view.calls == [("register_check", wanted)]


async def test_register_then_list() -> None:
    """The id defaults to the name, the status to critical, and the list has the keys of every age."""
    view = FakeView()
    await ask_consul(view, "PUT", REGISTER, {"name": "mem", "ttl": "10s", "notes": "n"})
    assert (await ask_consul(view, "GET", "/v1/agent/checks")).json == {
        "mem": {
            "Node": "n1",
            "CheckID": "mem",
            "Name": "mem",
            "Status": "critical",
            "Notes": "n",
            "Output": "",
            "ServiceID": "",
            "ServiceName": "",
            "ServiceTags": [],
            "Type": "ttl",
            "Definition": {},
            "CreateIndex": 0,
            "ModifyIndex": 0,
        }
    }


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ({"ttl": "1500ms"}, CheckDefinition(ttl_s=1.5)),
        ({"ttl": "1h30m", "interval": "1s"}, CheckDefinition(ttl_s=5_400)),
        (
            {"http": "http://x/", "interval": "10s", "header": {"X-A": ["1", "2"]}, "tls_skip_verify": True},
            CheckDefinition(http="http://x/", interval_s=10, headers={"X-A": ("1", "2")}, tls_skip_verify=True),
        ),
        (
            {"HTTP": "http://x/", "Interval": "10s", "Method": "POST", "Timeout": "1s"},
            CheckDefinition(http="http://x/", interval_s=10, method="POST", timeout_s=1),
        ),
        ({"tcp": "h:1", "interval": 1_000_000_000}, CheckDefinition(tcp="h:1", interval_s=1)),
        ({"tcp": "h:1", "interval": 10}, CheckDefinition(tcp="h:1", interval_s=1e-8)),
        ({"args": ["a", "b"], "interval": ".5s"}, CheckDefinition(args=("a", "b"), interval_s=0.5)),
        ({"ScriptArgs": ["a"], "interval": "+5s"}, CheckDefinition(args=("a",), interval_s=5)),
        ({"script": "x | y", "interval": "1s"}, CheckDefinition(args=("/bin/sh", "-c", "x | y"), interval_s=1)),
        (
            {"script": "x", "shell": "/bin/bash", "interval": "1s"},
            CheckDefinition(args=("/bin/sh", "-c", "x"), interval_s=1),
        ),
        (
            {"docker_container_id": "d", "shell": "/bin/bash", "script": "x", "interval": "1s"},
            CheckDefinition(docker_container="d", args=("/bin/bash", "-c", "x"), interval_s=1),
        ),
        (
            {"DockerContainerID": "d", "Args": ["x"], "interval": "1s"},
            CheckDefinition(docker_container="d", args=("x",), interval_s=1),
        ),
        ({"http": "u", "tcp": "h:1", "script": "x", "interval": "1s"}, CheckDefinition(http="u", interval_s=1)),
        ({"tcp": "h:1", "script": "x", "interval": "1s"}, CheckDefinition(tcp="h:1", interval_s=1)),
        ({"ttl": "1s", "status": "passing"}, CheckDefinition(ttl_s=1, status=CheckStatus.PASSING)),
        ({"ttl": "1s", "status": ""}, CheckDefinition(ttl_s=1)),
        ({"ttl": "1s", "timeout": "-1s", "deregister_critical_service_after": "-5m"}, CheckDefinition(ttl_s=1)),
        (
            {"ttl": "1s", "DeregisterCriticalServiceAfter": 60_000_000_000},
            CheckDefinition(ttl_s=1, deregister_after_s=60),
        ),
    ],
)
async def test_register_kinds(kind: dict[str, object], wanted: CheckDefinition) -> None:
    """Each kind, in each spelling, becomes exactly one kind of definition."""
    view = FakeView()
    assert (await ask_consul(view, "PUT", REGISTER, {"name": "c", **kind})).status == 200
    _, check = view.calls[0]
    assert check == replace(wanted, name="c")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "Request decode failed: EOF"),
        (b"nope", "Request decode failed: the body is not JSON"),
        ({"TTL": "10s"}, "Missing check name"),
        ({"Name": "c", "Status": "unknown", "TTL": "1s"}, "Bad check status"),
        ({"Name": "c", "Status": "Passing", "TTL": "1s"}, "Bad check status"),
        ({"Name": "c", "Status": "x"}, "Bad check status"),
        ({"Name": "c"}, TTL_MISSING),
        ({"Name": "c", "Interval": "10s"}, TTL_MISSING),
        ({"Name": "c", "HTTP": "http://x"}, INTERVAL_MISSING),
        ({"Name": "c", "TCP": "h:1", "Interval": "0"}, INTERVAL_MISSING),
        ({"Name": "c", "Script": "x", "Interval": "-1s"}, INTERVAL_MISSING),
        ({"Name": "c", "DockerContainerID": "d", "Interval": "1s"}, TTL_MISSING),
        ({"Name": "c", "TTL": "-1s"}, TTL_MISSING),
        ({"Name": "c", "TTL": True}, "Request decode failed: ttl must be a duration, not a boolean"),
        (
            {"Name": "c", "HTTP": "u", "Interval": "1h 5m"},
            'Request decode failed: time: unknown unit "h " in duration "1h 5m"',
        ),
        (
            {"Name": "c", "TTL": "1s", "Header": {"A": "b"}},
            "Request decode failed: header must be an object of lists of text, not text",
        ),
    ],
)
async def test_register_refused(body: object, sentence: str) -> None:
    """What is wrong is 400 with Consul's words, in Consul's order, and nothing is registered."""
    view = FakeView()
    answer = await ask_consul(view, "PUT", REGISTER, body)
    assert (answer.status, answer.text) == (400, sentence)
    assert view.calls == []


@pytest.mark.parametrize("key", ["ServiceID", "serviceid", "service_id"])
async def test_register_for_a_service(key: str) -> None:
    """A check may belong to a service, which must be there."""
    view = FakeView()
    body = {"Name": "c", "TTL": "1s", key: "web"}
    answer = await ask_consul(view, "PUT", REGISTER, body)
    assert (answer.status, answer.text) == (500, 'ServiceID "web" does not exist')
    await ask_consul(view, "PUT", "/v1/agent/service/register", {"Name": "web", "Tags": ["t"]})
    assert (await ask_consul(view, "PUT", REGISTER, body)).status == 200
    listed = (await ask_consul(view, "GET", "/v1/agent/checks")).json["c"]
    assert (listed["ServiceID"], listed["ServiceName"], listed["ServiceTags"]) == ("web", "web", ["t"])


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(("word", "status"), [("pass", "passing"), ("warn", "warning"), ("fail", "critical")])
@pytest.mark.parametrize(("query", "output"), [("?note=all+is%20well", "all is well"), ("", ""), ("?note=", "")])
async def test_ttl_by_note(method: str, word: str, status: str, query: str, output: str) -> None:
    """The note becomes the output, and without one the output is empty."""
    view = FakeView()
    await _with_ttl(view, "a/c")
    answer = await ask_consul(view, method, f"/v1/agent/check/{word}/a%2Fc{query}")
    assert (answer.status, answer.body) == (200, b"")
    listed = (await ask_consul(view, "GET", "/v1/agent/checks")).json["a/c"]
    assert (listed["Status"], listed["Output"]) == (status, output)


@pytest.mark.parametrize("id", ["nobody", "http", ""])
async def test_ttl_of_another_kind(id: str) -> None:
    """A check that is none of that kind, or not there, is 500 with its id."""
    view = FakeView()
    await ask_consul(view, "PUT", REGISTER, {"Name": "http", "HTTP": "u", "Interval": "1s"})
    for target in (f"pass/{id}", f"update/{id}"):
        answer = await ask_consul(view, "PUT", f"/v1/agent/check/{target}", {"Status": "passing"})
        assert (answer.status, answer.text) == (500, f'CheckID "{id}" does not have associated TTL')


async def test_update_takes_a_body() -> None:
    """Status and output, keys in any case; only PUT."""
    view = FakeView()
    await _with_ttl(view)
    answer = await ask_consul(view, "PUT", "/v1/agent/check/update/c", {"status": "warning", "OUTPUT": "a\nb"})
    assert (answer.status, answer.body) == (200, b"")
    assert view.calls == [("update_ttl", "c", CheckStatus.WARNING, "a\nb")]
    assert (await ask_consul(view, "GET", "/v1/agent/check/update/c")).status == 405


@pytest.mark.parametrize(
    ("sent", "shown"), [("Passing", "Passing"), ("", ""), ("unknown", "unknown"), ("a\nb", r"a\nb")]
)
async def test_update_status_is_exact(sent: str, shown: str) -> None:
    """Exactly passing, warning and critical are statuses."""
    view = FakeView()
    await _with_ttl(view)
    answer = await ask_consul(view, "PUT", "/v1/agent/check/update/c", {"Status": sent})
    assert (answer.status, answer.text) == (400, f"Invalid check status: '{shown}'")
    answer = await ask_consul(view, "PUT", "/v1/agent/check/update/c", b"x")
    assert (answer.status, answer.text) == (400, "Request decode failed: the body is not JSON")


@pytest.mark.parametrize(
    ("body", "output"),
    [
        (b'{"Status":"passing","Output":"a\xe9b"}', "a\ufffdb"),
        (b'{"Status":"passing","Output":"\xe2\x82a"}', "\ufffd\ufffda"),
        (b'{"Status":"passing","Output":"\xed\xa0\x80"}', "\ufffd\ufffd\ufffd"),
        (b'{"Status":"passing","Output":"a\\ud800b"}', "a\ufffdb"),
        (b'{"Status":"passing","Output":"a\\ud800\\u0041"}', "a\ufffdA"),
        (b'{"Status":"passing","Output":"\\udc80\\ud83d\\ude00"}', "\ufffd\U0001f600"),
        (b'{"Status":"passing","Output":"a\\u0000b\\u001b"}', "a\0b\x1b"),
        (b'{"Status":"passing","Output":null}', ""),
        (b'{"Status":"passing","Output":"x"} and more', "x"),
        (b'\n{"Status":"passing","Output":"\xe9"}{}', "\ufffd"),
        (b'{"Status":"passing","Output":"' + b"x" * 500_000 + b'"}', "x" * 500_000),
    ],
    ids=lambda value: ascii(value[:60]),
)
async def test_update_takes_words_of_any_bytes(body: bytes, output: str) -> None:
    """What is no Unicode becomes U+FFFD, byte by byte as in Consul 1.8.7; the node cuts what is long."""
    view = FakeView()
    await _with_ttl(view)
    assert (await ask_consul(view, "PUT", "/v1/agent/check/update/c", body)).status == 200
    assert view.calls == [("update_ttl", "c", CheckStatus.PASSING, output)]


@pytest.mark.parametrize(
    ("query", "output"),
    [
        ("note=a%E9b", "a\ufffdb"),
        ("note=%E2%82", "\ufffd\ufffd"),
        ("note=%ED%A0%80", "\ufffd\ufffd\ufffd"),
        ("note=%F0%9F%98%80", "\U0001f600"),
        ("note=a+b%20c", "a b c"),
        ("note=%00", "\0"),
        ("note=a%zzb", ""),
        ("note=%", ""),
        ("note=a%zzb&note=second", "second"),
        ("x=%zz&note=ok", "ok"),
        ("%zz=x&note=ok", "ok"),
        ("other=%E9&note=ok", "ok"),
        ("%6eote=escaped", "escaped"),
        ("note=a=b&c", "a=b"),
        ("NOTE=x", ""),
        ("note", ""),
        ("", ""),
        ("note=" + "x" * 30_000, "x" * 30_000),
    ],
    ids=lambda value: ascii(value[:40]),
)
@pytest.mark.parametrize(("verb", "status"), [("pass", "passing"), ("warn", "warning"), ("fail", "critical")])
async def test_note_takes_words_of_any_bytes(query: str, output: str, verb: str, status: str) -> None:
    """As Consul 1.8.7 takes them; it refuses a query with a malformed escape, of which here that pair is dropped."""
    view = FakeView()
    await _with_ttl(view)
    assert (await ask_consul(view, "PUT", f"/v1/agent/check/{verb}/c?{query}")).status == 200
    assert view.calls == [("update_ttl", "c", CheckStatus(status), output)]


@pytest.mark.parametrize("raw", [b"\xe9", b"\\ud800"], ids=ascii)
@pytest.mark.parametrize("key", ["Name", "ID", "ServiceID"])
async def test_names_and_ids_are_strict(key: str, raw: bytes) -> None:
    """Two of them would become one; the refusal names which, and nothing is registered."""
    view = FakeView()
    fields = {"Name": b"n", "TTL": b"1s"} | {key: raw}
    body = b"{" + b",".join(b'"%s":"%s"' % (name.encode(), value) for name, value in fields.items()) + b"}"
    answer = await ask_consul(view, "PUT", REGISTER, body)
    assert (answer.status, view.calls) == (400, [])
    assert answer.text == f"Request decode failed: {key.lower()} is not UTF-8, and names and ids must be"


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_deregister(method: str) -> None:
    """A check goes, its service stays; unknown is 200, without an id 500."""
    view = FakeView()
    body = {"Name": "web", "Check": {"TTL": "1s"}}
    await ask_consul(view, "PUT", "/v1/agent/service/register", body)
    assert (await ask_consul(view, method, "/v1/agent/check/deregister/service:web")).status == 200
    assert view.services.checks() == {}
    assert "web" in view.services.services()
    assert (await ask_consul(view, method, "/v1/agent/check/deregister/service:web")).status == 200
    answer = await ask_consul(view, method, "/v1/agent/check/deregister/")
    assert (answer.status, answer.text) == (500, "CheckID missing")


async def test_list_filter() -> None:
    """Checks can be asked for by what they say."""
    view = FakeView()
    for name, status in (("a", "passing"), ("b", "warning")):
        await ask_consul(view, "PUT", REGISTER, {"Name": name, "TTL": "1s", "Status": status})
    answer = await ask_consul(view, "GET", "/v1/agent/checks?filter=Status%20!=%20passing")
    assert set(answer.json) == {"b"}
