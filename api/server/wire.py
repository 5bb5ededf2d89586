"""Heads on the wire: the ASGI scope of a request, and the status line and headers of an answer as Go writes them.

Programs compare these bytes: monitoring plugins look for `200 OK`, a module of nginx for `X-Consul-Index`. So a status
line has its reason phrase, and each part of a header's name begins with a capital.
"""

import time
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

import h11

Headers = Sequence[tuple[bytes, bytes]]

NAMES_MAX: Final = 256
"""Header names whose spelling is remembered; the app sends a few dozen."""

_REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}

_names: dict[bytes, bytes] = {}


class _Clock:
    """The `Date` header, made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def text(self) -> bytes:
        """Return the time now as HTTP writes it."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._text = formatdate(second, usegmt=True).encode()
        return self._text


_clock: Final = _Clock()


def date() -> bytes:
    """Return the time now as HTTP writes it; the same object within a second."""
    return _clock.text()


def reason_of(status: int) -> bytes:
    """Return the reason phrase of a status; empty: it has none."""
    return _REASONS.get(status, b"")


def spell(name: bytes) -> bytes:
    """Return a header's name as Go's textproto.CanonicalMIMEHeaderKey has it: `x-consul-index` as `X-Consul-Index`."""
    spelled = _names.get(name)
    if spelled is None:
        if len(_names) >= NAMES_MAX:
            _names.clear()
        spelled = _names[name] = name.title()
    return spelled


def dress(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return an app's headers as Go spells them, and the date behind them."""
    return [*((spell(name), value) for name, value in headers), (b"Date", date())]


def answer_bytes(status: int, headers: Headers, body: bytes) -> bytes:
    """Return a whole answer: what h11 writes of the same, for a connection that stays open."""
    lines = b"".join(b"%b: %b\r\n" % header for header in dress(headers))
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, reason_of(status), lines, body)


def make_scope(
    request: h11.Request, scheme: str, client: tuple[str, int], server: tuple[str, int], state: dict[str, Any]
) -> dict[str, Any]:
    """Return the ASGI scope of a request; its path is decoded once, with U+FFFD for what is not UTF-8."""
    path, _, query = request.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.http_version.decode("ascii"),
        "method": request.method.decode("ascii"),
        "scheme": scheme,
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": list(request.headers),
        "client": client,
        "server": server,
        "state": state,
        "extensions": {},
    }
