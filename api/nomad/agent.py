"""The routes of Nomad's agent API.

Order of checks, as in Nomad: method, right, arguments; only the replacement of the servers looks at its
arguments first. Errors are plain text.
"""

import operator
import time
from collections.abc import Sequence
from typing import Any, Final

import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access, require_join
from api.answer import RawResponse, ReadyJson, RecentAnswer, empty_answer, encode_json, json_answer
from api.completion import complete, released_while_waiting
from api.exposition import exposition_answer, http_metric
from api.fast_path import GET, FastPath, RawRequest
from api.middleware import RequestCounter
from api.nomad.config import config_answer
from api.nomad.member import alive_addresses, leader_address, local_answer, members_answer
from api.nomad.metric import metrics_answer
from api.nomad.region import check_region
from api.nomad.service import add_service_routes
from api.nomad.stats import stats_answer
from api.query import current_query, parse_bool
from api.token_view import Scope
from api.view import Health, JoinReport, NodeView
from protocol.error import InvalidRequest

JOIN_S: Final = 4.5
"""Python-nomad hangs up after 5 s."""
REPLACE_S: Final = 4.5
"""For the same client."""
ADDRESS_COUNT_MAX: Final = 64
"""A cluster is joined through a few; each costs a connection at once."""

ENDPOINT_PREFIX: Final = "nomad "
"""Of the names that Quart knows the dialect's handlers by."""

_HALVES: Final = ("client", "server")


def add_nomad_routes(
    app: QuartTrio, view: NodeView, access: Access, counter: RequestCounter, fast_path: FastPath
) -> None:
    """Add the dialect to an app."""
    nomad = NomadAgent(view, access, counter)
    routes: tuple[tuple[str, tuple[str, ...], Any], ...] = (
        ("/v1/agent/self", ("GET",), fast_path.route("/v1/agent/self", nomad.self, GET)),
        ("/v1/agent/members", ("GET",), fast_path.route("/v1/agent/members", nomad.members, GET)),
        ("/v1/agent/servers", ("GET",), nomad.servers),
        ("/v1/agent/servers", ("PUT", "POST"), nomad.replace_servers),
        ("/v1/agent/join", ("PUT", "POST"), nomad.join),
        ("/v1/agent/force-leave", ("PUT", "POST"), nomad.force_leave),
        ("/v1/agent/health", ("GET",), fast_path.route("/v1/agent/health", nomad.health, GET)),
        ("/v1/status/leader", ("GET",), nomad.leader),
        ("/v1/status/peers", ("GET",), nomad.peers),
        ("/v1/regions", ("GET",), nomad.regions),
        ("/v1/metrics", ("GET",), nomad.metrics),
    )
    for path, methods, handler in routes:
        app.add_url_rule(path, f"{ENDPOINT_PREFIX}{handler.__name__}", handler, methods=methods)
    add_service_routes(app, view, access)
    _refuse_head(app)


