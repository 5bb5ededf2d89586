"""Tokens over HTTP: made, listed, revoked, always by somebody with `admin`. A secret goes out once, with the 201."""

import time
from typing import Any

import msgspec
import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import Problem, encode_json, json_answer
from api.duration import SECOND, parse_duration
from api.moment import format_moment
from api.native.body import read_body
from api.query import current_query
from api.token_view import Scope, TokenView
from api.view import NodeView
from protocol.error import InvalidRequest


def add_token_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add the routes under /v1/cluster/tokens."""
    tokens = Tokens(view, access)
    routes: tuple[tuple[str, str, Any], ...] = (
        ("/v1/cluster/tokens", "GET", tokens.list),
        ("/v1/cluster/tokens", "POST", tokens.create),
        ("/v1/cluster/tokens/<token_id>", "DELETE", tokens.revoke),
    )
    for path, method, handler in routes:
        app.add_url_rule(path, f"tokens {handler.__name__}", handler, methods=(method,))


class TokenWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/cluster/tokens; a misspelt `expires_in` would else make a token that never expires."""

    name: str
    scopes: list[str]
    expires_in: str | None = None


class Tokens:
    """Handlers over one node; each change, once begun, is finished though the client hangs up."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def list(self) -> Response:
        """List the tokens, expired ones too, the oldest first; never a secret."""
        self._access.require(Scope.ADMIN)
        now = time.time()
        return _json({"tokens": [token_answer(token, now) for token in self._view.tokens.list()]})

    async def create(self) -> Response:
        """Make a token."""
        self._access.require(Scope.ADMIN)
        wish = await read_body(TokenWish)
        try:
            expires_in_s = None if wish.expires_in is None else parse_duration(wish.expires_in) / SECOND
        except ValueError as wrong:
            raise InvalidRequest(f"expires_in: {wrong}") from None
        with trio.CancelScope(shield=True):
            made = await self._view.tokens.create(wish.name, wish.scopes, expires_in_s)
        token = made.token
        answer = {
            "token": made.secret,
            "id": token.id,
            "name": token.name,
            "scopes": list(token.scopes),
            "created_at": format_moment(token.created_at),
            "expires_at": _moment_or_none(token.expires_at),
        }
        response = _json(answer, 201)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def revoke(self, token_id: str) -> Response:
        """End a token."""
        self._access.require(Scope.ADMIN)
        with trio.CancelScope(shield=True):
            is_revoked = await self._view.tokens.revoke(token_id)
        if not is_revoked:
            # the id is not repeated: by mistake it may be a secret
            raise Problem(404, "NOT_FOUND", "there is no token of this id: GET /v1/cluster/tokens lists them")
        return _json({"revoked": token_id})


def token_answer(token: TokenView, now: float) -> dict[str, Any]:
    """Shape one token; `now` in unix seconds."""
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "created_at": format_moment(token.created_at),
        "expires_at": _moment_or_none(token.expires_at),
        "last_used_at": _moment_or_none(token.last_used_at),
        "expired": token.expires_at is not None and token.expires_at <= now,
    }


def _moment_or_none(at: float | None) -> str | None:
    return None if at is None else format_moment(at)


def _json(value: object, status: int = 200) -> Response:
    return json_answer(encode_json(value, current_query().is_pretty), status)
