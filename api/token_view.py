"""What the façade needs of a node's tokens. The secret itself is seen once, in the answer that makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Scope(Enum):
    """A right that a route asks for; the value is its name in HTTP and on the command line."""

    ADMIN = "admin"
    """Carries every other."""
    AGENT_READ = "agent:read"
    AGENT_WRITE = "agent:write"
    NODE_READ = "node:read"
    SERVICE_READ = "service:read"
    SERVICE_WRITE = "service:write"
    PEERS_READ = "peers.read"
    PEERS_WRITE = "peers.write"


class Authority(Protocol):
    """What a token may do."""

    @property
    def id(self) -> str:
        """The token's id, which says nothing of its secret."""
        ...

    def allows(self, scope: Scope) -> bool:
        """Tell whether this token carries the right; one with `admin` carries every right, and `write` no `read`."""
        ...


@dataclass(frozen=True, slots=True)
class TokenView:
    """One token, without its secret. Times are unix seconds."""

    id: str
    """16 hex letters; says nothing of the secret."""
    name: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None
    """None: never."""
    last_used_at: float | None
    """None: not yet; may be a minute old."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made."""

    secret: str = field(repr=False)
    """Shown once, kept nowhere."""
    token: TokenView


class TokensView(Protocol):
    """The tokens of one node."""

    def authorize(self, secret: str) -> Authority | None:
        """Find what a token may do, comparing in constant time; None: no such token, or it has expired."""
        ...

    def list(self) -> tuple[TokenView, ...]:
        """Give all tokens, expired ones too, the oldest first."""
        ...

    async def create(self, name: str, scopes: Sequence[str], expires_in_s: float | None) -> NewToken:
        """Make a token; it is on disk when this returns.

        Raises:
            InvalidRequest: an unknown scope or none, a name out of bounds, a time not ahead, or too many tokens.
            Problem: 500 NOT_STORED, the disk does not take it; nothing changed. So in `revoke`.
        """
        ...

    async def revoke(self, id: str) -> bool:
        """End a token; False: there is none.

        Raises:
            Problem: 409 LAST_ADMIN_TOKEN, no other token that has not expired carries `admin`.
        """
        ...
