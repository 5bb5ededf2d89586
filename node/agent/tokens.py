"""What the façade sees of a node's tokens: `api.token_view.TokensView` over `node.token_keeper.TokenKeeper`."""

from collections.abc import Sequence

from api.answer import Problem
from api.token_view import NewToken, Scope, TokenView
from node.agent.stored import stored
from node.spelling import unknown_sentence
from node.token_keeper import ADMIN_SCOPE, HeldToken, LastAdminToken, TokenKeeper
from protocol.error import InvalidRequest

SCOPE_NAMES = tuple(scope.value for scope in Scope)


class TokenAuthority:
    """What one token may do."""

    def __init__(self, id: str, scopes: Sequence[str]) -> None:
        self._id = id
        self._scopes = scopes

    @property
    def id(self) -> str:
        """The token's id."""
        return self._id

    def allows(self, scope: Scope) -> bool:
        """Tell whether it carries the right; `admin` carries every one."""
        return scope.value in self._scopes or ADMIN_SCOPE in self._scopes


class AgentTokens:
    """The tokens of one node."""

    def __init__(self, keeper: TokenKeeper) -> None:
        self._keeper = keeper

    def authorize(self, secret: str) -> TokenAuthority | None:
        """Find what a token may do."""
        held = self._keeper.find(secret)
        return None if held is None else TokenAuthority(held.id, held.stored.scopes)

    def list(self) -> tuple[TokenView, ...]:
        """Give all tokens, the oldest first."""
        return tuple(_view(held) for held in self._keeper.list())

    async def create(self, name: str, scopes: Sequence[str], expires_in_s: float | None) -> NewToken:
        """Make a token."""
        for scope in scopes:
            if scope not in SCOPE_NAMES:
                known = ", ".join(SCOPE_NAMES)
                raise InvalidRequest(f"{unknown_sentence('scope', scope, SCOPE_NAMES)} (there are {known})")
        secret, held = await stored(self._keeper.create(name, scopes, expires_in_s))
        return NewToken(secret, _view(held))

    async def revoke(self, id: str) -> bool:
        """End a token."""
        try:
            return await stored(self._keeper.revoke(id))
        except LastAdminToken as wrong:
            raise Problem(409, "LAST_ADMIN_TOKEN", str(wrong)) from None


def _view(held: HeldToken) -> TokenView:
    token = held.stored
    return TokenView(held.id, token.name, token.scopes, token.created_at, token.expires_at, held.last_used_at)