def _refuse_head(app: QuartTrio) -> None:
    """Take HEAD, which werkzeug adds to GET, from the dialect's routes: there it is a wrong method as any other."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(ENDPOINT_PREFIX) and rule.methods is not None:
            rule.methods.discard("HEAD")


class NomadAgent:
    """Handlers over one node."""

    def __init__(self, view: NodeView, access: Access, counter: RequestCounter) -> None:
        self._view = view
        self._access = access
        self._counter = counter
        self._self = {is_pretty: self._recent_self(is_pretty) for is_pretty in (False, True)}
        self._members = ReadyJson(lambda: view.generation, lambda: members_answer(view), operator.eq)

    def self(self, request: RawRequest) -> RawResponse:
        """Show configuration, member and statistics of the node."""
        self._access.require(Scope.AGENT_READ, request)
        query = request.query()
        check_region(self._view, query)
        return self._self[query.is_pretty].response()

    def _recent_self(self, is_pretty: bool) -> RecentAnswer:
        view = self._view

        def build() -> RawResponse:
            answer = {
                "config": config_answer(view.config_view(), view.version, view.servers()),
                "member": local_answer(view),
                "stats": stats_answer(view),
            }
            return RawResponse(encode_json(answer, is_pretty))

        return RecentAnswer(lambda: (view.generation, view.servers(), view.config_view()), build)

    def members(self, request: RawRequest) -> RawResponse:
        """List the members; the hottest of all, so its bytes are ready."""
        self._access.require(Scope.NODE_READ, request)
        query = request.query()
        query.check_options()
        check_region(self._view, query)
        return self._members.response(query.is_pretty)

    async def servers(self) -> Response:
        """List the addresses this node joins through and heals by."""
        self._access.require(Scope.AGENT_READ)
        self._check_region()
        return _json(sorted(self._view.servers()))

    async def replace_servers(self) -> Response:
        """Replace that list as a whole."""
        addresses = _addresses("missing server address")
        self._access.require(Scope.AGENT_WRITE)
        self._check_region()
        await complete(self._view.replace_servers(addresses, REPLACE_S))
        return empty_answer()

    async def join(self) -> Response:
        """Join through the addresses; always 200, for the count and the error are the answer."""
        require_join(self._access, self._view)
        addresses = _addresses("missing address to join")
        self._check_region()
        report = JoinReport(0, (f"no answer within {JOIN_S} s",))
        async with released_while_waiting():
            with trio.move_on_after(JOIN_S):
                report = await self._view.join(addresses, JOIN_S)
        error = "" if report.joined else _joined_errors(report.errors)
        return _json({"num_joined": report.joined, "error": error})

    async def force_leave(self) -> Response:
        """Evict a member; 200 also for one unknown, or alive (which refutes and stays)."""
        self._access.require(Scope.AGENT_WRITE)
        query = current_query()
        node = query.first("node")
        if not node:
            raise InvalidRequest("missing node to force leave")
        prune = query.first("prune")
        try:
            is_prune = bool(prune) and parse_bool(prune or "")
        except ValueError:
            raise InvalidRequest("invalid prune value") from None
        check_region(self._view, query)
        with trio.CancelScope(shield=True):
            await self._view.force_leave(node, is_prune)
        return empty_answer()

    def health(self, request: RawRequest) -> RawResponse:
        """Tell of both halves: the client lives while the engine's timers run, the server is ready."""
        query = request.query()
        query.check_options()
        check_region(self._view, query)
        wanted = query.every("type") or _HALVES
        found = {"client": self._view.live, "server": self._view.health}
        halves = {}
        for half in _HALVES:
            if half in wanted:
                health = found[half]()
                halves[half] = {"ok": health.ok, "message": _health_message(health)}
        is_well = all(half["ok"] for half in halves.values())
        return RawResponse(encode_json(halves, query.is_pretty), 200 if is_well else 500)

    async def leader(self) -> Response:
        """Name the alive member with the smallest id."""
        self._check_region()
        return _json(leader_address(self._view))

    async def peers(self) -> Response:
        """List the gossip addresses of the alive members."""
        self._check_region()
        return _json(alive_addresses(self._view))

    async def regions(self) -> Response:
        """List the regions of the members."""
        self._check_region()
        return _json(sorted({member.region for member in self._view.members()}))

    async def metrics(self) -> Response:
        """Give every measurement, as JSON or in Prometheus' text format."""
        self._access.require(Scope.AGENT_READ)
        self._check_region()
        view = self._view
        if current_query().first("format") == "prometheus":
            return exposition_answer(view, self._counter).as_quart()
        now = time.time()
        metrics = (*view.counters(), http_metric(self._counter))
        return _json(metrics_answer(metrics, now, now - view.started_at))

    def _check_region(self) -> None:
        """Refuse the request in hand if it is for a region that nobody is in."""
        check_region(self._view, current_query())


def _json(value: object) -> Response:
    return json_answer(encode_json(value, current_query().is_pretty))


def _health_message(health: Health) -> str:
    if not health.ok:
        return health.reason
    return "; ".join(health.warnings) or "ok"


def _addresses(missing: str) -> Sequence[str]:
    addresses = current_query().every("address")
    if not addresses:
        raise InvalidRequest(missing)
    if len(addresses) > ADDRESS_COUNT_MAX:
        raise InvalidRequest(f"{len(addresses)} addresses, at most {ADDRESS_COUNT_MAX}")
    return addresses


def _joined_errors(errors: tuple[str, ...]) -> str:
    if len(errors) <= 1:
        return errors[0] if errors else "no address answered"
    return f"{len(errors)} errors occurred: " + "; ".join(f"* {error}" for error in errors)
