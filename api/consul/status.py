"""Who leads and who takes part. Nobody leads here: it is the alive member with the smallest id, and proves nothing."""

from quart import Response
from quart_trio import QuartTrio

from api.answer import encode_json, json_answer
from api.consul.option import is_pretty, read_datacenter
from api.consul.route import GET, add_routes
from api.query import current_query
from api.view import NodeView


def add_status_routes(app: QuartTrio, view: NodeView) -> None:
    """Add /v1/status/leader and /v1/status/peers."""
    status = StatusRoutes(view)
    add_routes(
        app,
        (
            ("/v1/status/leader", GET, status.leader),
            ("/v1/status/peers", GET, status.peers),
        ),
    )


class StatusRoutes:
    """Handlers over one node."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    async def leader(self) -> Response:
        """Name the leader by its gossip address."""
        read_datacenter(self._view.catalog, current_query())
        return json_answer(encode_json(self._view.catalog.leader(), is_pretty()))

    async def peers(self) -> Response:
        """List the gossip addresses of the alive members."""
        read_datacenter(self._view.catalog, current_query())
        return json_answer(encode_json(list(self._view.catalog.alive_addresses()), is_pretty()))
