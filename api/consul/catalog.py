"""The catalog's routes: data centres, nodes and services. All but the first wait for news if they are asked to.

Nothing is written here: what the catalog says of a node, that node has signed.
"""

from typing import Any, Final

from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import encode_json, json_answer
from api.catalog_view import Watch
from api.consul.directory import Directory, choice_watches, node_watches, service_watches
from api.consul.filter_schema import INSTANCE, NODE, NODE_SERVICE
from api.consul.listing import Lister, Listing, Plan
from api.consul.option import is_pretty, read_options
from api.consul.route import GET, PUT, add_routes, check_readable
from api.consul.shape import indexed_service_shape, instance_shape, node_shape
from api.consul.wording import NODE_NAME_MISSING, SERVICE_NAME_MISSING
from api.fast_path import FastPath, RawRequest
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

REGISTER_ELSEWHERE: Final = (
    "each node signs what the catalog says of it, so nobody registers in its place: "
    "use PUT /v1/agent/service/register or /v1/agent/check/register at that node's own agent"
)
DEREGISTER_ELSEWHERE: Final = (
    "each node signs what the catalog says of it, so nobody deregisters in its place: use "
    "PUT /v1/agent/service/deregister/<id> at that node's own agent, or /v1/agent/force-leave/<node> if it has failed"
)
NO_NODE: Final[dict[str, Any]] = {"Node": None, "Services": None}
"""What a Consul answers of a node that it does not know, or does not show."""


def add_catalog_routes(app: QuartTrio, view: NodeView, access: Access, lister: Lister, fast_path: FastPath) -> None:
    """Add what is under /v1/catalog, but for the service mesh."""
    catalog = CatalogRoutes(view, access)
    for path, plan in (("/v1/catalog/nodes", catalog.nodes), ("/v1/catalog/services", catalog.services)):
        fast_path.add(path, lister.fast(plan), GET)
    named = (("service", catalog.service), ("node", catalog.node), ("node-services", catalog.node_services))
    for name, plan_named in named:
        fast_path.add_prefix(f"/v1/catalog/{name}/", lister.fast(plan_named))
    add_routes(
        app,
        (
            ("/v1/catalog/datacenters", GET, catalog.datacenters),
            ("/v1/catalog/nodes", GET, lister.handler(catalog.nodes)),
            ("/v1/catalog/services", GET, lister.handler(catalog.services)),
            ("/v1/catalog/service/<rest:name>", GET, lister.handler(catalog.service)),
            ("/v1/catalog/node/<rest:name>", GET, lister.handler(catalog.node)),
            ("/v1/catalog/node-services/<rest:name>", GET, lister.handler(catalog.node_services)),
            ("/v1/catalog/register", PUT, catalog.register),
            ("/v1/catalog/deregister", PUT, catalog.deregister),
        ),
    )


class CatalogRoutes:
    """Handlers over one node."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def datacenters(self) -> Response:
        """List the data centres, this node's own first."""
        return json_answer(encode_json(self._view.catalog.datacenters(), is_pretty()))

    def nodes(self, request: RawRequest) -> Plan:
        """List the members that have not left."""
        options = read_options(self._view.catalog, NODE, request.query())

        def build(directory: Directory) -> list[dict[str, Any]]:
            shapes = (node_shape(node) for node in directory.nodes())
            return [shape for shape in shapes if options.keep(shape)]

        listing = Listing(Scope.NODE_READ, (Watch("nodes"),), ("nodes",), build, [])
        return listing, options

    def services(self, request: RawRequest) -> Plan:
        """List the names of the services, each with the tags of all its instances."""
        options = read_options(self._view.catalog, INSTANCE, request.query())
        is_filtered = bool(options.filter_text)
        # of which nodes a service is decides only where nodes are chosen
        watches = (Watch("services"), *choice_watches(options))

        def build(directory: Directory) -> dict[str, list[str]]:
            if not is_filtered:
                return directory.services()
            return directory.services(lambda node, service: options.keep(instance_shape(node, service)))

        listing = Listing(Scope.SERVICE_READ, watches, ("services",), build, {}, may_be_cached=True)
        return listing, options

    def service(self, request: RawRequest, name: str) -> Plan:
        """List a service's instances."""
        options = read_options(self._view.catalog, INSTANCE, request.query())
        if not check_readable(name, request):
            raise InvalidRequest(SERVICE_NAME_MISSING)

        def build(directory: Directory) -> list[dict[str, Any]]:
            shapes = (instance_shape(node, service) for node, service in directory.instances(name))
            return [shape for shape in shapes if options.keep(shape)]

        key = ("service", name.lower(), tuple(options.query.every("tag")))
        listing = Listing(Scope.SERVICE_READ, service_watches(name), key, build, [], may_be_cached=True)
        return listing, options

    def node(self, request: RawRequest, name: str) -> Plan:
        """Show a node with its services; null if there is none."""
        options = read_options(self._view.catalog, NODE_SERVICE, request.query())
        if not check_readable(name, request):
            raise InvalidRequest(NODE_NAME_MISSING)

        def build(directory: Directory) -> dict[str, Any] | None:
            node = directory.node(name)
            if node is None:
                return None
            shapes = {service.id: indexed_service_shape(service) for service in directory.services_of(node)}
            services = {id: shape for id, shape in shapes.items() if options.keep(shape)}
            return {"Node": node_shape(node), "Services": services}

        listing = Listing(Scope.NODE_READ, node_watches(self._view.catalog, name), ("node", name), build, None)
        return listing, options

    def node_services(self, request: RawRequest, name: str) -> Plan:
        """Show a node with a list of its services; both are null if there is none."""
        options = read_options(self._view.catalog, NODE_SERVICE, request.query())
        if not check_readable(name, request):
            raise InvalidRequest(NODE_NAME_MISSING)

        def build(directory: Directory) -> dict[str, Any]:
            node = directory.node(name)
            if node is None:
                return NO_NODE
            shapes = map(indexed_service_shape, directory.services_of(node))
            return {"Node": node_shape(node), "Services": [shape for shape in shapes if options.keep(shape)]}

        watches = node_watches(self._view.catalog, name)
        listing = Listing(Scope.NODE_READ, watches, ("node services", name), build, NO_NODE)
        return listing, options

    async def register(self) -> Response:
        """Refuse to write about a node, also about this one: 400, at which every client raises with the sentence."""
        self._access.require(Scope.SERVICE_WRITE)
        raise InvalidRequest(REGISTER_ELSEWHERE)

    async def deregister(self) -> Response:
        """Refuse, as `register`."""
        self._access.require(Scope.SERVICE_WRITE)
        raise InvalidRequest(DEREGISTER_ELSEWHERE)
