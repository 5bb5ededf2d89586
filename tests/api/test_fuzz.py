"""Whatever is sent to whatever route: an answer below 500, and a refusal is one sentence."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.asker import ADMIN, Answer, ask
from tests.api.fake_view import FakeView
from tests.api.test_access import ROUTES, concrete

SENTENCE_LENGTH_MAX = 400

_segments = st.one_of(
    st.sampled_from(["n2", "n2.global", "%00", "%ff", "%2F", "..", ".", "%", "%zz", "%F0%9F%90%9F", "0000000b", "~"]),
    st.text("abz09%./~-_ \x00\u00e9", max_size=12),
)
_values = st.one_of(
    st.sampled_from(["", "1", "true", "True", "maybe", "-1", "15", "5s", "%ff", "%00", "127.0.0.1", "[::1", "9" * 40]),
    st.text("ab1:%+&=;\x00 ", max_size=20),
)
_names = st.sampled_from(
    ["address", "node", "prune", "pretty", "stale", "wait", "index", "type", "format", "stay", "force", "token", "x"]
)
_queries = st.lists(st.tuples(_names, _values), max_size=5).map(lambda pairs: "&".join(f"{a}={b}" for a, b in pairs))
_FIELDS = ("set", "delete", "key", "name", "scopes", "expires_in", "a")
_bodies = st.one_of(
    st.just(b""),
    st.binary(max_size=80),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=3),
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)
_headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            ["application/json", "text/plain; charset=nonsense", "multipart/form-data", ""]
        ),
        "Last-Event-ID": _values,
        "Host": st.sampled_from(["localhost", "127.0.0.1:1", "[::1]", "evil", "[", ":", "\xff"]),
        "Origin": st.sampled_from(["null", "http://127.0.0.1:4646", "\xff"]),
        "Expect": st.just("x"),
        "Cookie": st.just("\xff=\xfe; ;;"),
        "Accept-Encoding": st.just("\xff"),
        "Range": st.just("bytes=9-1"),
        "If-None-Match": st.just("*"),
    },
)
_methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])


def _check(answer: Answer) -> None:
    assert answer.status < 500
    if answer.status >= 400:
        assert "\n" not in answer.text
        assert 0 < len(answer.text) <= SENTENCE_LENGTH_MAX
        assert "Traceback" not in answer.text
        if answer.headers["content-type"] == "application/json":
            assert set(answer.json) == {"error", "code"}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rule=st.sampled_from(sorted(set(ROUTES) - {"/v1/cluster/events"})),
    segment=_segments,
    method=_methods,
    query=_queries,
    headers=_headers,
    body=_bodies,
    is_admin=st.booleans(),
)
async def test_fuzz_known_routes(
    rule: str, segment: str, method: str, query: str, headers: dict[str, str], body: bytes, is_admin: bool
) -> None:
    """No method, query, header or body makes a known route fail."""
    path = concrete(rule, segment)
    _check(await ask(FakeView(), method, f"{path}?{query}", {**headers, **(ADMIN if is_admin else {})}, body))


@settings(max_examples=150, deadline=None)
@given(path=st.text(max_size=30), method=_methods, query=_queries)
async def test_fuzz_any_path(path: str, method: str, query: str) -> None:
    """No path at all makes the app fail."""
    target = path.encode("utf-8", "replace").decode().replace("?", "")
    _check(await ask(FakeView(), method, f"/{target}?{query}"))


@settings(max_examples=50, deadline=None)
@given(index=st.text("x-+.%&\x00\u00e9", min_size=1, max_size=8))
async def test_fuzz_event_index(index: str) -> None:
    """No index that is not a number opens or breaks the stream of events."""
    answer = await ask(FakeView(), "GET", "/v1/cluster/events", {"Last-Event-ID": index.replace("\x00", "?")})
    _check(answer)
    assert answer.status == 400
