"""What a Consul stores and a node here does not: reads are of an empty store, writes are told what there is instead."""

import pytest

from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView

UUID = "c60b0e06-0bf7-4a87-a5d3-3bb9e3f4f9b0"
CONFLICT = "Cannot specify ?stale with ?consistent, conflicting semantics."


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("kv/x", 404, ""),
        ("kv/a%2Fb/c", 404, ""),
        ("kv/x?raw", 404, ""),
        ("kv/x?recurse", 404, ""),
        ("kv/x?recurse=true", 404, ""),
        ("kv/x?keys", 404, ""),
        ("kv/x?keys&separator=/", 404, ""),
        ("kv/x?stale", 404, ""),
        ("kv/x?dc=dc1&filter=((", 404, ""),
        ("kv/?recurse", 404, ""),
        ("kv/?keys", 200, "[]"),
        ("event/list", 200, "[]"),
        ("event/list?name=x", 200, "[]"),
        ("session/list", 200, "[]"),
        ("session/node/n1", 200, "[]"),
        (f"session/info/{UUID}", 200, "[]"),
        ("query", 200, "[]"),
        ("config/service-defaults", 200, "[]"),
        ("config/", 200, "[]"),
        ("config/proxy-defaults/global", 404, 'Config entry not found for "proxy-defaults" / "global"'),
        ("config/service-defaults/", 404, 'Config entry not found for "service-defaults" / ""'),
        ("connect/intentions", 200, "[]"),
    ],
)
async def test_read_of_an_empty_store(path: str, status: int, body: str) -> None:
    """As a Consul answers that holds nothing of the kind, with all headers of a list."""
    answer = await ask_consul(FakeView(), "GET", f"/v1/{path}")
    assert (answer.status, answer.text, answer.headers["x-consul-index"]) == (status, body, "1")
    assert answer.headers["x-consul-knownleader"] == "true"
    assert answer.headers["x-consul-lastcontact"] == "0"


@pytest.mark.parametrize("path", ["kv/x", "session/list", "session/node/n1", "query", "config/service-defaults"])
@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("index=x", 400, "Invalid index"),
        ("index=-1", 400, "Invalid index"),
        ("wait=15", 400, "Invalid wait time"),
        ("stale&consistent", 400, CONFLICT),
        ("dc=dc9", 500, "No path to datacenter"),
    ],
)
async def test_read_with_bad_options(path: str, query: str, status: int, sentence: str) -> None:
    """They are refused as on every list that waits."""
    answer = await ask_consul(FakeView(), "GET", f"/v1/{path}?{query}")
    assert (answer.status, answer.text) == (status, sentence)


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("kv/", 400, "Missing key name"),
        ("kv/?raw", 400, "Missing key name"),
        ("kv/%ff", 400, "the path is not percent-encoded UTF-8"),
        ("session/node/", 400, "Missing node name"),
        ("session/info/", 400, "Missing session"),
        ("session/info/x", 500, "failed session lookup: index error: UUID must be 36 characters"),
        (f"session/info/z{UUID[1:]}", 500, "failed session lookup: index error: Invalid UUID"),
        ("query/x", 500, "failed prepared query lookup: index error: UUID must be 36 characters"),
        (f"query/{UUID}", 404, "Query not found"),
        ("query/x/execute", 404, "Query not found"),
        ("query/x/explain?index=1&wait=1h", 404, "Query not found"),
        ("config/nothing", 500, "invalid config entry kind: nothing"),
        ("config/nothing/x", 500, "invalid config entry kind: nothing"),
        ("acl/tokens", 401, "ACL support disabled"),
        ("acl/token/self", 401, "ACL support disabled"),
    ],
)
async def test_read_that_is_refused(path: str, status: int, sentence: str) -> None:
    """In a Consul's words."""
    answer = await ask_consul(FakeView(), "GET", f"/v1/{path}")
    assert (answer.status, answer.text) == (status, sentence)


@pytest.mark.parametrize(
    ("method", "path", "instead"),
    [
        ("PUT", "kv/x", "PUT /v1/cluster/tags"),
        ("PUT", "kv/x?cas=0&acquire=y", "PUT /v1/agent/service/register"),
        ("DELETE", "kv/x?recurse", "PUT /v1/cluster/tags"),
        ("PUT", "kv/", "PUT /v1/cluster/tags"),
        ("PUT", "txn", "PUT /v1/agent/service/register"),
        ("PUT", "session/create", "a check with a TTL"),
        ("PUT", "session/destroy/x", "a check with a TTL"),
        ("PUT", "session/renew/x", "a check with a TTL"),
        ("PUT", "event/fire/x", "GET /v1/cluster/events"),
        ("POST", "query", "near=_agent"),
        ("PUT", "query/x", "near=_agent"),
        ("DELETE", "query/x", "near=_agent"),
        ("PUT", "config", "Meta"),
        ("DELETE", "config/service-defaults/x", "nothing to delete"),
        ("POST", "connect/intentions", "no service mesh"),
    ],
)
async def test_write_is_told_what_there_is_instead(method: str, path: str, instead: str) -> None:
    """400 and one sentence; nothing is changed."""
    view = FakeView()
    answer = await ask_consul(view, method, f"/v1/{path}", b"value")
    assert (answer.status, view.calls) == (400, [])
    assert instead in answer.text
    assert "\n" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "kv/x", {"GET", "PUT", "DELETE"}),
        ("PUT", "event/list", {"GET"}),
        ("DELETE", "session/list", {"GET"}),
        ("GET", "txn", {"PUT"}),
        ("GET", "session/create", {"PUT"}),
        ("HEAD", "kv/x", {"GET", "PUT", "DELETE"}),
    ],
)
async def test_wrong_method(method: str, path: str, allow: set[str]) -> None:
    """405 with the methods that there are."""
    answer = await ask_consul(FakeView(), method, f"/v1/{path}")
    assert answer.status == 405
    assert set(answer.headers["allow"].split(",")) == {"OPTIONS", *allow}


async def test_root_of_keys_without_its_slash() -> None:
    """The prefix of a key is found with its slash."""
    answer = await ask_consul(FakeView(), "GET", "/v1/kv?recurse")
    assert (answer.status, answer.headers["location"]) == (301, "/v1/kv/?recurse")


async def test_access_control_lists_are_elsewhere() -> None:
    """With them on, a person is told where tokens are."""
    answer = await ask_consul(FakeView(), "PUT", "/v1/acl/policy", {}, acl=True)
    assert answer.status == 404
    assert "/v1/cluster/tokens" in answer.text
