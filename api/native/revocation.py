"""Who is out of the cluster: what is signed about it, words of one's own, and words signed with the operator's key.

Beyond DELETE /v1/peers/{id} this also bars ids that are not on the list, takes them in again, and replaces the cluster
key, without which the owner of a revoked node can come back under a new identity.
"""

import binascii
from base64 import b64decode
from typing import Any, Final

import msgspec
import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import encode_json, json_answer
from api.completion import complete
from api.moment import format_moment
from api.native.body import read_body
from api.peer_view import RevocationView
from api.query import current_query
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

STATEMENT_TEXT_MAX: Final = 1_024
"""A revocation has some 150 bytes, four thirds as many letters."""


def add_revocation_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add /v1/cluster/revocations, and the rotation that makes one last."""
    revocations = Revocations(view, access)
    routes: tuple[tuple[str, str, Any], ...] = (
        ("/v1/cluster/revocations", "GET", revocations.list),
        ("/v1/cluster/revocations", "POST", revocations.add),
        ("/v1/cluster/keys/rotate", "POST", revocations.rotate),
    )
    for path, method, handler in routes:
        app.add_url_rule(path, f"revocations {handler.__name__}", handler, methods=(method,))


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/cluster/revocations: an id and whether it is out, or a signed statement in base64."""

    id: str | None = None
    revoked: bool | None = None
    statement: str | None = None


class Revocations:
    """Handlers over one node; each change, once begun, is finished though the client hangs up."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def list(self) -> Response:
        """List what is signed about ids, those that are in again too, ordered by id."""
        self._access.require(Scope.NODE_READ)
        return _json({"revocations": [revocation_answer(word) for word in self._view.peers.revocations()]})

    async def add(self) -> Response:
        """Put an id out, or take it in again; the answer is the word that holds now."""
        self._access.require(Scope.ADMIN)
        word = await read_body(Word)
        peers = self._view.peers
        with trio.CancelScope(shield=True):
            if word.statement is not None and word.id is None and word.revoked is None:
                held = await peers.take_statement(_read_statement(word.statement))
            elif word.statement is None and word.id is not None and word.revoked is not None:
                held = await peers.revoke(word.id, revoked=word.revoked)
            else:
                raise InvalidRequest("give either id and revoked, or statement")
        return _json(revocation_answer(held))

    async def rotate(self) -> Response:
        """Replace the cluster key, told to all live members and to nobody who is out."""
        self._access.require(Scope.ADMIN)
        done = await complete(self._view.peers.rotate())
        return _json({"key": done.key_id, "retired": list(done.retired), "untold": list(done.untold)})


def revocation_answer(word: RevocationView) -> dict[str, Any]:
    """Shape one word."""
    return {
        "id": word.id,
        "revoked": word.revoked,
        "version": word.version,
        "issuer": word.issuer,
        "at": format_moment(word.version / 1000),
    }


def _read_statement(text: str) -> bytes:
    try:
        if len(text) <= STATEMENT_TEXT_MAX:
            return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise InvalidRequest("statement is not base64 of a signed revocation")


def _json(value: object) -> Response:
    return json_answer(encode_json(value, current_query().is_pretty))
