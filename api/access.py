"""Who may do what: the one place where a token is read and a right is asked for.

Rights are scopes (`api.view.Scope`). Two kinds of route exist: those that change keys, tags or
membership of the whole node always need the admin token; all others are open while access control
lists are off, as Nomad's and Consul's are, which is why HTTP stays on loopback then. Where lists
come in, `Access.require` is the line that asks the token's `Authority` for the other scopes too.

Tokens are compared by the node, in constant time; nothing here keeps or logs one.
"""

from collections.abc import Callable
from typing import Final

from quart import request
from werkzeug.datastructures import Headers

from api.answer import Problem
from api.view import NodeView, Scope

TOKEN_LENGTH_MAX: Final = 512
"""Longer than any token made here; longer ones are unknown without being looked at."""

TokenReader = Callable[[Headers], str]


def bearer_token(headers: Headers) -> str:
    """Read `Authorization: Bearer T`, the scheme in any case, T the first word after it; empty: none."""
    words = headers.get("Authorization", "").split(None, 2)
    return words[1] if len(words) > 1 and words[0].lower() == "bearer" else ""


def nomad_token(headers: Headers) -> str:
    """Read `X-Nomad-Token`, trimmed, else the bearer token; empty: none. Never from the query."""
    return headers.get("X-Nomad-Token", "").strip() or bearer_token(headers)


class Access:
    """Asks for rights on behalf of the routes of one dialect."""

    def __init__(self, view: NodeView, read_token: TokenReader) -> None:
        self._view = view
        self._read_token = read_token

    def require(self, scope: Scope) -> None:
        """Let the request in hand pass, or refuse it.

        Raises:
            Problem: 401 without a known token, 403 with one that lacks the right.
        """
        if scope is not Scope.ADMIN:
            return
        secret = self._read_token(request.headers)
        if not secret:
            raise _unauthorized("this route needs a token: send `Authorization: Bearer TOKEN`")
        if len(secret) > TOKEN_LENGTH_MAX or not secret.isascii():
            raise _unauthorized("this token is not known here")
        authority = self._view.authorize(secret)
        if authority is None:
            raise _unauthorized("this token is not known here")
        if not authority.allows(scope):
            raise Problem(403, "FORBIDDEN", f"this token does not carry the right {scope.value}")


def _unauthorized(sentence: str) -> Problem:
    return Problem(401, "UNAUTHORIZED", sentence, {"WWW-Authenticate": "Bearer"})
