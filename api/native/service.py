"""The services of the cluster for people and scripts: each with how it fares, and each instance with what ails it.

An instance is as well as the worst of its own checks and its node's; without a check it is passing. With `?index=` an
answer waits, for `?wait=` at most, until its own `index` is above that, as in Consul's dialect.
"""

from collections.abc import Iterable
from typing import Any, Final

from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import ReadyJson, encode_json, json_answer, prettify
from api.catalog_view import CatalogNode, CatalogView, Watch
from api.consul.block import index_of, wait_for_news
from api.duration import SECOND, parse_duration
from api.query import Query, current_query, parse_index
from api.service_view import CheckStatus, CheckView, ServiceView
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

WAIT_DEFAULT_S: Final = 300.0
WAIT_MAX_S: Final = 600.0
"""Both Consul's."""

SEVERITIES: Final = (CheckStatus.PASSING, CheckStatus.WARNING, CheckStatus.CRITICAL)
"""From well to ill."""

LIST_WATCHES: Final = (Watch("services"), Watch("checks"))
"""What the list shows: which instances there are, and what all checks say."""


def add_service_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add /v1/cluster/services."""
    services = Services(view, access)
    routes: tuple[tuple[str, Any], ...] = (
        ("/v1/cluster/services", services.list),
        ("/v1/cluster/services/<path:name>", services.instances),
    )
    for path, handler in routes:
        app.add_url_rule(path, f"services {handler.__name__}", handler, methods=("GET",))


class Services:
    """Handlers over one node."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access
        self._listing = ReadyJson(
            lambda: index_of(view.catalog, LIST_WATCHES),
            lambda: list_services(view.catalog),
            lambda now, held: now == held,
        )

    async def list(self) -> Response:
        """List each service once, by name."""
        self._access.require(Scope.SERVICE_READ)
        query = current_query()
        catalog = self._view.catalog
        await wait_for_news(catalog, LIST_WATCHES, *_read_wait(query))
        body = b'{"index":%d,"services":%b}' % (index_of(catalog, LIST_WATCHES), self._listing.plain())
        return json_answer(prettify(body) if query.is_pretty else body)

    async def instances(self, name: str) -> Response:
        """List the instances of a service by node and id, none of one that is not known (yet).

        If no service has the very name, those that differ in case are listed.
        """
        self._access.require(Scope.SERVICE_READ)
        query = current_query()
        # given without a value it is meant, as in Consul's dialect
        is_passing = query.first("passing") == "" or query.flag("passing")
        wanted = frozenset(query.every("tag"))
        catalog = self._view.catalog
        watches = (Watch("service", name),)
        await wait_for_news(catalog, watches, *_read_wait(query))
        found = list_instances(catalog, name, wanted, is_passing)
        answer = {"index": index_of(catalog, watches), "service": name, "instances": found}
        return json_answer(encode_json(answer, query.is_pretty))


class NodeChecks:
    """A node's checks by what they are of: read once for all its services, of which there may be thousands."""

    def __init__(self, checks: Iterable[CheckView]) -> None:
        self._by_service: dict[str, list[CheckView]] = {}
        for check in checks:
            self._by_service.setdefault(check.service_id, []).append(check)

    def of(self, service: ServiceView) -> list[CheckView]:
        """Give those that decide about a service: the node's, then its own."""
        return self._by_service.get("", []) + self._by_service.get(service.id, [])


def worst_status(checks: Iterable[CheckView]) -> CheckStatus:
    """Give the worst of some checks; of none: passing."""
    return max((check.status for check in checks), key=SEVERITIES.index, default=CheckStatus.PASSING)


def list_services(catalog: CatalogView) -> list[dict[str, Any]]:
    """Shape all services by name; each instance is counted once, by its status."""
    tags: dict[str, set[str]] = {}
    counts: dict[str, dict[CheckStatus, int]] = {}
    for node in catalog.nodes():
        checks = NodeChecks(catalog.checks_of(node))
        for service in catalog.services_of(node):
            tags.setdefault(service.name, set()).update(service.tags)
            status = worst_status(checks.of(service))
            counts.setdefault(service.name, dict.fromkeys(SEVERITIES, 0))[status] += 1
    return [
        {"name": name, "tags": sorted(tags[name]), "instances": sum(count.values())}
        | {status.value: number for status, number in count.items()}
        for name, count in sorted(counts.items())
    ]


def list_instances(catalog: CatalogView, name: str, tags: frozenset[str], is_passing: bool) -> list[dict[str, Any]]:
    """Shape the instances of a service that carry all the tags and, if so wanted, pass."""
    by_node: dict[str, NodeChecks] = {}
    found = []
    instances = catalog.instances(name)
    is_exact = any(service.name == name for _, service in instances)
    for node, service in instances:
        if not tags.issubset(service.tags) or (is_exact and service.name != name):
            continue
        if node.member_id not in by_node:
            by_node[node.member_id] = NodeChecks(catalog.checks_of(node))
        checks = by_node[node.member_id].of(service)
        if not is_passing or worst_status(checks) is CheckStatus.PASSING:
            found.append(instance_answer(node, service, checks))
    return found


def instance_answer(node: CatalogNode, service: ServiceView, checks: list[CheckView]) -> dict[str, Any]:
    """Shape one instance with the checks that decide about it."""
    return {
        "node": node.name,
        "node_id": node.member_id,
        "address": service.address or node.address.host,
        "port": service.port,
        "id": service.id,
        "tags": service.tags,
        "meta": dict(service.meta),
        "status": worst_status(checks).value,
        "checks": [
            {
                "id": check.id,
                "name": check.name,
                "status": check.status.value,
                "notes": check.notes,
                "output": check.output,
                "service_id": check.service_id,
                "kind": check.kind,
            }
            for check in checks
        ],
    }


def _read_wait(query: Query) -> tuple[int, float]:
    """Read the index to wait for, 0 for none, and for how many seconds at most.

    Raises:
        InvalidRequest: one of them cannot be read.
    """
    try:
        index = parse_index(query.first("index") or "0")
    except ValueError as wrong:
        raise InvalidRequest(f"index: {wrong}") from None
    try:
        wait_s = parse_duration(query.first("wait") or "0") / SECOND
    except ValueError as wrong:
        raise InvalidRequest(f"wait: {wrong}") from None
    return index, min(wait_s, WAIT_MAX_S) if wait_s > 0 else WAIT_DEFAULT_S
