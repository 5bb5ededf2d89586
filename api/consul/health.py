"""The health routes: checks, and services with them. All wait for news if they are asked to."""

from collections.abc import Sequence
from typing import Any, Final

from quart_trio import QuartTrio

from api.catalog_view import CatalogNode, Watch
from api.consul.directory import Directory, choice_watches, node_watches, service_watches
from api.consul.filter_schema import CHECK, ENTRY
from api.consul.listing import Lister, Listing, Plan
from api.consul.option import read_options
from api.consul.route import GET, add_routes, check_readable
from api.consul.shape import check_shape, indexed_service_shape, node_shape
from api.consul.wording import NODE_NAME_MISSING, SERVICE_NAME_MISSING, STATE_MISSING
from api.fast_path import FastPath, RawRequest
from api.query import Query, parse_bool
from api.service_view import CheckStatus, CheckView, ServiceView
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

ANY_STATE: Final = "any"


def add_health_routes(app: QuartTrio, view: NodeView, lister: Lister, fast_path: FastPath) -> None:
    """Add what is under /v1/health."""
    health = HealthRoutes(view)
    plans = (("node", health.node), ("checks", health.checks), ("service", health.service), ("state", health.state))
    for name, plan in plans:
        fast_path.add_prefix(f"/v1/health/{name}/", lister.fast(plan))
    add_routes(
        app,
        (
            ("/v1/health/node/<rest:name>", GET, lister.handler(health.node)),
            ("/v1/health/checks/<rest:name>", GET, lister.handler(health.checks)),
            ("/v1/health/service/<rest:name>", GET, lister.handler(health.service)),
            ("/v1/health/state/<rest:state>", GET, lister.handler(health.state)),
        ),
    )


class HealthRoutes:
    """Handlers over one node."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    def node(self, request: RawRequest, name: str) -> Plan:
        """List a node's checks."""
        options = read_options(self._view.catalog, CHECK, request.query())
        if not check_readable(name, request):
            raise InvalidRequest(NODE_NAME_MISSING)

        def build(directory: Directory) -> list[dict[str, Any]]:
            node = directory.node(name)
            shapes = map(check_shape, () if node is None else directory.checks_of(node))
            return [shape for shape in shapes if options.keep(shape)]

        watches = node_watches(self._view.catalog, name)
        listing = Listing(Scope.SERVICE_READ, watches, ("health node", name), build, [])
        return listing, options

    def checks(self, request: RawRequest, name: str) -> Plan:
        """List a service's checks."""
        options = read_options(self._view.catalog, CHECK, request.query())
        if not check_readable(name, request):
            raise InvalidRequest(SERVICE_NAME_MISSING)

        def build(directory: Directory) -> list[dict[str, Any]]:
            shapes = map(check_shape, directory.service_checks(name))
            return [shape for shape in shapes if options.keep(shape)]

        watches = (Watch("checks", name), *choice_watches(options))
        listing = Listing(Scope.SERVICE_READ, watches, ("health checks", name.lower()), build, [])
        return listing, options

    def state(self, request: RawRequest, state: str) -> Plan:
        """List all checks of a status, or of any."""
        options = read_options(self._view.catalog, CHECK, request.query())
        if not check_readable(state, request):
            raise InvalidRequest(STATE_MISSING)

        def build(directory: Directory) -> list[dict[str, Any]]:
            found = (check for check in directory.all_checks() if state in (ANY_STATE, check.status.value))
            return [shape for shape in map(check_shape, found) if options.keep(shape)]

        watches = (Watch("checks"), *choice_watches(options))
        listing = Listing(Scope.SERVICE_READ, watches, ("health state", state), build, [])
        return listing, options

    def service(self, request: RawRequest, name: str) -> Plan:
        """List a service's instances, each with its node, and its own and its node's checks."""
        options = read_options(self._view.catalog, ENTRY, request.query())
        is_passing = _read_passing(options.query)
        if not check_readable(name, request):
            raise InvalidRequest(SERVICE_NAME_MISSING)

        is_elsewhere = bool(options.query.first("peer"))  # another cluster's services: none is peered with here

        def build(directory: Directory) -> list[dict[str, Any]]:
            if is_elsewhere:
                return []
            entries = _Entries(directory, is_passing)
            shapes = (entries.shape(node, service) for node, service in directory.instances(name))
            return [shape for shape in shapes if shape is not None and options.keep(shape)]

        key = ("health service", name.lower(), tuple(options.query.every("tag")), is_passing, is_elsewhere)
        listing = Listing(Scope.SERVICE_READ, service_watches(name), key, build, [], may_be_cached=True)
        return listing, options


class _Entries:
    """Shapes entries of health/service; a node's checks are sorted by service once, however many it offers."""

    def __init__(self, directory: Directory, is_passing: bool) -> None:
        self._directory = directory
        self._is_passing = is_passing
        self._by_node: dict[str, dict[str, list[CheckView]]] = {}

    def shape(self, node: CatalogNode, service: ServiceView) -> dict[str, Any] | None:
        """Shape one; None: not all its checks pass, and only such were asked for."""
        by_service = self._by_node.get(node.id)
        if by_service is None:
            by_service = self._by_node[node.id] = _by_service(self._directory.checks_of(node))
        checks = [*by_service.get("", ()), *by_service.get(service.id, ())]
        if self._is_passing and any(check.status is not CheckStatus.PASSING for check in checks):
            return None
        return {
            "Node": node_shape(node),
            "Service": indexed_service_shape(service),
            "Checks": [check_shape(check) for check in checks],
        }


def _by_service(checks: Sequence[CheckView]) -> dict[str, list[CheckView]]:
    """Sort checks by the id of their service; the node's own are under the empty one."""
    found: dict[str, list[CheckView]] = {}
    for check in checks:
        found.setdefault(check.service_id, []).append(check)
    return found


def _read_passing(query: Query) -> bool:
    text = query.first("passing")
    if not text:  # there without a value means yes
        return text is not None
    try:
        return parse_bool(text)
    except ValueError:
        raise InvalidRequest("Invalid value for ?passing") from None
