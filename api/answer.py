"""What goes back to a client: JSON bytes, encoded once where many ask for the same, and refusals."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import trio
from quart import Response

JSON_TYPE: Final = "application/json"
TEXT_TYPE: Final = "text/plain; charset=utf-8"

PRETTY_INDENT: Final = 4
"""As Nomad and Consul indent."""

NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
"""On every answer: a browser takes none of them for a script or a page."""

RECENT_S: Final = 0.1
"""How old an answer about what changes all the time may be. Programs ask for it every few seconds."""

ECHO_LENGTH_MAX: Final = 80
"""Longest piece of a request that a sentence repeats."""

_NATIVE_PREFIXES: Final = ("/v1/cluster", "/v1/peers", "/livez", "/readyz", "/metrics")


class Problem(Exception):
    """A request that is refused: a status, a code for programs, one sentence for people."""

    def __init__(self, status: int, code: str, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.headers = headers or {}


def echo(text: str) -> str:
    """Quote a piece of a request for a sentence: printable, on one line, and short."""
    return ascii(text if len(text) <= ECHO_LENGTH_MAX else text[:ECHO_LENGTH_MAX] + "...")


def encode_json(value: object, pretty: bool = False) -> bytes:
    """Write JSON; text that UTF-8 cannot carry must have been refused before."""
    plain = msgspec.json.encode(value)
    return prettify(plain) if pretty else plain


def prettify(plain: bytes) -> bytes:
    """Indent JSON bytes."""
    return msgspec.json.format(plain, indent=PRETTY_INDENT)


def json_answer(body: bytes, status: int = 200) -> Response:
    """Answer with JSON that is encoded already."""
    return Response(body, status, {"Content-Type": JSON_TYPE})


def empty_answer() -> Response:
    """Answer 200 with no body: what a Nomad gives where there is no result."""
    return Response(b"", 200, {"Content-Type": TEXT_TYPE})


def is_native(path: str) -> bool:
    """Tell whether a path is of the routes that speak JSON in every answer, on every listener."""
    return path.startswith(_NATIVE_PREFIXES)


def refusal_bytes(path: str, code: str, sentence: str) -> tuple[bytes, str]:
    """Word a refusal as the dialect of the path does; give the body and its content type."""
    if is_native(path):
        return encode_json({"error": sentence, "code": code}), JSON_TYPE
    return sentence.encode(errors="replace"), TEXT_TYPE


class RawResponse:
    """An answer whose body is encoded already."""

    __slots__ = ("_header_list", "body", "content_type", "extra", "status")

    def __init__(
        self, body: bytes, status: int = 200, content_type: str = JSON_TYPE, extra: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Keep the parts; `extra` are further headers."""
        self.body = body
        self.status = status
        self.content_type = content_type
        self.extra = extra
        self._header_list: list[tuple[bytes, bytes]] | None = None

    def header_list(self) -> list[tuple[bytes, bytes]]:
        """Return all headers, names in lower case, as ASGI has them."""
        if self._header_list is None:
            extra = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.extra]
            self._header_list = [
                (b"content-type", self.content_type.encode("latin-1")),
                *extra,
                (b"content-length", b"%d" % len(self.body)),
                NOSNIFF,
            ]
        return self._header_list

    def as_quart(self) -> Response:
        """Return the same for Quart to send."""
        return Response(self.body, self.status, {"Content-Type": self.content_type, **dict(self.extra)})


class ReadyJson:
    """JSON of one listing, encoded once per version of what it shows, plain and pretty."""

    def __init__(
        self,
        version: Callable[[], object],
        build: Callable[[], object],
        is_same: Callable[[object, object], bool],
    ) -> None:
        """Keep what tells the version now, what makes the value, and how two versions compare."""
        self._version = version
        self._build = build
        self._is_same = is_same
        self._held: object = None
        self._plain = b""
        self._pretty = b""
        self._response = RawResponse(b"")

    def plain(self) -> bytes:
        """Give the listing as it is now."""
        version = self._version()
        if not self._plain or not self._is_same(version, self._held):
            self._plain = encode_json(self._build())
            self._pretty = b""
            self._held = version
        return self._plain

    def pretty(self) -> bytes:
        """Give the listing as it is now, indented."""
        plain = self.plain()
        if not self._pretty:
            self._pretty = prettify(plain)
        return self._pretty

    def response(self, is_pretty: bool) -> RawResponse:
        """Return the listing as it is now as an answer; the same object while it is the one asked for last."""
        body = self.pretty() if is_pretty else self.plain()
        if self._response.body is not body:
            self._response = RawResponse(body)
        return self._response


class RecentAnswer:
    """An answer about what changes all the time: worked out anew when it is RECENT_S old, or its version has changed.

    So a thousand requests a second cost no more work than ten, and nobody who changed something reads what was before.
    """

    def __init__(self, version: Callable[[], object], build: Callable[[], RawResponse]) -> None:
        """Keep what returns the version now, compared by equality, and what works the answer out."""
        self._version = version
        self._build = build
        self._held: object = None
        self._response: RawResponse | None = None
        self._made_at = 0.0

    def response(self) -> RawResponse:
        """Return the answer."""
        version, now = self._version(), trio.current_time()
        if self._response is None or now >= self._made_at + RECENT_S or version != self._held:
            self._response = self._build()
            self._made_at, self._held = now, version
        return self._response
