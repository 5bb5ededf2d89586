"""How well the services of this agent are, as one word and one status code for load balancers and scripts.

A service is as well as the worst of its own checks and the node's: `maintenance` above all, then critical, warning,
passing. Without a check it is passing. Of the services with one name the worst decides.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from http import HTTPStatus
from typing import Any, Final

from quart import Response, request
from quart_trio import QuartTrio

from api.access import Access
from api.answer import JSON_TYPE, encode_json
from api.consul.maintenance import is_maintenance
from api.consul.option import is_pretty
from api.consul.route import GET, add_routes, check_readable
from api.consul.shape import local_check_shape, service_shape
from api.consul.wording import failed, one_line
from api.query import current_query
from api.service_view import CheckStatus, CheckView, ServiceView
from api.token_view import Scope
from api.view import NodeView

REASON_HEADER: Final = "X-Consul-Reason"
PLAIN_TYPE: Final = "text/plain"
"""Without a charset, as a Consul has it here."""
SERVICE_ID_ABSENT: Final = "Bad request: Missing serviceID"
SERVICE_NAME_ABSENT: Final = "Bad request: Missing service Name"
REASON_LENGTH_MAX: Final = 256
"""Of the id or name that a header repeats."""


class Verdict(IntEnum):
    """How well a service is; the worse, the larger."""

    PASSING = 0
    WARNING = 1
    CRITICAL = 2
    MAINTENANCE = 3

    @property
    def word(self) -> str:
        """As Consul writes it."""
        return self.name.lower()


STATUSES: Final = {
    Verdict.PASSING: HTTPStatus.OK,
    Verdict.WARNING: HTTPStatus.TOO_MANY_REQUESTS,
    Verdict.CRITICAL: HTTPStatus.SERVICE_UNAVAILABLE,
    Verdict.MAINTENANCE: HTTPStatus.SERVICE_UNAVAILABLE,
}

_VERDICTS: Final = {
    CheckStatus.PASSING: Verdict.PASSING,
    CheckStatus.WARNING: Verdict.WARNING,
    CheckStatus.CRITICAL: Verdict.CRITICAL,
}


def add_local_health_routes(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add what is under /v1/agent/health."""
    health = LocalHealthRoutes(view, access)
    add_routes(
        app,
        (
            ("/v1/agent/health/service/id/<rest:service_id>", GET, health.by_id),
            ("/v1/agent/health/service/name/<rest:name>", GET, health.by_name),
        ),
    )


def aggregate(checks: Iterable[CheckView]) -> Verdict:
    """Return the worst of some checks; of none: passing."""
    return max(
        (Verdict.MAINTENANCE if is_maintenance(check.id) else _VERDICTS[check.status] for check in checks),
        default=Verdict.PASSING,
    )


class LocalHealthRoutes:
    """Handlers over one node."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access

    async def by_id(self, service_id: str) -> Response:
        """Show one service with its verdict; 404 if there is none of that id, which is exact."""
        self._access.require(Scope.SERVICE_READ)
        if not check_readable(service_id):
            raise failed(SERVICE_ID_ABSENT)
        service = self._view.services.service(service_id)
        if service is None:
            reason = f"ServiceId {_cut(service_id)} not found"
            unknown = {"AggregatedStatus": Verdict.CRITICAL.word, "Service": None, "Checks": None}
            # as text too it is JSON here, and plain below: a Consul's ways
            return _answer(HTTPStatus.NOT_FOUND, reason, reason if _wants_text() else unknown)
        verdict, shape = self._judge(service)
        return _answer(STATUSES[verdict], verdict.word, None if _wants_text() else shape)

    async def by_name(self, name: str) -> Response:
        """List the services of one name, which is exact too, with their verdicts; the worst decides."""
        self._access.require(Scope.SERVICE_READ)
        if not check_readable(name):
            raise failed(SERVICE_NAME_ABSENT)
        services = self._view.services.services()
        judged = [self._judge(services[id]) for id in sorted(services) if services[id].name == name]
        if not judged:
            reason = f"ServiceName {_cut(name)} Not Found"
            return _answer(HTTPStatus.NOT_FOUND, reason, None if _wants_text() else [])
        worst = max(verdict for verdict, _ in judged)
        return _answer(STATUSES[worst], worst.word, None if _wants_text() else [shape for _, shape in judged])

    def _judge(self, service: ServiceView) -> tuple[Verdict, dict[str, Any]]:
        checks = _checks_of(self._view.services.checks().values(), service.id)
        verdict = aggregate(checks)
        return verdict, {
            "AggregatedStatus": verdict.word,
            "Service": service_shape(service),
            "Checks": [local_check_shape(check) for check in checks],
        }


def _checks_of(checks: Iterable[CheckView], service_id: str) -> Sequence[CheckView]:
    """Return those that decide about a service: its own and the node's."""
    return [check for check in checks if check.service_id in ("", service_id)]


def _wants_text() -> bool:
    """Read whether the word alone is wanted: the Accept header decides before `format`."""
    return request.headers.get("Accept", "").startswith(PLAIN_TYPE) or current_query().first("format") == "text"


def _answer(status: HTTPStatus, reason: str, value: Any) -> Response:
    """Answer with a value as JSON, or with None the reason as text."""
    if value is None:
        body, content_type = reason.encode(), PLAIN_TYPE
    else:
        body, content_type = encode_json(value, is_pretty()), JSON_TYPE
    header = reason.encode("ascii", "replace").decode()
    return Response(body, status, {"Content-Type": content_type, REASON_HEADER: header})


def _cut(text: str) -> str:
    return one_line(text[:REASON_LENGTH_MAX])
