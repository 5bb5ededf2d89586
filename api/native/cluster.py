"""The node and its members with all that is known of them, and the node's own tags and leave."""

import operator
from base64 import b64encode
from typing import Any, Final

import msgspec
import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import Problem, ReadyJson, echo, encode_json, json_answer, prettify
from api.completion import complete
from api.fast_path import FastPath, RawRequest, RawResponse
from api.native.body import read_body
from api.query import current_query
from api.token_view import Scope
from api.view import Evidence, EvidenceLog, MemberView, NodeView
from protocol.error import InvalidRequest

NODE_TEXT_MAX: Final = 160
"""A name of 64 letters with its mark, a dot and a region of 64; ids are shorter."""


def add_cluster_routes(app: QuartTrio, view: NodeView, access: Access, fast_path: FastPath) -> None:
    """Add the routes under /v1/cluster that are not a subject of their own."""
    cluster = Cluster(view, access)
    routes: tuple[tuple[str, str, Any], ...] = (
        ("/v1/cluster/identity", "GET", cluster.identity),
        ("/v1/cluster/members", "GET", fast_path.route("/v1/cluster/members", cluster.members)),
        ("/v1/cluster/explain/<path:node>", "GET", cluster.explain),
        ("/v1/cluster/leave", "POST", cluster.leave),
        ("/v1/cluster/tags", "PUT", cluster.tags),
    )
    for path, method, handler in routes:
        app.add_url_rule(path, f"cluster {handler.__name__}", handler, methods=(method,))


class TagChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of PUT /v1/cluster/tags; a misspelt field would else be answered 200 and change nothing."""

    set: dict[str, str] = {}
    delete: list[str] = []


class Cluster:
    """Handlers over one node."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access
        self._members = ReadyJson(
            view.members, lambda: [member_answer(member) for member in view.members()], operator.is_
        )

    async def identity(self) -> Response:
        """Say who this node is; open, for it is what a stranger must know to be introduced."""
        local = self._view.local()
        return _json(
            {
                "peer_id": local.id,
                "public_key": b64encode(local.public_key).decode(),
                "license_id": local.license_id,
                "cluster_id": self._view.cluster_id,
                "version": self._view.version,
                "address": str(local.address),
            }
        )

    def members(self, request: RawRequest) -> RawResponse:
        """List every member; `index` is where a stream of events goes on from this list."""
        self._access.require(Scope.NODE_READ, request)
        view = self._view
        head = encode_json(
            {
                "cluster_id": view.cluster_id,
                "local_id": view.local().id,
                "index": view.event_index,
                "generation": view.generation,
                "is_leaving": view.is_leaving,
                "awareness": view.awareness,
            }
        )
        body = b'%b,"members":%b}' % (head[:-1], self._members.plain())
        return RawResponse(prettify(body) if request.query().is_pretty else body)

    async def explain(self, node: str) -> Response:
        """Show the evidence about a member by name, name.region or id."""
        self._access.require(Scope.NODE_READ)
        log = self._view.explain(node) if len(node) <= NODE_TEXT_MAX else None
        if log is None:
            raise Problem(404, "NOT_FOUND", f"no member {echo(node)} is known here: GET /v1/cluster/members lists them")
        return _json(log_answer(log))

    async def leave(self) -> Response:
        """Say goodbye; with `stay` the process goes on and can join again."""
        self._access.require(Scope.ADMIN)
        stay = current_query().flag("stay")
        await complete(self._view.leave(stay))  # a goodbye once begun is finished
        return _json({"left": True, "stay": stay})

    async def tags(self) -> Response:
        """Change the node's own tags."""
        self._access.require(Scope.ADMIN)
        change = await read_body(TagChange)
        if both := sorted(change.set.keys() & set(change.delete)):
            raise InvalidRequest(f"the tag {echo(both[0])} is both to be set and to be deleted")
        with trio.CancelScope(shield=True):
            tags = await self._view.set_tags(change.set, change.delete)
        return _json({"tags": dict(tags)})


def member_answer(member: MemberView) -> dict[str, Any]:
    """Shape one member with all that is known of it."""
    low, high, current = member.protocol_range
    return {
        "id": member.id,
        "name": member.name,
        "region": member.region,
        "datacenter": member.datacenter,
        "address": str(member.address),
        "status": member.status.value,
        "tags": dict(member.tags),
        "incarnation": member.incarnation,
        "public_key": b64encode(member.public_key).decode(),
        "protocol": {"min": low, "max": high, "current": current},
        "version": member.version,
        "license_id": member.license_id,
        "display_name": member.display_name,
        "is_local": member.is_local,
        "since": member.since,
        "rtt_s": member.rtt_s,
        "created_at_ms": member.created_at,
    }


def log_answer(log: EvidenceLog) -> dict[str, Any]:
    """Shape the evidence about a member."""
    return {
        "id": log.member_id,
        "name": log.name,
        "status": log.status.value if log.status else None,
        "forgotten": log.forgotten,
        "entries": [_entry_answer(entry) for entry in log.entries],
    }


def _entry_answer(entry: Evidence) -> dict[str, Any]:
    return {
        "at": entry.at,
        "change": entry.change,
        "status": entry.status.value,
        "incarnation": entry.incarnation,
        "by": list(entry.by),
        "paths": list(entry.paths),
        "rtt_s": entry.rtt_s,
        "awareness": entry.awareness,
        "stall_s": entry.stall_s,
        "text": entry.text,
    }


def _json(value: object) -> Response:
    return json_answer(encode_json(value, current_query().is_pretty))
