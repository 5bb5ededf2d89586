"""Nomad's service discovery, read side: the services of the whole cluster, in the one namespace that there is.

What Prometheus reads with nomad_sd. There are no jobs and no allocations here, so these are empty. With `?index=` an
answer waits for news, for `?wait=` at most. Unlike in Consul's dialect a name is found by its very letters.
"""

from typing import Any, Final

from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import encode_json, json_answer
from api.catalog_view import CatalogNode, Watch
from api.consul.block import index_of, wait_for_news
from api.duration import SECOND, parse_duration
from api.nomad.region import check_region
from api.nomad.selection import Registration, Selection
from api.query import Query, current_query, parse_index
from api.service_view import ServiceView
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

NAMESPACE: Final = "default"
NAMESPACE_ANY: Final = "*"

WAIT_MAX_S: Final = 300.0
"""Nomad's, and what it waits unless it is told."""


def add_service_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add /v1/services and /v1/service/<name>."""
    services = NomadServices(view, access)
    app.add_url_rule("/v1/services", "nomad services", services.list, methods=("GET",))
    app.add_url_rule("/v1/service/<path:name>", "nomad service", services.show, methods=("GET",))
    app.add_url_rule("/v1/service/", "nomad service without name", services.refuse_unnamed, methods=("GET",))


class NomadServices:
    """Handlers over one node."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def list(self) -> Response:
        """List the names of the services, each with the tags of all its instances."""
        query = self._begin()
        watch = Watch("services")
        await self._wait(watch, query)
        services = self._view.catalog.services()
        shapes = [{"ServiceName": name, "Tags": sorted(tags)} for name, tags in sorted(services.items())]
        groups = [{"Namespace": NAMESPACE, "Services": shapes}] if shapes and _is_here(query) else []
        return self._answer(groups, watch, query)

    async def show(self, name: str) -> Response:
        """List a service's instances by id, those that are selected; none if it is unknown."""
        query = self._begin()
        selection = Selection.read(query)
        watch = Watch("service", name)
        await self._wait(watch, query)
        instances = self._view.catalog.instances(name) if _is_here(query) else ()
        found = [registration(node, service) for node, service in instances if service.name == name]
        selected, next_token = selection.of(found)
        answer = self._answer(selected, watch, query)
        if next_token:
            answer.headers["X-Nomad-NextToken"] = next_token
        return answer

    async def refuse_unnamed(self) -> Response:
        """Refuse a service without a name."""
        self._begin()
        raise InvalidRequest("missing service name")

    def _begin(self) -> Query:
        self._access.require(Scope.SERVICE_READ)
        query = current_query()
        query.check_options()
        check_region(self._view, query)
        return query

    async def _wait(self, watch: Watch, query: Query) -> None:
        """Wait for news if that is asked for; the right is asked for again, for its token may have been revoked."""
        index = parse_index(query.first("index") or "0")
        if not index:
            return
        wait_s = parse_duration(query.first("wait") or "0") / SECOND
        wait_s = min(wait_s, WAIT_MAX_S) if wait_s > 0 else WAIT_MAX_S
        await wait_for_news(self._view.catalog, (watch,), index, wait_s)
        self._access.require(Scope.SERVICE_READ)

    def _answer(self, value: Any, watch: Watch, query: Query) -> Response:
        answer = json_answer(encode_json(value, query.is_pretty))
        catalog = self._view.catalog
        answer.headers["X-Nomad-Index"] = str(index_of(catalog, (watch,)))
        answer.headers["X-Nomad-LastContact"] = "0"
        answer.headers["X-Nomad-KnownLeader"] = "true" if catalog.leader() else "false"
        return answer


def registration(node: CatalogNode, service: ServiceView) -> Registration:
    """Shape an instance; its id is unique in the cluster, as the service's own need not be."""
    return {
        "ID": f"_shoal-{node.member_id}-{service.id}",
        "ServiceName": service.name,
        "Namespace": NAMESPACE,
        "NodeID": node.id,
        "Datacenter": node.datacenter,
        "JobID": "",
        "AllocID": "",
        "Tags": service.tags,
        "Address": service.address or node.address.host,
        "Port": service.port,
        "CreateIndex": service.create_index,
        "ModifyIndex": service.modify_index,
    }


def _is_here(query: Query) -> bool:
    return (query.first("namespace") or NAMESPACE) in (NAMESPACE, NAMESPACE_ANY)
