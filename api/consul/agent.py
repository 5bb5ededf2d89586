"""The agent itself: who it is, whom it sees, whom it joins and evicts, what it measures."""

import operator
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import TEXT_TYPE, Problem, RawResponse, ReadyJson, RecentAnswer, empty_answer, encode_json, json_answer
from api.catalog_view import Watch
from api.completion import complete, released_while_waiting
from api.consul.config import OWN_VERSION_KEY, config_answer, debug_config_answer
from api.consul.filter import keep_all, read_filter
from api.consul.filter_schema import MEMBER
from api.consul.member import local_answer, members_answer, wan_name
from api.consul.option import is_pretty
from api.consul.route import ANY, GET, GET_PUT, PUT, add_routes, check_readable
from api.consul.runtime_metric import runtime_metrics
from api.consul.shape import coordinate_shape
from api.consul.stats import stats_answer
from api.consul.wording import failed, one_line, quote
from api.exposition import exposition_answer, http_metric
from api.fast_path import FastPath, RawRequest, current_request
from api.middleware import RequestCounter
from api.nomad.metric import metrics_answer
from api.query import Query, current_query, parse_bool
from api.token_view import Scope
from api.view import JoinReport, NodeView
from protocol.address import Address

JOIN_S: Final = 4.5
"""As in Nomad's dialect: its clients hang up after 5 s, and nobody expects the other one to be slower."""
REASON_LENGTH_MAX: Final = 300
"""Of the reasons why a join failed."""

SELVES_MAX: Final = 64
"""Addresses of this machine, each plain and pretty, at which /v1/agent/self is asked."""

SEGMENT_ALL: Final = "_all"
NO_OWN_TOKEN: Final = (
    ": an agent here asks nobody, so it has no tokens of its own, and /v1/cluster/tokens lists the users'"
)

Reload = Callable[[], Awaitable[None]]
"""Reads the node's configuration again."""


def add_agent_routes(
    app: QuartTrio, view: NodeView, access: Access, counter: RequestCounter, fast_path: FastPath, reload: Reload | None
) -> None:
    """Add what is under /v1/agent and concerns neither services nor checks, and the root."""
    agent = AgentRoutes(view, access, counter, reload)
    add_routes(
        app,
        (
            ("/", ANY, agent.root),
            ("/v1/agent/self", GET, fast_path.route("/v1/agent/self", agent.self, GET)),
            ("/v1/agent/members", GET, fast_path.route("/v1/agent/members", agent.members, GET)),
            ("/v1/agent/join/<rest:address>", GET_PUT, agent.join),
            ("/v1/agent/force-leave/<rest:node>", GET_PUT, agent.force_leave),
            ("/v1/agent/leave", PUT, agent.leave),
            ("/v1/agent/metrics", GET, agent.metrics),
            ("/v1/agent/reload", PUT, agent.reload),
            ("/v1/agent/token/<rest:kind>", PUT, agent.set_token),
        ),
    )


