"""What supervisors ask: does it live, is it ready, what does it measure."""

from quart_trio import QuartTrio

from api.access import Access
from api.answer import RawResponse, RecentAnswer, encode_json
from api.exposition import exposition_answer
from api.fast_path import FastPath, RawRequest
from api.middleware import RequestCounter
from api.token_view import Scope
from api.view import Health, NodeView


def add_probe_routes(
    app: QuartTrio, view: NodeView, access: Access, counter: RequestCounter, fast_path: FastPath
) -> None:
    """Add /livez, /readyz and /metrics."""

    def livez(request: RawRequest) -> RawResponse:
        """Answer 200 while the engine's timers run."""
        return _health_answer(view.live(), "NOT_LIVE", request)

    def readyz(request: RawRequest) -> RawResponse:
        """Answer 200 while the node is where its seeds say it belongs, and not leaving."""
        return _health_answer(view.health(), "NOT_READY", request)

    measured = RecentAnswer(lambda: view.generation, lambda: exposition_answer(view, counter))

    def metrics(request: RawRequest) -> RawResponse:
        """Return every measurement in Prometheus' text format."""
        access.require(Scope.NODE_READ, request)
        return measured.response()

    for answer in (livez, readyz, metrics):
        path = f"/{answer.__name__}"
        app.add_url_rule(path, answer.__name__, fast_path.route(path, answer), methods=("GET",))


def _health_answer(health: Health, code: str, request: RawRequest) -> RawResponse:
    answer: dict[str, object] = {"ok": health.ok}
    if not health.ok:
        answer |= {"error": health.reason, "code": code}
    if health.warnings:
        answer["warnings"] = list(health.warnings)
    return RawResponse(encode_json(answer, request.query().is_pretty), 200 if health.ok else 503)
