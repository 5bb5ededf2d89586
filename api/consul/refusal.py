"""What a Consul answers where no route takes a request: 404 with the index, 405 with the methods, 301 to a prefix.

A Consul's 404 is empty; here it says what there is instead, since the CLI shows the body in brackets.
"""

from http import HTTPStatus

from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from api.absence import Absence
from api.answer import TEXT_TYPE, is_native
from api.catalog_view import Watch
from api.middleware import METHOD
from api.view import NodeView


class ConsulRefusals:
    """Words what Quart itself refuses, in Consul's dialect; the native routes keep their own words."""

    def __init__(self, app: QuartTrio, view: NodeView, absence: Absence) -> None:
        """Keep the prefixes that have a route, as they are now."""
        self._view = view
        self._absence = absence
        self._prefixes = frozenset(
            rule.rule.partition("<")[0] for rule in app.url_map.iter_rules() if "/<rest" in rule.rule
        )

    def answer(self, error: HTTPException) -> Response | None:
        """Answer, or leave it to the words that all dialects share."""
        if is_native(request.path):
            return None
        if isinstance(error, MethodNotAllowed):
            return _answer_method(error)
        if isinstance(error, NotFound):
            return self._answer_not_found()
        return None

    def _answer_not_found(self) -> Response:
        if request.path + "/" in self._prefixes:
            query = request.scope["query_string"].decode("ascii", "replace")
            target = f"{request.path}/?{query}" if query else f"{request.path}/"
            return Response(b"", HTTPStatus.MOVED_PERMANENTLY, {"Location": target, "Content-Type": TEXT_TYPE})
        # clients read the index of every 404, and one without it is an exception to them
        index = str(max(1, self._view.catalog.index(Watch("nodes"))))
        sentence = self._absence.explain(request.path).encode(errors="replace")
        return Response(sentence, HTTPStatus.NOT_FOUND, {"X-Consul-Index": index, "Content-Type": TEXT_TYPE})


def _answer_method(error: MethodNotAllowed) -> Response:
    allow = {"Allow": ",".join(["OPTIONS", *sorted(error.valid_methods or ())]), "Content-Type": TEXT_TYPE}
    if request.method == "OPTIONS":
        return Response(b"", HTTPStatus.OK, allow)
    return Response(
        f"method {request.scope.get(METHOD, request.method)} not allowed".encode(), HTTPStatus.METHOD_NOT_ALLOWED, allow
    )
