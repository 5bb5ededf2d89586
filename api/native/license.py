"""The cluster's license over HTTP: who may read members reads it, an admin puts a renewal in force."""

from base64 import b64encode
from typing import Any, cast

import trio
from quart import Response, request
from quart_trio import QuartTrio

from api.access import Access
from api.answer import encode_json, json_answer
from api.license_view import LicenseView, LicensingView
from api.moment import format_moment
from api.query import current_query
from api.token_view import Scope
from api.view import NodeView
from protocol.error import InvalidRequest

LICENSE_PATH = "/v1/cluster/license"


def add_license_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add the route of the license."""
    license = LicenseRoute(view.licensing, access)
    for method, handler in (("GET", license.show), ("PUT", license.apply)):
        app.add_url_rule(LICENSE_PATH, f"license {handler.__name__}", handler, methods=(method,))


class LicenseRoute:
    """Handlers over one node."""

    def __init__(self, licensing: LicensingView, access: Access) -> None:
        self._licensing = licensing
        self._access = access

    async def show(self) -> Response:
        """Show the license in force; null is the open license."""
        self._access.require(Scope.NODE_READ)
        license = self._licensing.current()
        return self._answer(license)

    async def apply(self) -> Response:
        """Put a renewal in force: the body is the license file as it is. Once begun, it is finished."""
        self._access.require(Scope.ADMIN)
        body = cast(bytes, await request.get_data(as_text=False))
        if not body.strip():
            raise InvalidRequest("the body is empty, and this route takes a license file as it is")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise InvalidRequest("the body is not UTF-8") from None
        with trio.CancelScope(shield=True):
            license = await self._licensing.apply(text)
        return self._answer(license)

    def _answer(self, license: LicenseView | None) -> Response:
        shown = None if license is None else license_answer(license, list(self._licensing.warnings()))
        return json_answer(encode_json({"license": shown}, current_query().is_pretty))


def license_answer(license: LicenseView, warnings: list[str]) -> dict[str, Any]:
    """Shape a license with what is to be said of it."""
    return {
        "license_id": license.license_id,
        "identity": license.identity,
        "issuer": b64encode(license.issuer).decode(),
        "max_nodes": license.max_nodes,
        "issued_at": format_moment(license.issued_at),
        "expires_at": None if license.expires_at is None else format_moment(license.expires_at),
        "seats_taken": license.seats_taken,
        "warnings": warnings,
    }
