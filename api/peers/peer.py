"""The routes under /v1/peers: list, get, add, rename, delete, and leave.

The right is decided before existence, and before the body is looked at. What was begun is finished though the
client hangs up.
"""

import operator
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import msgspec
import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import Problem, RawResponse, ReadyJson, encode_json, json_answer
from api.completion import complete
from api.fast_path import FastPath, RawRequest
from api.moment import format_second
from api.native.body import read_body
from api.peer_view import PeerView
from api.query import current_query, parse_bool
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest


def add_peer_routes(app: QuartTrio, view: NodeView, access: Access, fast_path: FastPath) -> None:
    """Add the routes; `access` reads the token from the bearer header alone."""
    peers = Peers(view, access)
    routes: tuple[tuple[str, str, Any], ...] = (
        ("/v1/peers", "GET", fast_path.route("/v1/peers", peers.list)),
        ("/v1/peers", "POST", peers.add),
        ("/v1/peers/self", "DELETE", peers.leave),
        ("/v1/peers/<path:peer_id>", "GET", peers.get),
        ("/v1/peers/<path:peer_id>", "PUT", peers.rename),
        ("/v1/peers/<path:peer_id>", "DELETE", peers.delete),
    )
    for path, method, handler in routes:
        app.add_url_rule(path, f"peers {handler.__name__}", handler, methods=(method,))


class PeerWish(msgspec.Struct, frozen=True):
    """The body of POST /v1/peers."""

    address: str


class PeerChange(msgspec.Struct, frozen=True):
    """The body of PUT /v1/peers/{id}; without a name, or with null for it, it changes nothing.

    Other fields of a peer may come along.
    """

    name: str | None = None


class Peers:
    """Handlers over one node."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access
        self._all = self._listing(lambda _: True)
        self._local = self._listing(lambda peer: peer.is_local)
        self._remote = self._listing(lambda peer: not peer.is_local)

    def _listing(self, shows: Callable[[PeerView], bool]) -> ReadyJson:
        peers = self._view.peers
        return ReadyJson(
            lambda: peers.version, lambda: [peer_answer(peer) for peer in peers.list() if shows(peer)], operator.eq
        )

    def list(self, request: RawRequest) -> RawResponse:
        """List the peers, all or with `is_local` the local or the remote ones, ordered by id."""
        self._access.require(Scope.PEERS_READ, request)
        query = request.query()
        wanted = query.first("is_local")
        listing = self._all
        if wanted is not None:
            try:
                listing = self._local if parse_bool(wanted) else self._remote
            except ValueError as wrong:
                raise InvalidRequest(f"is_local: {wrong}") from None
        return listing.response(query.is_pretty)

    async def get(self, peer_id: str) -> Response:
        """Show one peer."""
        self._access.require(Scope.PEERS_READ)
        peer = self._view.peers.get(peer_id)
        if peer is None:
            raise _not_found()
        return _json(peer_answer(peer))

    async def add(self) -> Response:
        """Shake hands with the peer at an address, and bring it into the cluster."""
        self._access.require(Scope.PEERS_WRITE)
        wish = await read_body(PeerWish)
        peer = await complete(self._view.peers.add(wish.address))
        return _json(peer_answer(peer), 201)

    async def rename(self, peer_id: str) -> Response:
        """Change the display name of a peer, as this node shows it, or the local peer's own."""
        self._access.require(Scope.PEERS_WRITE)
        peers = self._view.peers
        if peers.get(peer_id) is None:
            raise _not_found()
        change = await read_body(PeerChange, PeerChange())
        if change.name is None:
            peer = peers.get(peer_id)
        else:
            with trio.CancelScope(shield=True):
                peer = await peers.rename(peer_id, change.name)
        if peer is None:
            raise _not_found()
        return _json(peer_answer(peer))

    async def delete(self, peer_id: str) -> Response:
        """Put a peer out of the whole cluster; it cannot come back by itself."""
        self._access.require(Scope.PEERS_WRITE)
        with trio.CancelScope(shield=True):
            is_deleted = await self._view.peers.delete(peer_id)
        if not is_deleted:
            raise _not_found()
        return _json({"deleted": True})

    async def leave(self) -> Response:
        """Say goodbye to the cluster; the process stays, and POST /v1/peers or a join brings it back."""
        self._access.require(Scope.ADMIN)
        departure = await complete(self._view.peers.leave())
        return _json(
            {
                "peer_id": departure.peer_id,
                "version": departure.version,
                "is_active": False,
                "deactivated_at": format_second(departure.deactivated_at),
            }
        )


def peer_answer(peer: PeerView) -> dict[str, Any]:
    """Shape one peer."""
    return {
        "id": peer.id,
        "name": peer.name,
        "public_key": b64encode(peer.public_key).decode(),
        "is_local": peer.is_local,
        "address": str(peer.address),
        "created_at": format_second(peer.created_at_ms / 1000),
    }


def _not_found() -> Problem:
    return Problem(404, "NOT_FOUND", "there is no peer of this id: GET /v1/peers lists them")


def _json(value: object, status: int = 200) -> Response:
    return json_answer(encode_json(value, current_query().is_pretty), status)
