"""Nomad's service discovery, read side: the services of the whole cluster, in the one namespace that there is.

What Prometheus reads with nomad_sd. There are no jobs and no allocations here, so these are empty.
"""

from typing import Any, Final

from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import encode_json, json_answer
from api.catalog_view import CatalogNode, Watch
from api.query import Query, current_query
from api.service_view import ServiceView
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

NAMESPACE: Final = "default"
NAMESPACE_ANY: Final = "*"


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
        services = self._view.catalog.services()
        shapes = [{"ServiceName": name, "Tags": sorted(tags)} for name, tags in sorted(services.items())]
        groups = [{"Namespace": NAMESPACE, "Services": shapes}] if shapes and _is_here(query) else []
        return self._answer(groups, Watch("services"), query)

    async def show(self, name: str) -> Response:
        """List a service's instances; none if it is unknown."""
        query = self._begin()
        instances = self._view.catalog.instances(name) if _is_here(query) else ()
        return self._answer([registration(*instance) for instance in instances], Watch("service", name), query)

    async def refuse_unnamed(self) -> Response:
        """Refuse a service without a name."""
        self._begin()
        raise InvalidRequest("missing service name")

    def _begin(self) -> Query:
        self._access.require(Scope.SERVICE_READ)
        query = current_query()
        query.check_options()
        return query

    def _answer(self, value: Any, watch: Watch, query: Query) -> Response:
        answer = json_answer(encode_json(value, query.is_pretty))
        catalog = self._view.catalog
        answer.headers["X-Nomad-Index"] = str(max(1, catalog.index(watch)))
        answer.headers["X-Nomad-LastContact"] = "0"
        answer.headers["X-Nomad-KnownLeader"] = "true" if catalog.leader() else "false"
        return answer


def registration(node: CatalogNode, service: ServiceView) -> dict[str, Any]:
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
