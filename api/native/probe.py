"""What supervisors ask: does it live, is it ready, what does it measure."""

from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import encode_json
from api.exposition import exposition_answer
from api.guard import RequestCounter
from api.hot import Asked, HotAnswer, HotTable
from api.token_view import Scope
from api.view import Health, NodeView


def add_probe_routes(app: QuartTrio, view: NodeView, access: Access, counter: RequestCounter, hot: HotTable) -> None:
    """Add /livez, /readyz and /metrics."""

    def livez(asked: Asked) -> HotAnswer:
        """Answer 200 while the engine's timers run."""
        return _health_answer(view.live(), "NOT_LIVE", asked)

    def readyz(asked: Asked) -> HotAnswer:
        """Answer 200 while the node is where its seeds say it belongs, and not leaving."""
        return _health_answer(view.health(), "NOT_READY", asked)

    async def metrics() -> Response:
        """Give every measurement in Prometheus' text format."""
        access.require(Scope.NODE_READ)
        return exposition_answer(view, counter)

    for handler in (hot.route("/livez", livez), hot.route("/readyz", readyz), metrics):
        app.add_url_rule(f"/{handler.__name__}", handler.__name__, handler, methods=("GET",))


def _health_answer(health: Health, code: str, asked: Asked) -> HotAnswer:
    answer: dict[str, object] = {"ok": health.ok}
    if not health.ok:
        answer |= {"error": health.reason, "code": code}
    if health.warnings:
        answer["warnings"] = list(health.warnings)
    return HotAnswer(encode_json(answer, asked.query().is_pretty), 200 if health.ok else 503)
