"""Maintenance of the node and of its services. Order of checks: method, arguments, right, existence."""

from typing import Final

import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import Problem, empty_answer
from api.consul.route import PUT, add_routes, check_readable
from api.consul.wording import ENABLE_MISSING, SERVICE_ID_MISSING, quote
from api.query import Query, current_query, parse_bool
from api.service_view import NoSuchService
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

NODE_CHECK: Final = "_node_maintenance"
SERVICE_CHECK_PREFIX: Final = "_service_maintenance:"


def is_maintenance(check_id: str) -> bool:
    """Tell whether a check is there because of a maintenance, of the node or of a service."""
    return check_id == NODE_CHECK or check_id.startswith(SERVICE_CHECK_PREFIX)


def add_maintenance_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add both."""
    maintenance = MaintenanceRoutes(view, access)
    add_routes(
        app,
        (
            ("/v1/agent/maintenance", PUT, maintenance.set_node),
            ("/v1/agent/service/maintenance/<rest:service_id>", PUT, maintenance.set_service),
        ),
    )


class MaintenanceRoutes:
    """Handlers over one node; each change, once begun, is finished though the client hangs up."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def set_node(self) -> Response:
        """Put the node into maintenance, or out of it."""
        query = current_query()
        is_enabled = _read_enable(query)
        token_id = self._access.require(Scope.AGENT_WRITE)
        return await self._set(None, is_enabled, query, token_id)

    async def set_service(self, service_id: str) -> Response:
        """Put a service into maintenance, or out of it; 404 if there is none."""
        if not check_readable(service_id):
            raise InvalidRequest(SERVICE_ID_MISSING)
        query = current_query()
        is_enabled = _read_enable(query)
        token_id = self._access.require(Scope.SERVICE_WRITE)
        try:
            return await self._set(service_id, is_enabled, query, token_id)
        except NoSuchService:
            raise Problem(404, "NOT_FOUND", f"No service registered with ID {quote(service_id)}") from None

    async def _set(self, service_id: str | None, is_enabled: bool, query: Query, token_id: str) -> Response:
        reason = query.words("reason")
        services = self._view.services
        with trio.CancelScope(shield=True):
            await services.set_maintenance(service_id, enabled=is_enabled, reason=reason, token_id=token_id)
        return empty_answer()


def _read_enable(query: Query) -> bool:
    text = query.first("enable")
    if text is None:
        raise InvalidRequest(ENABLE_MISSING)
    try:
        return parse_bool(text)
    except ValueError:
        raise InvalidRequest(f"Invalid value for enable: {quote(text)}") from None
