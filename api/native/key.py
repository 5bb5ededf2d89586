"""Rotation of the cluster keys: add, use, retire. Ids go out, never the bytes of a key."""

import binascii
from base64 import b64decode
from typing import Any

import msgspec
import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import Problem, echo, encode_json, json_answer
from api.native.body import read_body
from api.query import current_query
from api.token_view import Scope
from api.view import KeyView, NodeView
from protocol.error import InvalidRequest


def add_key_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add the routes under /v1/cluster/keys."""
    keys = Keys(view, access)
    routes: tuple[tuple[str, str, Any], ...] = (
        ("/v1/cluster/keys", "GET", keys.list),
        ("/v1/cluster/keys", "POST", keys.add),
        ("/v1/cluster/keys/<key_id>/use", "POST", keys.use),
        ("/v1/cluster/keys/<key_id>/retire", "POST", keys.retire),
    )
    for path, method, handler in routes:
        app.add_url_rule(path, f"keys {handler.__name__}", handler, methods=(method,))


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /v1/cluster/keys: base64 of 32 bytes; without it the node makes a key.

    A misspelt field is refused: the cluster would else get a random key in place of the given one.
    """

    key: str | None = None


class Keys:
    """Handlers over one node; each change, once begun, is finished though the client hangs up."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def list(self) -> Response:
        """List the keys held, and how many members have shown each."""
        self._access.require(Scope.ADMIN)
        keys = self._view.keys()
        return _json({"keys": [key_answer(key) for key in keys]})

    async def add(self) -> Response:
        """Add a key and spread it."""
        self._access.require(Scope.ADMIN)
        given = (await read_body(NewKey, NewKey())).key
        try:
            secret = None if given is None else b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidRequest("key is not base64") from None
        if secret == b"":  # or the node would take it for none given, and make one
            raise InvalidRequest("key is empty: give base64 of 32 bytes, or leave it out")
        with trio.CancelScope(shield=True):
            key = await self._view.add_key(secret)
        return _json(key_answer(key), 201)

    async def use(self, key_id: str) -> Response:
        """Seal with a key from now on; refused until all have shown it, unless `force`."""
        self._access.require(Scope.ADMIN)
        force = current_query().flag("force")
        with trio.CancelScope(shield=True):
            key = await self._view.use_key(key_id, force)
        if key is None:
            raise _no_such_key(key_id)
        return _json(key_answer(key))

    async def retire(self, key_id: str) -> Response:
        """Remove a key from the whole cluster."""
        self._access.require(Scope.ADMIN)
        with trio.CancelScope(shield=True):
            is_retired = await self._view.retire_key(key_id)
        if not is_retired:
            raise _no_such_key(key_id)
        return _json({"retired": key_id})


def key_answer(key: KeyView) -> dict[str, Any]:
    """Shape one key."""
    return {
        "id": key.id,
        "state": key.state,
        "shown_count": key.shown_count,
        "member_count": key.member_count,
    }


def _no_such_key(key_id: str) -> Problem:
    return Problem(404, "NOT_FOUND", f"no key {echo(key_id)} is held here: GET /v1/cluster/keys lists them")


def _json(value: object, status: int = 200) -> Response:
    return json_answer(encode_json(value, current_query().is_pretty), status)
