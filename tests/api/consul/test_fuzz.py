"""Whatever is sent to whatever route of Consul's dialect: an answer on purpose, and a refusal is one sentence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.asker import ADMIN, Answer, ask_consul
from tests.api.fake_catalog import remote_service
from tests.api.fake_view import FakeView
from tests.api.test_access import CONSUL_ROUTES, concrete

SENTENCE_LENGTH_MAX = 500
ENDLESS = {"/v1/cluster/events", "/v1/agent/monitor"}

_segments = st.one_of(
    st.sampled_from(
        ["", "n2", "web", "consul", "%00", "%ff", "%2F", "..", "%", "%zz", "%F0%9F%90%9F", "a/b", "any", "c"]
    ),
    st.text("abz09%./~-_ \x00\u00e9", max_size=12),
)
_values = st.one_of(
    st.sampled_from(
        ["", "1", "true", "True", "maybe", "-1", "15", "1ms", "%ff", "%00", "n2", "_agent", "a:b", "9" * 40]
    ),
    st.text('ab1:%+&=;()"\x00 ', max_size=20),
)
_names = st.sampled_from(
    [
        *(
            "dc",
            "stale",
            "consistent",
            "near",
            "node-meta",
            "filter",
            "passing",
            "tag",
            "token",
            "pretty",
            "wan",
            "prune",
        ),
        *("segment", "enable", "reason", "note", "format", "replace-existing-checks", "index", "wait", "x"),
    ]
)
_queries = st.lists(st.tuples(_names, _values), max_size=5).map(
    lambda pairs: "&".join([f"{a}={b}" for a, b in pairs] + ["wait=1ms"])
)
_FIELDS = (
    *("ID", "name", "Tags", "address", "Port", "Meta", "weights", "Passing", "EnableTagOverride", "check", "Checks"),
    *(
        "CheckID",
        "service_id",
        "TTL",
        "interval",
        "HTTP",
        "tcp",
        "Script",
        "args",
        "header",
        "Status",
        "Output",
        "Timeout",
    ),
    *(
        "tagged_addresses",
        "lan",
        "DockerContainerID",
        "DeregisterCriticalServiceAfter",
        "Notes",
        "tls_skip_verify",
        "\u0130",
        "",
    ),
)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["web", "10s", "passing", "http://x", "1ms", "0.0.0.0"]),
)
_objects = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=5),
    ),
    max_leaves=10,
)
_bodies = st.one_of(
    st.just(b""),
    st.binary(max_size=80),
    st.dictionaries(st.sampled_from(_FIELDS), _objects, max_size=8).map(lambda value: json.dumps(value).encode()),
)
_methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])


def _check(answer: Answer) -> None:
    assert "this node failed to answer" not in answer.text
    assert answer.status < 500 or answer.status in (500, 503)
    if answer.status >= 400 and answer.status != 404:
        assert "\n" not in answer.text
        assert 0 < len(answer.text) <= SENTENCE_LENGTH_MAX
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("acl", [False, True])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rule=st.sampled_from(sorted(set(CONSUL_ROUTES) - ENDLESS)),
    segment=_segments,
    method=_methods,
    query=_queries,
    body=_bodies,
    is_admin=st.booleans(),
)
async def test_fuzz_known_routes(
    rule: str, segment: str, method: str, query: str, body: bytes, is_admin: bool, acl: bool
) -> None:
    """No method, query or body makes a known route fail."""
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("web"))
    path = concrete(rule, segment).replace("?", "%3F")
    _check(await ask_consul(view, method, f"{path}?{query}", body, ADMIN if is_admin else {}, acl))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule=st.sampled_from(["service/register", "check/register", "check/update/c"]), body=_bodies)
async def test_fuzz_bodies(rule: str, body: bytes) -> None:
    """No body makes a registration fail; what is refused changes nothing."""
    view = FakeView()
    answer = await ask_consul(view, "PUT", f"/v1/agent/{rule}", body)
    _check(answer)
    assert (answer.status == 200) == bool(view.calls)


@settings(max_examples=150, deadline=None)
@given(path=st.text(max_size=30), method=_methods, query=_queries)
async def test_fuzz_any_path(path: str, method: str, query: str) -> None:
    """No path at all makes the app fail."""
    target = path.encode("utf-8", "replace").decode().replace("?", "")
    _check(await ask_consul(FakeView(), method, f"/{target}?{query}"))
