"""Where the nodes are, by their coordinates: what `consul rtt` estimates round trips from.

There is one space for all data centres, so each lists its nodes by the places that they have in that one.
"""

from typing import Any, Final

from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import encode_json, json_answer
from api.catalog_view import Watch
from api.consul.directory import Directory, node_watches
from api.consul.listing import Absent, Lister, Listing
from api.consul.option import is_pretty, read_block_options
from api.consul.route import GET, add_routes, check_readable
from api.consul.shape import place_shape
from api.token_view import Scope
from api.view import NodeView

AREA: Final = "wan"
"""What a Consul calls the pool in which data centres know each other."""
PLACES: Final = Watch("coordinates")


def add_coordinate_routes(app: QuartTrio, view: NodeView, access: Access, lister: Lister) -> None:
    """Add what is read under /v1/coordinate."""
    coordinates = CoordinateRoutes(view, access, lister)
    add_routes(
        app,
        (
            ("/v1/coordinate/datacenters", GET, coordinates.datacenters),
            ("/v1/coordinate/nodes", GET, coordinates.nodes),
            ("/v1/coordinate/node/<rest:name>", GET, coordinates.node),
        ),
    )


class CoordinateRoutes:
    """Handlers over one node. Bytes are not kept: this node's own place moves with each probe, without a new index."""

    def __init__(self, view: NodeView, access: Access, lister: Lister) -> None:
        self._view = view
        self._access = access
        self._lister = lister

    async def datacenters(self) -> Response:
        """List the data centres, this node's own first, each with the places of its nodes."""
        is_shown = self._access.shows(Scope.NODE_READ)
        catalog = self._view.catalog
        places: dict[str, list[dict[str, Any]]] = {name: [] for name in catalog.datacenters()} if is_shown else {}
        for node in catalog.nodes() if is_shown else ():
            if node.coordinate is not None:
                places[node.datacenter].append(place_shape(node, node.coordinate))
        shapes = [{"Datacenter": name, "AreaID": AREA, "Coordinates": held} for name, held in places.items()]
        return json_answer(encode_json(shapes, is_pretty()))

    async def nodes(self) -> Response:
        """List the nodes' places by name."""
        options = read_block_options(self._view.catalog)
        is_elsewhere = bool(options.query.first("segment"))

        def build(directory: Directory) -> list[dict[str, Any]]:
            return [] if is_elsewhere else [place_shape(*place) for place in directory.places()]

        listing = Listing(Scope.NODE_READ, (PLACES, Watch("nodes")), (), build, [])
        return await self._lister.answer(listing, options)

    async def node(self, name: str) -> Response:
        """List one node's place, in each segment: there is one."""
        options = read_block_options(self._view.catalog)
        check_readable(name)
        is_elsewhere = bool(options.query.first("segment"))

        def build(directory: Directory) -> list[dict[str, Any]] | Absent:
            node = None if is_elsewhere else directory.node(name)
            return Absent() if node is None or node.coordinate is None else [place_shape(node, node.coordinate)]

        listing = Listing(Scope.NODE_READ, (PLACES, *node_watches(self._view.catalog, name)), (), build, Absent())
        return await self._lister.answer(listing, options)