class AgentRoutes:
    """Handlers over one node."""

    def __init__(self, view: NodeView, access: Access, counter: RequestCounter, reload: Reload | None) -> None:
        self._view = view
        self._access = access
        self._counter = counter
        self._reload = reload
        self._selves: dict[tuple[Address | None, bool], RecentAnswer] = {}
        self._lan = ReadyJson(lambda: view.generation, lambda: members_answer(view), operator.eq)
        self._wan = ReadyJson(lambda: view.generation, lambda: members_answer(view, is_wan=True), operator.eq)

    async def root(self) -> Response:
        """Say what answers here."""
        return Response(b"Consul Agent", 200, {"Content-Type": TEXT_TYPE})

    def self(self, asked: RawRequest) -> RawResponse:
        """Show configuration, place, member and statistics of the node."""
        self._access.require(Scope.AGENT_READ, asked)
        key = (_own_address(asked), is_pretty(asked.query()))
        recent = self._selves.get(key)
        if recent is None:
            if len(self._selves) >= SELVES_MAX:
                self._selves.clear()
            recent = self._selves[key] = self._recent_self(*key)
        return recent.response()

    def _recent_self(self, own_address: Address | None, pretty: bool) -> RecentAnswer:
        view, catalog = self._view, self._view.catalog

        def build() -> RawResponse:
            local = view.local()
            place = catalog.node(local.name)
            node_id = "" if place is None or place.member_id != local.id else place.id
            answer = {
                "Config": config_answer(view.config_view(), node_id, view.version, own_address),
                "DebugConfig": debug_config_answer(view.config_view(), own_address),
                "Coord": coordinate_shape(None if place is None else place.coordinate),
                "Member": local_answer(view, node_id),
                "Stats": stats_answer(view),
                "Meta": {**local.tags, OWN_VERSION_KEY: view.version},
            }
            return RawResponse(encode_json(answer, pretty))

        def version() -> object:
            indexes = (catalog.index(Watch("services")), catalog.index(Watch("checks")))
            return view.generation, indexes, view.config_view()

        return RecentAnswer(version, build)

    def members(self, asked: RawRequest) -> RawResponse:
        """List the members, those that have left too; without the right, none."""
        query = asked.query()
        if query.first("segment") not in (None, "", SEGMENT_ALL):
            raise failed("there are no network segments here: leave segment out, or give _all")
        keep = read_filter(query.first("filter") or "", MEMBER)
        is_wan = bool(query.first("wan"))
        if not self._access.shows(Scope.NODE_READ, asked):
            return RawResponse(encode_json([], is_pretty(query)))
        if keep is not keep_all:
            kept = [shape for shape in members_answer(self._view, is_wan) if keep(shape)]
            return RawResponse(encode_json(kept, is_pretty(query)))
        ready = self._wan if is_wan else self._lan
        return ready.response(is_pretty(query))

    async def join(self, address: str) -> Response:
        """Join through an address; 500 with the reasons if that fails. There is one pool, so `wan` changes nothing."""
        self._access.require(Scope.AGENT_WRITE)
        check_readable(address)
        report = JoinReport(0, (f"no answer within {JOIN_S} s",))
        async with released_while_waiting():
            with trio.move_on_after(JOIN_S):
                report = await self._view.join([address], JOIN_S)
        if report.joined:
            return empty_answer()
        reasons = one_line("; ".join(report.errors) or "no answer")[:REASON_LENGTH_MAX]
        raise failed(f"1 error occurred: * Failed to join {one_line(address[:80])}: {reasons}")

    async def force_leave(self, node: str) -> Response:
        """Evict a member; 200 also for one unknown, or alive (which refutes and stays)."""
        self._access.require(Scope.AGENT_WRITE)
        query = current_query()
        name = check_readable(node)
        if query.first("wan") is not None:
            name = next((member.name for member in self._view.members() if wan_name(member) == node), node)
        with trio.CancelScope(shield=True):
            await self._view.force_leave(name, _is_pruned(query))
        return empty_answer()

    async def leave(self) -> Response:
        """Say goodbye; the process ends once this is answered. As our own route, it always takes an admin's token."""
        self._access.require(Scope.ADMIN)
        await complete(self._view.leave(False))
        return empty_answer()

    async def metrics(self) -> Response:
        """Give every measurement, as JSON or in Prometheus' text format."""
        self._access.require(Scope.AGENT_READ)
        view = self._view
        if current_query().first("format") == "prometheus":
            return exposition_answer(view, self._counter).as_quart()
        now = time.time()
        metrics = (*view.counters(), http_metric(self._counter), *runtime_metrics())
        return _json(metrics_answer(metrics, now, now - view.started_at))

    async def reload(self) -> Response:
        """Read the configuration again."""
        self._access.require(Scope.AGENT_WRITE)
        if self._reload is None:
            raise failed("this node was started without a configuration that it could read again")
        with trio.CancelScope(shield=True):
            await self._reload()
        return empty_answer()

    async def set_token(self, kind: str) -> Response:
        """Refuse: an agent here needs no token of its own, as it asks nobody."""
        if not self._access.enforces:
            raise Problem(401, "UNAUTHORIZED", "ACL support disabled")
        self._access.require(Scope.AGENT_WRITE)
        raise Problem(404, "NOT_FOUND", f"Token {quote(check_readable(kind))} is unknown{NO_OWN_TOKEN}")


def _is_pruned(query: Query) -> bool:
    """Read `prune`: given without a value, or with any but one that says no. Written as `prune=` it is none.

    A Consul prunes then too, and with `prune=false`: what a script left empty should cost no member its place.
    """
    text = query.first("prune")
    if not text:
        return text is not None and b"prune" in current_request().raw_query.split(b"&")
    try:
        return parse_bool(text)
    except ValueError:
        return True


def _own_address(asked: RawRequest) -> Address | None:
    """Tell where a request came in."""
    server = asked.scope.get("server")
    return Address(server[0], server[1] or 0) if server else None


def _json(value: Any) -> Response:
    return json_answer(encode_json(value, is_pretty()))
