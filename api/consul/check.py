"""The checks that this node owns: listed, registered, deregistered, and told their state by whoever has a TTL check."""

import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import empty_answer, encode_json, json_answer
from api.consul.body import read_fields
from api.consul.definition import read_check, read_status
from api.consul.filter import read_late_filter
from api.consul.filter_schema import CHECK
from api.consul.option import is_pretty
from api.consul.route import GET, GET_PUT, PUT, add_routes, check_readable
from api.consul.shape import agent_check_shape
from api.consul.wording import failed, one_line, quote
from api.query import current_query
from api.service_view import CheckStatus, NoSuchService, NotTtl
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest


def add_check_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add /v1/agent/checks and what changes them."""
    checks = CheckRoutes(view, access)
    add_routes(
        app,
        (
            ("/v1/agent/checks", GET, checks.list),
            ("/v1/agent/check/register", PUT, checks.register),
            ("/v1/agent/check/deregister/<rest:check_id>", GET_PUT, checks.deregister),
            ("/v1/agent/check/pass/<rest:check_id>", GET_PUT, checks.set_passing),
            ("/v1/agent/check/warn/<rest:check_id>", GET_PUT, checks.set_warning),
            ("/v1/agent/check/fail/<rest:check_id>", GET_PUT, checks.set_critical),
            ("/v1/agent/check/update/<rest:check_id>", PUT, checks.update),
        ),
    )


class CheckRoutes:
    """Handlers over one node; each change, once begun, is finished though the client hangs up."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def list(self) -> Response:
        """List the checks by id; without the right, none."""
        keep = read_late_filter(current_query().first("filter") or "", CHECK)
        checks = self._view.services.checks() if self._access.shows(Scope.SERVICE_READ) else {}
        shapes = {id: agent_check_shape(check) for id, check in checks.items()}
        return json_answer(encode_json({id: shape for id, shape in shapes.items() if keep(shape)}, is_pretty()))

    async def register(self) -> Response:
        """Register a check, or replace it."""
        token_id = self._access.require(Scope.SERVICE_WRITE)
        check = read_check(await read_fields())
        with trio.CancelScope(shield=True):
            try:
                await self._view.services.register_check(check, token_id=token_id)
            except NoSuchService:
                raise failed(f"ServiceID {quote(check.service_id)} does not exist") from None
        return empty_answer()

    async def deregister(self, check_id: str) -> Response:
        """Remove a check; 200 also if there is none."""
        self._access.require(Scope.SERVICE_WRITE)
        if not check_readable(check_id):
            raise failed("CheckID missing")
        with trio.CancelScope(shield=True):
            await self._view.services.deregister_check(check_id)
        return empty_answer()

    async def set_passing(self, check_id: str) -> Response:
        """Say that all is well."""
        return await self._set_by_note(check_id, CheckStatus.PASSING)

    async def set_warning(self, check_id: str) -> Response:
        """Say that something is not quite well."""
        return await self._set_by_note(check_id, CheckStatus.WARNING)

    async def set_critical(self, check_id: str) -> Response:
        """Say that it fails."""
        return await self._set_by_note(check_id, CheckStatus.CRITICAL)

    async def update(self, check_id: str) -> Response:
        """Say how it is, in a body."""
        self._access.require(Scope.SERVICE_WRITE)
        fields = await read_fields()
        wanted = fields.text("status")
        status = read_status(wanted)
        if status is None:
            raise InvalidRequest(f"Invalid check status: '{one_line(wanted[:80])}'")
        return await self._set(check_id, status, fields.text("output"))

    async def _set_by_note(self, check_id: str, status: CheckStatus) -> Response:
        self._access.require(Scope.SERVICE_WRITE)
        return await self._set(check_id, status, current_query().words("note"))

    async def _set(self, check_id: str, status: CheckStatus, output: str) -> Response:
        check_readable(check_id)
        with trio.CancelScope(shield=True):
            try:
                await self._view.services.update_ttl(check_id, status, output)
            except NotTtl:
                raise failed(f"CheckID {quote(check_id)} does not have associated TTL") from None
        return empty_answer()
