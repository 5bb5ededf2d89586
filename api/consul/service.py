"""The services that this node owns: listed, shown, registered, deregistered."""

import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import ECHO_LENGTH_MAX, Problem, empty_answer, encode_json, json_answer
from api.catalog_view import Watch
from api.consul.block import index_of, wait_for_news
from api.consul.body import read_fields
from api.consul.definition import read_service, reserved_id
from api.consul.directory import OWN_SERVICE
from api.consul.filter_schema import NODE_SERVICE
from api.consul.option import current_filter, is_pretty, read_wait_s
from api.consul.route import GET, GET_PUT, PUT, add_routes, check_readable
from api.consul.shape import hashed_service_shape, service_shape
from api.consul.wording import failed, one_line
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
            ("/v1/agent/service/<rest_of_service:service_id>", GET, services.show),
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
        keep = current_filter(NODE_SERVICE)
        is_shown = self._access.shows(Scope.SERVICE_READ)
        services = self._view.services.services() if is_shown else {}
        shapes = {id: service_shape(service) for id, service in services.items()}
        return json_answer(encode_json({id: shape for id, shape in shapes.items() if keep(shape)}, is_pretty()))

    async def show(self, service_id: str) -> Response:
        """Show one service; with the `hash` of an earlier answer only once it is another, or the wait is over."""
        check_readable(service_id)
        query = current_query()
        known = query.first("hash") or ""
        deadline = trio.current_time() + read_wait_s(query)
        catalog = self._view.catalog
        while True:
            self._access.require(Scope.SERVICE_READ)  # again after each wait: a token may have been revoked meanwhile
            service = self._view.services.service(service_id)
            if service is None:
                raise self._unknown(service_id)
            shape = hashed_service_shape(service, catalog.datacenter)
            watches = (Watch("service", service.name),)  # news of its checks too, which leave the hash as it is
            index = index_of(catalog, watches)
            if shape["ContentHash"] != known or trio.current_time() >= deadline:
                break
            await wait_for_news(catalog, watches, index, deadline - trio.current_time())
            if index_of(catalog, watches) == index:  # the time is up, or the server is about to end
                break
        answer = json_answer(encode_json(shape, is_pretty()))
        answer.headers["X-Consul-ContentHash"] = shape["ContentHash"]
        return answer

    def _unknown(self, service_id: str) -> Problem:
        index = str(index_of(self._view.catalog, (Watch("services"),)))
        sentence = f"unknown service ID: {one_line(service_id[:ECHO_LENGTH_MAX])}"
        return Problem(404, "NOT_FOUND", sentence, {"X-Consul-Index": index})

    async def register(self) -> Response:
        """Register a service with its checks, or replace it."""
        token_id = self._access.require(Scope.SERVICE_WRITE)
        service = read_service(await read_fields())
        if (service.id or service.name) == OWN_SERVICE:
            raise InvalidRequest(reserved_id(OWN_SERVICE))
        replaces = current_query().first("replace-existing-checks")
        try:
            replace_checks = replaces is not None and (not replaces or parse_bool(replaces))
        except ValueError as wrong:
            raise InvalidRequest(f"replace-existing-checks: {wrong}") from None
        with trio.CancelScope(shield=True):
            await self._view.services.register_service(service, replace_checks=replace_checks, token_id=token_id)
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
