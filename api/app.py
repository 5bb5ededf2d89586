"""The apps: which routes answer on which listener, and how refusals are worded there."""

from dataclasses import dataclass
from http import HTTPStatus

from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from api.absence import Absence, Listener
from api.access import (
    CONSUL_WORDING,
    NATIVE_WORDING,
    NOMAD_WORDING,
    Access,
    bearer_token,
    consul_header_token,
    consul_token,
    nomad_token,
)
from api.answer import Problem, refusal_bytes
from api.consul import add_consul_routes
from api.consul.agent import Reload
from api.consul.refusal import ConsulRefusals
from api.consul.route import GET_PUT
from api.fast_path import FastPath
from api.middleware import Changes, Middleware, RequestCounter
from api.native import add_native_routes
from api.nomad import add_nomad_routes
from api.peers import add_peer_routes
from api.target import PathCleaner
from api.view import NodeView
from protocol.error import InvalidRequest


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What an operator decides about the HTTP API."""

    allowed_hosts: frozenset[str] = frozenset()
    """Names, without port, by which the API may be called besides IP addresses and localhost."""
    acl: bool = False
    """Whether every route but the open ones asks for a token with its scope; some always do (`api.access`)."""


def build_http_app(
    view: NodeView, settings: HttpSettings | None = None, counter: RequestCounter | None = None
) -> QuartTrio:
    """Build what --http serves: the Nomad dialect, the Peers API and the native routes.

    Several listeners of one node may share a `counter`; its figures are part of `/metrics`.
    """
    counter = counter or RequestCounter()
    settings = settings or HttpSettings()
    fast_path = FastPath()
    app = _bare_app()
    add_nomad_routes(app, view, Access(view, nomad_token, settings.acl, NOMAD_WORDING), counter, fast_path)
    add_peer_routes(app, view, Access(view, bearer_token, settings.acl, NATIVE_WORDING), fast_path)
    add_native_routes(app, view, Access(view, nomad_token, settings.acl, NATIVE_WORDING), counter, fast_path)
    _word_refusals(app, _absence(app, Listener.HTTP))
    _wrap(app, settings, counter, fast_path)
    return app


def build_consul_app(
    view: NodeView,
    settings: HttpSettings | None = None,
    counter: RequestCounter | None = None,
    reload: Reload | None = None,
) -> QuartTrio:
    """Build what --consul-http serves: the Consul dialect and the native routes.

    `reload` reads the node's configuration again; without it PUT /v1/agent/reload is refused.
    """
    counter = counter or RequestCounter()
    settings = settings or HttpSettings()
    fast_path = FastPath()
    app = _bare_app()
    add_consul_routes(app, view, Access(view, consul_token, settings.acl, CONSUL_WORDING), counter, fast_path, reload)
    add_native_routes(app, view, Access(view, consul_header_token, settings.acl, NATIVE_WORDING), counter, fast_path)
    absence = _absence(app, Listener.CONSUL)
    _word_refusals(app, absence, ConsulRefusals(app, view, absence))
    _wrap(app, settings, counter, fast_path)
    return app


def _absence(app: QuartTrio, listener: Listener) -> Absence:
    return Absence((rule.rule for rule in app.url_map.iter_rules()), listener)


def _word_refusals(app: QuartTrio, absence: Absence, refusals: ConsulRefusals | None = None) -> None:
    """Word what Quart itself refuses, once all routes are there."""

    async def answer_http(error: Exception) -> Response:
        answer = refusals.answer(error) if refusals is not None and isinstance(error, HTTPException) else None
        if answer is None and isinstance(error, NotFound):
            return _refuse(HTTPStatus.NOT_FOUND, "NOT_FOUND", absence.explain(request.path), {})
        return _answer_http(error) if answer is None else answer

    app.register_error_handler(HTTPException, answer_http)


def _bare_app() -> QuartTrio:
    """Make an app without routes, whose every refusal is one sentence."""
    app = QuartTrio("shoal", static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False  # an unknown path is 404, never a redirect
    app.url_map.redirect_defaults = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # a wrong method is 405 everywhere, as Nomad has it
    app.register_error_handler(Problem, _answer_problem)
    app.register_error_handler(InvalidRequest, _answer_invalid)
    return app


def _wrap(app: QuartTrio, settings: HttpSettings, counter: RequestCounter, fast_path: FastPath) -> None:
    """Put the middleware around an app that has all its routes."""
    rules = list(app.url_map.iter_rules())
    ids = [rule.rule.partition("<")[0] for rule in rules if "/<" in rule.rule]
    # one handler for just these two methods: what changes something, for clients of a time when GET did that too
    changing = [
        rule.rule.partition("<")[0]
        for rule in rules
        if "/<" in rule.rule and set(GET_PUT) == (rule.methods or set()) - {"OPTIONS"}
    ]
    allowed_hosts = frozenset(name.lower() for name in settings.allowed_hosts)
    app.asgi_app = Middleware(  # type: ignore[assignment]
        app.asgi_app, allowed_hosts, counter, fast_path, PathCleaner(ids), Changes(changing)
    )


def _refuse(status: int, code: str, sentence: str, headers: dict[str, str]) -> Response:
    body, content_type = refusal_bytes(request.path, code, sentence)
    return Response(body, status, {**headers, "Content-Type": content_type})


async def _answer_problem(problem: Exception) -> Response:
    if not isinstance(problem, Problem):
        raise problem
    return _refuse(problem.status, problem.code, problem.sentence, problem.headers)


async def _answer_invalid(wrong: Exception) -> Response:
    return _refuse(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", str(wrong), {})


def _answer_http(error: Exception) -> Response:
    """Word what Quart itself refuses, and a failure of ours, whose cause is in the log."""
    if isinstance(error, MethodNotAllowed):
        allow = {"Allow": ", ".join(sorted(error.valid_methods or ()))}
        return _refuse(HTTPStatus.METHOD_NOT_ALLOWED, "INVALID_METHOD", "Invalid method", allow)
    status = error.code if isinstance(error, HTTPException) and error.code else HTTPStatus.INTERNAL_SERVER_ERROR
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _refuse(status, "INTERNAL", "this node failed to answer: its log has the reason", {})
    return _refuse(status, "INVALID_REQUEST", f"{HTTPStatus(status).phrase.lower()}: the request cannot be served", {})
