"""The services that this node owns: listed, registered, deregistered."""

import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import empty_answer, encode_json, json_answer
from api.consul.body import read_fields
from api.consul.definition import read_service, reserved_id
from api.consul.directory import OWN_SERVICE
from api.consul.option import current_filter, is_pretty
from api.consul.route import GET, GET_PUT, PUT, add_routes, check_readable
from api.consul.shape import service_shape
from api.consul.wording import failed
from api.query import current_query, parse_bool
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest


def add_service_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add /v1/agent/services and what changes them, but for maintenance."""
    services = ServiceRoutes(view, access)
    add_routes(
        app,
        (
            ("/v1/agent/services", GET, services.list),
            ("/v1/agent/service/register", PUT, services.register),
            ("/v1/agent/service/deregister/<rest:service_id>", GET_PUT, services.deregister),
        ),
    )


class ServiceRoutes:
    """Handlers over one node; each change, once begun, is finished though the client hangs up."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def list(self) -> Response:
        """List the services by id; without the right, none."""
        keep = current_filter()
        is_shown = self._access.shows(Scope.SERVICE_READ)
        services = self._view.services.services() if is_shown else {}
        shapes = {id: service_shape(service) for id, service in services.items()}
        return json_answer(encode_json({id: shape for id, shape in shapes.items() if keep(shape)}, is_pretty()))

    async def register(self) -> Response:
        """Register a service with its checks, or replace it."""
        self._access.require(Scope.SERVICE_WRITE)
        service = read_service(await read_fields())
        if (service.id or service.name) == OWN_SERVICE:
            raise InvalidRequest(reserved_id(OWN_SERVICE))
        replaces = current_query().first("replace-existing-checks")
        try:
            replace_checks = replaces is not None and (not replaces or parse_bool(replaces))
        except ValueError as wrong:
            raise InvalidRequest(f"replace-existing-checks: {wrong}") from None
        with trio.CancelScope(shield=True):
            await self._view.services.register_service(service, replace_checks=replace_checks)
        return empty_answer()

    async def deregister(self, service_id: str) -> Response:
        """Remove a service with its checks; 200 also if there is none."""
        self._access.require(Scope.SERVICE_WRITE)
        if not check_readable(service_id):
            raise failed("ServiceID missing")
        if service_id == OWN_SERVICE:
            raise failed("Deregistering the consul service is not allowed")
        with trio.CancelScope(shield=True):
            await self._view.services.deregister_service(service_id)
        return empty_answer()
