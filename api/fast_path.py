"""What is asked most is answered before Quart, which costs more than the rest of the way together.

A hot answer is a function of what was asked and of the node's state now: it waits for nothing, so it needs no task of
its own. There is one for each path, and both ways lead to it: `api.middleware` finds it in the table, and Quart's
route, made of it by `FastPath.route`, is what takes the methods that the table has not, and what words every refusal:
of a request that is refused the table says nothing.
"""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from quart import Response, request
from werkzeug.datastructures import Headers

from api.answer import JSON_TYPE, json_answer
from api.query import Query

GET: Final = ("GET",)
GET_HEAD: Final = ("GET", "HEAD")
"""The server leaves the body of the answer to a HEAD out."""

_JSON_TYPE_BYTES: Final = JSON_TYPE.encode()


class RawRequest:
    """One request, as its ASGI scope has it."""

    __slots__ = ("scope",)

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        self.scope = scope

    @property
    def raw_query(self) -> bytes:
        """The bytes behind the question mark."""
        raw: bytes = self.scope["query_string"]
        return raw

    def query(self) -> Query:
        """Read the parameters.

        Raises:
            InvalidRequest: as `Query.parse`.
        """
        return Query.parse(self.raw_query)

    def headers(self) -> Headers:
        """Give the headers."""
        return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.scope["headers"]])


def current_request() -> RawRequest:
    """Give the request that Quart has in hand."""
    return RawRequest(request.scope)  # type: ignore[arg-type]  # a TypedDict is a mapping of this kind


@dataclass(frozen=True, slots=True)
class RawResponse:
    """JSON that is encoded already."""

    body: bytes
    status: int = 200

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Give them as ASGI has them."""
        return [(b"content-type", _JSON_TYPE_BYTES), (b"content-length", b"%d" % len(self.body))]


Answer = Callable[[RawRequest], RawResponse]
"""Answers one path from memory.

Raises:
    Problem, InvalidRequest: the request is refused.
"""


class FastPath:
    """The hot answers of one listener."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Answer] = {}

    def route(self, path: str, answer: Answer, methods: Sequence[str] = GET_HEAD) -> Callable[[], Awaitable[Response]]:
        """Take a path in, with the methods that its route has, and give the handler of that route."""
        for method in methods:
            self._answers[method, path] = answer

        @wraps(answer)
        async def handler() -> Response:
            found = answer(current_request())
            return json_answer(found.body, found.status)

        return handler

    def answer(self, scope: MutableMapping[str, Any]) -> RawResponse | None:
        """Answer a request; None: Quart is to do it, because the path is not hot or there is something to refuse."""
        answer = self._answers.get((scope["method"], scope["path"]))
        if answer is None:
            return None
        try:
            return answer(RawRequest(scope))
        except (
            Exception
        ):  # Quart's route fails the same way, and there each failure is worded, and logged if it is ours
            return None
