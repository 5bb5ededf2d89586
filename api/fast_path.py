"""Plain reads, answered from memory before Quart, which costs more than the rest of the way together.

A fast answer is a function of the request and of the node's state now: it waits for nothing, so it needs no task of
its own. There is one for each path, or for all paths that begin alike, and every way leads to it: `api.middleware`
finds it in the table; Quart's route, made of it by `FastPath.route`, takes the methods that the table has not, and
words every refusal; and the server replays it for a client that asks the same again (`api.server.replay`).
"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import wraps
from typing import Any, Final

from quart import Response, request
from werkzeug.datastructures import Headers

from api.answer import RawResponse
from api.query import Query

GET: Final = ("GET",)
GET_HEAD: Final = ("GET", "HEAD")
"""The server leaves the body of the answer to a HEAD out."""

TokenReader = Callable[[Headers, bytes], str]
"""Finds the token in a request's headers or, as bytes behind the question mark, its query; empty: none."""


class RawRequest:
    """One request, as its ASGI scope has it. What is read of it is read once, however often it is replayed."""

    __slots__ = ("_headers", "_query", "_tokens", "scope")

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        self.scope = scope
        self._query: Query | None = None
        self._headers: Headers | None = None
        self._tokens: dict[TokenReader, str] = {}

    @property
    def raw_query(self) -> bytes:
        """The bytes behind the question mark."""
        raw: bytes = self.scope["query_string"]
        return raw

    def query(self) -> Query:
        """Return the parameters.

        Raises:
            InvalidRequest: as `Query.parse`.
        """
        if self._query is None:
            self._query = Query.parse(self.raw_query)
        return self._query

    def headers(self) -> Headers:
        """Return the headers."""
        if self._headers is None:
            pairs = self.scope["headers"]
            self._headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs])
        return self._headers

    def token(self, read: TokenReader) -> str:
        """Return the token, as a dialect reads it.

        Raises:
            InvalidRequest: as `read`.
        """
        token = self._tokens.get(read)
        if token is None:
            token = self._tokens[read] = read(self.headers(), self.raw_query)
        return token


def current_request() -> RawRequest:
    """Return the request that Quart has in hand."""
    return RawRequest(request.scope)  # type: ignore[arg-type]  # a TypedDict is a mapping of this kind


Answer = Callable[[RawRequest], RawResponse]
"""Answers one path from memory.

Raises:
    Problem, InvalidRequest: the request is refused.
"""

PrefixAnswer = Callable[[RawRequest, str], RawResponse | None]
"""Answers all paths that begin alike; the text is what follows, decoded. None: not from memory.

Raises:
    Problem, InvalidRequest: the request is refused.
"""

_DEPTH: Final = 4
"""Slashes in a prefix: /v1/health/service/."""


class FastPath:
    """The fast answers of one listener."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Callable[[RawRequest], RawResponse | None]] = {}
        self._prefixes: dict[str, PrefixAnswer] = {}

    def route(self, path: str, answer: Answer, methods: Sequence[str] = GET_HEAD) -> Callable[[], Awaitable[Response]]:
        """Add a path, with the methods that its route has; return the handler of that route."""
        self.add(path, answer, methods)

        @wraps(answer)
        async def handler() -> Response:
            return answer(current_request()).as_quart()

        return handler

    def add(self, path: str, answer: Callable[[RawRequest], RawResponse | None], methods: Sequence[str]) -> None:
        """Add a path whose route is made elsewhere, and answers all that is not answered here."""
        for method in methods:
            self._answers[method, path] = answer

    def add_prefix(self, prefix: str, answer: PrefixAnswer) -> None:
        """Add all paths that begin so, as `add` does, for GET: `prefix` is /A/B/C/ with no parameter in it."""
        self._prefixes[prefix] = answer

    def answer(self, request: RawRequest) -> RawResponse | None:
        """Answer a request; None: Quart is to do it, because the path is not here or there is something to refuse."""
        method, path = request.scope["method"], request.scope["path"]
        answer = self._answers.get((method, path))
        try:
            if answer is not None:
                return answer(request)
            parts = path.split("/", _DEPTH)
            if method != "GET" or len(parts) <= _DEPTH or not parts[_DEPTH]:
                return None
            by_prefix = self._prefixes.get(path[: len(path) - len(parts[_DEPTH])])
            return None if by_prefix is None else by_prefix(request, parts[_DEPTH])
        except Exception:  # Quart's route fails the same way: there each failure is worded, and logged if it is ours
            return None
