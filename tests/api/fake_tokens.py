"""Tokens that are all memory: some that are always there, and those that a test makes."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.answer import Problem
from api.token_view import NewToken, Scope, TokenView
from protocol.error import InvalidRequest

ADMIN_TOKEN = "the-admin-token"
WEAK_TOKEN = "a-token-without-rights"
ADMIN_ID = "00000000000000aa"
MADE_SECRET = "shoal-made-for-the-test"


def token_of(scope: Scope) -> str:
    """Give the secret of a token that carries one scope alone."""
    return f"token-of-{scope.value}"


def id_of(secret: str) -> str:
    """Give the id of the token of a secret."""
    return ADMIN_ID if secret == ADMIN_TOKEN else f"id-{len(secret)}"


def token_without(scope: Scope) -> str:
    """Give the secret of a token that carries every scope but this one and admin."""
    return f"token-without-{scope.value}"


@dataclass(frozen=True)
class FakeAuthority:
    """Some rights."""

    id: str
    scopes: frozenset[Scope]

    def allows(self, scope: Scope) -> bool:
        """Tell whether the right is carried."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


class FakeTokens:
    """The tokens of a fake node; `calls` has every change asked for, and `asked` every secret looked up."""

    def __init__(self, calls: list[tuple[object, ...]]) -> None:
        self._calls = calls
        self.asked: list[str] = []
        self.held = [
            TokenView(ADMIN_ID, "admin.token", ("admin",), 1_763_000_000.0, None, 1_763_000_060.5),
            TokenView("00000000000000bb", "old", ("node:read",), 1_763_000_001.0, 1_763_000_002.0, None),
        ]
        self._rights = {ADMIN_TOKEN: frozenset({Scope.ADMIN}), WEAK_TOKEN: frozenset()}
        self._rights |= {token_of(scope): frozenset({scope}) for scope in Scope}
        self._rights |= {token_without(scope): frozenset(set(Scope) - {scope, Scope.ADMIN}) for scope in Scope}

    def authorize(self, secret: str) -> FakeAuthority | None:
        """Know the tokens above."""
        self.asked.append(secret)
        scopes = self._rights.get(secret)
        return None if scopes is None else FakeAuthority(id_of(secret), scopes)

    def forget(self, secret: str) -> None:
        """Let a token be unknown from now on."""
        del self._rights[secret]

    def list(self) -> tuple[TokenView, ...]:
        """Give all."""
        return tuple(self.held)

    async def create(self, name: str, scopes: Sequence[str], expires_in_s: float | None) -> NewToken:
        """Make one, unless a scope is unknown."""
        for scope in scopes:
            if scope not in {one.value for one in Scope}:
                raise InvalidRequest(f"unknown scope {scope!r}")
        self._calls.append(("create_token", name, tuple(scopes), expires_in_s))
        created_at = 1_763_000_100.0
        expires_at = None if expires_in_s is None else created_at + expires_in_s
        token = TokenView("00000000000000cc", name, tuple(scopes), created_at, expires_at, None)
        self.held.append(token)
        return NewToken(MADE_SECRET, token)

    async def revoke(self, id: str) -> bool:
        """End one, unless it is the admin token."""
        if id == ADMIN_ID:
            raise Problem(409, "LAST_ADMIN_TOKEN", "this is the last")
        before = len(self.held)
        self.held = [token for token in self.held if token.id != id]
        if len(self.held) < before:
            self._calls.append(("revoke_token", id))
        return len(self.held) < before
