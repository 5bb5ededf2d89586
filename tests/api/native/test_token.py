"""Tokens over HTTP: made, listed, revoked."""

import json

import pytest
import trio

from api.answer import Problem
from tests.api.asker import ADMIN, ask, ask_app, make_app
from tests.api.fake_tokens import ADMIN_ID, MADE_SECRET
from tests.api.fake_view import FakeView

ROUTE = "/v1/cluster/tokens"


def _body(**fields: object) -> bytes:
    return json.dumps({"name": "ci", "scopes": ["node:read"]} | fields).encode()


async def test_token_made() -> None:
    """201 with the secret, once; times are RFC 3339 in UTC, and no cache keeps the answer."""
    view = FakeView()
    answer = await ask(view, "POST", ROUTE, ADMIN, _body(scopes=["node:read", "peers.write"], expires_in="1h30m"))
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json == {
        "token": MADE_SECRET,
        "id": "00000000000000cc",
        "name": "ci",
        "scopes": ["node:read", "peers.write"],
        "created_at": "2025-11-13T02:15:00.000Z",
        "expires_at": "2025-11-13T03:45:00.000Z",
    }
    assert view.calls == [("create_token", "ci", ("node:read", "peers.write"), 5400.0)]


@pytest.mark.parametrize("fields", [{}, {"expires_in": None}])
async def test_token_made_for_ever(fields: dict[str, object]) -> None:
    """Without an expiry it never expires."""
    view = FakeView()
    answer = await ask(view, "POST", ROUTE, ADMIN, _body(**fields))
    assert (answer.status, answer.json["expires_at"]) == (201, None)
    assert view.calls == [("create_token", "ci", ("node:read",), None)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        b'{"name": "ci"}',
        b'{"scopes": ["node:read"]}',
        _body(name=5),
        _body(name=None),
        _body(scopes="node:read"),
        _body(scopes=[5]),
        _body(scopes=["node:raed"]),
        _body(expires_in=3600),
        _body(expires_in="7d"),
        _body(expires_in="90"),
        _body(expires_in=""),
        _body(expires="1h"),
        b'{"name": "\xff", "scopes": []}',
    ],
)
async def test_token_refused(body: bytes) -> None:
    """What is no wish for a token is 400, and nothing is made."""
    view = FakeView()
    answer = await ask(view, "POST", ROUTE, ADMIN, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST")
    assert view.calls == []


async def test_tokens_listed() -> None:
    """All, with what there is to know but the secret; expired ones are marked."""
    view = FakeView()
    await ask(view, "POST", ROUTE, ADMIN, _body())
    answer = await ask(view, "GET", ROUTE, ADMIN)
    assert MADE_SECRET not in answer.text
    assert answer.json["tokens"][:2] == [
        {
            "id": ADMIN_ID,
            "name": "admin.token",
            "scopes": ["admin"],
            "created_at": "2025-11-13T02:13:20.000Z",
            "expires_at": None,
            "last_used_at": "2025-11-13T02:14:20.500Z",
            "expired": False,
        },
        {
            "id": "00000000000000bb",
            "name": "old",
            "scopes": ["node:read"],
            "created_at": "2025-11-13T02:13:21.000Z",
            "expires_at": "2025-11-13T02:13:22.000Z",
            "last_used_at": None,
            "expired": True,
        },
    ]
    assert [token["name"] for token in answer.json["tokens"]] == ["admin.token", "old", "ci"]


async def test_token_revoked() -> None:
    """Once it is gone, a second time is 404."""
    view = FakeView()
    app = make_app(view)
    answer = await ask_app(app, "DELETE", f"{ROUTE}/00000000000000bb", ADMIN)
    assert (answer.status, answer.json) == (200, {"revoked": "00000000000000bb"})
    again = await ask_app(app, "DELETE", f"{ROUTE}/00000000000000bb", ADMIN)
    assert (again.status, again.json["code"]) == (404, "NOT_FOUND")
    assert view.calls == [("revoke_token", "00000000000000bb")]


@pytest.mark.parametrize("id", ["nobody", "%00", "%ff", "x" * 500])
async def test_token_unknown_id_is_not_repeated(id: str) -> None:
    """Any text is just no token; it is not said again, for by mistake it may be a secret."""
    answer = await ask(FakeView(), "DELETE", f"{ROUTE}/{id}", ADMIN)
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
    assert id not in answer.text


async def test_last_admin_token_is_kept() -> None:
    """409, as the node says."""
    answer = await ask(FakeView(), "DELETE", f"{ROUTE}/{ADMIN_ID}", ADMIN)
    assert (answer.status, answer.json["code"]) == (409, "LAST_ADMIN_TOKEN")


async def test_token_not_stored_is_500() -> None:
    """A disk that refuses is told, without a secret."""
    view = FakeView()

    async def refuse(*arguments: object) -> None:
        raise Problem(500, "NOT_STORED", "the disk is full")

    view.tokens.create = refuse  # type: ignore[method-assign, assignment]
    answer = await ask(view, "POST", ROUTE, ADMIN, _body())
    assert (answer.status, answer.json) == (500, {"error": "the disk is full", "code": "NOT_STORED"})


@pytest.mark.parametrize(("method", "target"), [("POST", ROUTE), ("DELETE", f"{ROUTE}/00000000000000bb")])
async def test_token_change_is_finished_though_the_client_hangs_up(method: str, target: str) -> None:
    """A change that has begun is not cut in half."""
    view = FakeView()
    begun, proceed, ended = trio.Event(), trio.Event(), trio.Event()
    act = view.tokens.create if method == "POST" else view.tokens.revoke

    async def slow(*arguments: object) -> object:
        begun.set()
        await proceed.wait()
        result = await act(*arguments)  # type: ignore[arg-type]
        ended.set()
        return result

    setattr(view.tokens, "create" if method == "POST" else "revoke", slow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, view, method, target, ADMIN, _body())
        await begun.wait()
        nursery.cancel_scope.cancel()
        proceed.set()
    assert ended.is_set()
    assert len(view.calls) == 1
