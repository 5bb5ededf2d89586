"""What clients ask of a service mesh: there is none here, so nothing takes part in it."""

from typing import Any, Final

from quart import Response
from quart_trio import QuartTrio

from api.consul.directory import Directory, service_watches
from api.consul.filter_schema import ENTRY, INSTANCE, Schema
from api.consul.listing import Lister, Listing
from api.consul.option import read_options
from api.consul.route import GET, GET_PUT, add_routes, check_readable
from api.consul.wording import SERVICE_NAME_MISSING, failed
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

CONNECT_OFF: Final = "Connect must be enabled in order to use this endpoint"
OFF: Final = (
    ("/v1/agent/connect/ca/roots", GET),
    ("/v1/agent/connect/ca/leaf/<rest:name>", GET),
    ("/v1/agent/connect/authorize", ("POST",)),
    ("/v1/connect/ca/roots", GET),
    ("/v1/connect/ca/configuration", GET_PUT),
    ("/v1/discovery-chain/<rest:name>", ("GET", "POST")),
)
"""What a Consul refuses whose mesh is turned off; its intentions can be read all the same."""


def add_mesh_routes(app: QuartTrio, view: NodeView, lister: Lister) -> None:
    """Add the lists of what takes part in a mesh, and of the ways into it: they are empty, with all that a list has.

    What would run the mesh is refused, as by a Consul that has it turned off.
    """
    mesh = MeshRoutes(view, lister)
    add_routes(app, [(rule, methods, refuse_mesh) for rule, methods in OFF])
    add_routes(
        app,
        (
            ("/v1/health/connect/<rest:name>", GET, mesh.list_no_entry),
            ("/v1/health/ingress/<rest:name>", GET, mesh.list_no_entry),
            ("/v1/catalog/connect/<rest:name>", GET, mesh.list_no_instance),
            ("/v1/catalog/gateway-services/<rest:name>", GET, mesh.list_no_gateway),
        ),
    )


async def refuse_mesh(**_parts: str) -> Response:
    """Refuse what needs the mesh.

    Raises:
        Problem: 500, always.
    """
    raise failed(CONNECT_OFF)


class MeshRoutes:
    """Handlers over one node."""

    def __init__(self, view: NodeView, lister: Lister) -> None:
        self._view = view
        self._lister = lister

    async def list_no_entry(self, name: str) -> Response:
        """List nothing, now or after a wait, as of a service that nobody offers."""
        return await self._list_nothing(name, ENTRY)

    async def list_no_instance(self, name: str) -> Response:
        """List nothing, as `list_no_entry`."""
        return await self._list_nothing(name, INSTANCE)

    async def list_no_gateway(self, name: str) -> Response:
        """List nothing, as `list_no_entry`; this list takes no filter."""
        return await self._list_nothing(name, None)

    async def _list_nothing(self, name: str, schema: Schema | None) -> Response:
        options = read_options(self._view.catalog, schema)
        if not check_readable(name):
            raise InvalidRequest(SERVICE_NAME_MISSING)
        may_be_cached = schema is not None
        listing = Listing(Scope.SERVICE_READ, service_watches(name), ("mesh",), _nothing, [], may_be_cached)
        return await self._lister.answer(listing, options)


def _nothing(directory: Directory) -> list[dict[str, Any]]:
    del directory
    return []
