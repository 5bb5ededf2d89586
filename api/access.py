"""Who may do what: the one place where a token is read and a right is asked for.

Rights are scopes (`api.token_view.Scope`). Those in `ALWAYS_ASKED` are asked for at every time: they guard what changes
the node itself, its keys and its tokens, and the Peers API. The others are asked for only under access control lists
(`--acl`), as in Nomad and Consul: without them a token is not even looked at, which is why HTTP then stays on loopback.

A right is decided before anything else is told: who may not read a peer does not learn whether it exists. Each
dialect reads the token from its own places and refuses in its own words (`Wording`). Tokens are compared by the node,
in constant time; nothing here keeps or logs one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from werkzeug.datastructures import Headers

from api.answer import Problem
from api.fast_path import RawRequest, TokenReader, current_request
from api.query import Query
from api.token_view import Scope
from api.view import NodeView

TOKEN_LENGTH_MAX: Final = 512
"""Longer than any token made here; longer ones are unknown without being looked at."""

ALWAYS_ASKED: Final = frozenset({Scope.ADMIN, Scope.PEERS_READ, Scope.PEERS_WRITE})
"""With and without access control lists."""


def bearer_token(headers: Headers, query: bytes = b"") -> str:
    """Read `Authorization: Bearer T`, the scheme in any case, T the first word after it. Never from the query."""
    del query
    words = headers.get("Authorization", "").split(None, 2)
    return words[1] if len(words) > 1 and words[0].lower() == "bearer" else ""


def nomad_token(headers: Headers, query: bytes = b"") -> str:
    """Read `X-Nomad-Token`, trimmed, else the bearer token. Never from the query."""
    return headers.get("X-Nomad-Token", "").strip() or bearer_token(headers, query)


def consul_token(headers: Headers, query: bytes = b"") -> str:
    """Read `?token=`, else `X-Consul-Token`, trimmed, else the bearer token.

    Raises:
        InvalidRequest: the query cannot be read.
    """
    return Query.parse(query).first("token") or consul_header_token(headers)


def consul_header_token(headers: Headers, query: bytes = b"") -> str:
    """Read `X-Consul-Token`, trimmed, else the bearer token. Never from the query, for what is no route of Consul's."""
    return headers.get("X-Consul-Token", "").strip() or bearer_token(headers, query)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a dialect refuses; `{scope}` in the sentence becomes the right that was asked for."""

    status: int
    code: str
    sentence: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wording:
    """How a dialect refuses whom."""

    missing: Refusal
    """Without a token."""
    unknown: Refusal
    """With a token that there is not, or that has expired."""
    lacking: Refusal
    """With a token that does not carry the right."""


_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}

NATIVE_WORDING: Final = Wording(
    Refusal(401, "UNAUTHORIZED", "this route needs a token: send `Authorization: Bearer TOKEN`", _CHALLENGE),
    Refusal(401, "UNAUTHORIZED", "this token is not known here, or has expired", _CHALLENGE),
    Refusal(403, "FORBIDDEN", "this token does not carry the right {scope}"),
)
"""Of our own routes and the Peers API."""

NOMAD_WORDING: Final = Wording(
    Refusal(403, "FORBIDDEN", "Permission denied"),
    Refusal(403, "FORBIDDEN", "ACL token not found"),
    Refusal(403, "FORBIDDEN", "Permission denied"),
)

CONSUL_WORDING: Final = Wording(
    Refusal(403, "FORBIDDEN", "Permission denied"),
    Refusal(403, "FORBIDDEN", "ACL not found"),
    Refusal(403, "FORBIDDEN", "Permission denied"),
)


class Access:
    """Asks for rights on behalf of the routes of one dialect."""

    def __init__(self, view: NodeView, read_token: TokenReader, enforces: bool, wording: Wording) -> None:
        """Keep where tokens are read and looked up; `enforces`: access control lists are on."""
        self._view = view
        self._read_token = read_token
        self._enforces = enforces
        self._wording = wording

    def require(self, scope: Scope, asked: RawRequest | None = None) -> str:
        """Let a request pass, or refuse it; give the id of its token, empty where none is asked for.

        Unless given the request is the one that Quart has in hand.

        Raises:
            Problem: the right is asked for, and there is no token, an unknown one, or one that lacks it.
        """
        verdict = self._judge(scope, asked)
        if isinstance(verdict, Refusal):
            raise _problem(verdict, scope)
        return verdict

    def shows(self, scope: Scope, asked: RawRequest | None = None) -> bool:
        """Tell whether a list is shown, or answered as if there were nothing on it, which is how Consul refuses lists.

        Raises:
            Problem: there is a token, and it is unknown.
        """
        verdict = self._judge(scope, asked)
        if verdict is self._wording.unknown:
            raise _problem(self._wording.unknown, scope)
        return not isinstance(verdict, Refusal)

    def follow(self, scope: Scope) -> Callable[[], bool]:
        """Give what tells, also after the request in hand, whether its token still carries a right."""
        asked = current_request()
        return lambda: not isinstance(self._judge(scope, asked), Refusal)

    @property
    def enforces(self) -> bool:
        """Whether access control lists are on."""
        return self._enforces

    def _judge(self, scope: Scope, asked: RawRequest | None) -> Refusal | str:
        if not self._enforces and scope not in ALWAYS_ASKED:
            return ""
        asked = asked or current_request()
        secret = asked.token(self._read_token)
        if not secret:
            return self._wording.missing
        is_possible = len(secret) <= TOKEN_LENGTH_MAX and secret.isascii()
        authority = self._view.tokens.authorize(secret) if is_possible else None
        if authority is None:
            return self._wording.unknown
        return authority.id if authority.allows(scope) else self._wording.lacking


def require_join(access: Access, view: NodeView) -> None:
    """Let the request in hand join this node to others: Nomad asks for no right, unless it undoes a departure.

    Raises:
        Problem: as `Access.require`; the node has left, and under access control lists takes agent:write to return.
    """
    if view.is_leaving:
        access.require(Scope.AGENT_WRITE)


def _problem(refusal: Refusal, scope: Scope) -> Problem:
    sentence = refusal.sentence.format(scope=scope.value)
    return Problem(refusal.status, refusal.code, sentence, dict(refusal.headers))
