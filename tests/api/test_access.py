"""Every route with every method: who may, and what a stranger is told."""

import pytest
from werkzeug.datastructures import Headers

from api.access import TOKEN_LENGTH_MAX, bearer_token, nomad_token
from tests.api.asker import ADMIN, ask, make_app
from tests.api.fake_view import ADMIN_TOKEN, WEAK_TOKEN, FakeView

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")

OPEN = "open"
ADMIN_ONLY = "admin"

ROUTES: dict[str, dict[str, str]] = {
    "/v1/agent/self": {"GET": OPEN},
    "/v1/agent/members": {"GET": OPEN},
    "/v1/agent/servers": {"GET": OPEN, "PUT": OPEN, "POST": OPEN},
    "/v1/agent/join": {"PUT": OPEN, "POST": OPEN},
    "/v1/agent/force-leave": {"PUT": OPEN, "POST": OPEN},
    "/v1/agent/health": {"GET": OPEN},
    "/v1/status/leader": {"GET": OPEN},
    "/v1/status/peers": {"GET": OPEN},
    "/v1/regions": {"GET": OPEN},
    "/v1/metrics": {"GET": OPEN},
    "/v1/cluster/identity": {"GET": OPEN},
    "/v1/cluster/members": {"GET": OPEN},
    "/v1/cluster/explain/<path:node>": {"GET": OPEN},
    "/v1/cluster/events": {"GET": OPEN},
    "/v1/cluster/leave": {"POST": ADMIN_ONLY},
    "/v1/cluster/tags": {"PUT": ADMIN_ONLY},
    "/v1/cluster/keys": {"GET": ADMIN_ONLY, "POST": ADMIN_ONLY},
    "/v1/cluster/keys/<key_id>/use": {"POST": ADMIN_ONLY},
    "/v1/cluster/keys/<key_id>/retire": {"POST": ADMIN_ONLY},
    "/livez": {"GET": OPEN},
    "/readyz": {"GET": OPEN},
    "/metrics": {"GET": OPEN},
}


def _concrete(rule: str) -> str:
    return rule.replace("<path:node>", "n2").replace("<key_id>", "0000000b")


def test_access_table_is_complete() -> None:
    """The table names every route and method that the app has, and no other."""
    found: dict[str, set[str]] = {}
    for rule in make_app(FakeView()).url_map.iter_rules():
        found.setdefault(rule.rule, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert found == {rule: set(methods) for rule, methods in ROUTES.items()}


@pytest.mark.parametrize("rule", ROUTES)
@pytest.mark.parametrize("method", METHODS)
async def test_access_route_and_method(rule: str, method: str) -> None:
    """A stranger passes open routes, is told 401 on admin routes, and 405 for any other method."""
    view = FakeView()
    target = _concrete(rule)
    need = ROUTES[rule].get(method)
    if need is OPEN and "events" in rule:
        return  # a stream without end: see native/test_event.py
    answer = await ask(view, method, target)
    if need is None:
        assert answer.status == 405
        assert "Invalid method" in answer.text
        assert set(ROUTES[rule]) <= set(answer.headers["allow"].split(", "))
    elif need is ADMIN_ONLY:
        assert answer.status == 401
        assert answer.json["code"] == "UNAUTHORIZED"
        assert view.calls == []
    else:
        assert answer.status in (200, 400)


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("unknown", 401, "UNAUTHORIZED"),
        (WEAK_TOKEN, 403, "FORBIDDEN"),
        ("x" * (TOKEN_LENGTH_MAX + 1), 401, "UNAUTHORIZED"),
        ("t\u00f6ken", 401, "UNAUTHORIZED"),
    ],
)
async def test_access_admin_route_refuses_token(token: str, status: int, code: str) -> None:
    """An unknown token is 401, one without the right 403, and nothing is done."""
    view = FakeView()
    answer = await ask(view, "POST", "/v1/cluster/leave", {"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.json["code"]) == (status, code)
    assert view.calls == []


async def test_access_nomad_routes_ignore_tokens() -> None:
    """Without access control lists a Nomad does not look at tokens."""
    answer = await ask(FakeView(), "GET", "/v1/agent/members", {"X-Nomad-Token": "unknown"})
    assert answer.status == 200


async def test_access_no_token_from_query() -> None:
    """A token in the query counts for nothing: queries end up in logs."""
    answer = await ask(FakeView(), "POST", f"/v1/cluster/leave?token={ADMIN_TOKEN}")
    assert answer.status == 401


async def test_access_nomad_header_opens_admin_route() -> None:
    """The dialect's own header carries the admin token too."""
    answer = await ask(FakeView(), "GET", "/v1/cluster/keys", {"X-Nomad-Token": f" {ADMIN_TOKEN} "})
    assert answer.status == 200
    assert (await ask(FakeView(), "GET", "/v1/cluster/keys", ADMIN)).status == 200


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Bearer T", "T"), ("bEaReR  T more", "T"), ("Basic T", ""), ("Bearer", ""), ("", ""), ("T", "")],
)
def test_bearer_token_read(value: str, expected: str) -> None:
    """The scheme is read in any case, and the first word after it is the token."""
    assert bearer_token(Headers({"Authorization": value})) == expected


def test_nomad_token_goes_first() -> None:
    """X-Nomad-Token wins over Authorization; one of blanks alone is none."""
    assert nomad_token(Headers({"X-Nomad-Token": " a ", "Authorization": "Bearer b"})) == "a"
    assert nomad_token(Headers({"X-Nomad-Token": "  ", "Authorization": "Bearer b"})) == "b"
