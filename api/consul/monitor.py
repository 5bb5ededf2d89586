"""What the node logs, as it happens: a line for each record, as text or with `?logjson` as JSON, from a level upwards.

A level below the one the node runs with shows no more than its log. Who reads too slowly loses lines, and a line says
how many.
"""

import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import MappingProxyType
from typing import Final

import trio
from quart import Response, request
from quart_trio import QuartTrio

from api.access import Access
from api.answer import ECHO_LENGTH_MAX, TEXT_TYPE, Problem
from api.consul.log_line import JsonLine, TextLine, stream_record
from api.consul.route import GET, add_routes
from api.consul.wording import one_line
from api.middleware import CLOSING, ON_END
from api.query import current_query
from api.token_view import Scope
from protocol.error import InvalidRequest

STREAMS_MAX: Final = 8
"""Each formats every line."""
LINES_MAX: Final = 512
"""Held for a reader that is slower than the log."""

BEGIN: Final = "streaming the log"
LOST: Final = "lines were lost: they came faster than they were read"

LOGGER: Final = "shoal"
"""The one above all of the node's."""

LEVELS: Final = MappingProxyType(
    {
        "trace": logging.DEBUG,
        "debug": logging.DEBUG,
        "info": logging.INFO,
        "warn": logging.WARNING,
        "err": logging.ERROR,
        "error": logging.ERROR,
    }
)


def add_monitor_route(app: QuartTrio, access: Access) -> None:
    """Add GET /v1/agent/monitor."""
    monitor = MonitorRoute(access)
    add_routes(app, (("/v1/agent/monitor", GET, monitor.open),))


class MonitorRoute:
    """The open streams of one app, counted."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.open_count = 0

    async def open(self) -> Response:
        """Begin a stream; it ends with the client or the server."""
        self._access.require(Scope.AGENT_READ)
        query = current_query()
        wanted = query.first("loglevel") or "info"
        level = LEVELS.get(wanted.lower())
        if level is None:
            raise InvalidRequest(f"Bad request: Unknown log level: {one_line(wanted[:ECHO_LENGTH_MAX])}")
        if self.open_count >= STREAMS_MAX:
            raise Problem(429, "TOO_MANY_STREAMS", f"{STREAMS_MAX} streams of the log are open, no more may be")
        self.open_count += 1
        lines = LogLines(level, JsonLine() if query.first("logjson") is not None else TextLine())
        logger = logging.getLogger(LOGGER)
        logger.addHandler(lines)

        def end() -> None:
            self.open_count -= 1
            logger.removeHandler(lines)

        request.scope[ON_END] = end  # type: ignore[typeddict-unknown-key]
        closing = request.scope.get("state", {}).get(CLOSING)
        begin = lines.format(stream_record(logging.INFO, BEGIN, loglevel=wanted.lower()))
        response = Response(
            follow(f"{begin}\n", lines, closing), 200, {"Content-Type": TEXT_TYPE, "Cache-Control": "no-store"}
        )
        response.timeout = None
        return response


class LogLines(logging.Handler):
    """Takes records in any thread, and hands their lines to the one Trio runs in."""

    def __init__(self, level: int, line: logging.Formatter) -> None:
        """Keep what makes a line of a record, with its fields."""
        super().__init__(level)
        self.setFormatter(line)
        self._lines: deque[str] = deque()
        self._lost_count = 0
        self._news = trio.Event()
        self._loop = trio.lowlevel.current_trio_token()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's line, unless too many wait."""
        try:
            line = self.format(record)
        except (ValueError, TypeError):  # arguments that do not fit: the log itself complains of them
            return
        with suppress(trio.RunFinishedError):
            self._loop.run_sync_soon(self._add, line)

    def _add(self, line: str) -> None:
        if len(self._lines) < LINES_MAX:
            self._lines.append(line)
        else:
            self._lost_count += 1
        self._news.set()

    async def take(self) -> str:
        """Wait for lines and give all there are, each ended."""
        await self._news.wait()
        self._news = trio.Event()
        taken = [*self._lines]
        self._lines.clear()
        if self._lost_count:
            taken.append(self.format(stream_record(logging.WARNING, LOST, count=self._lost_count)))
            self._lost_count = 0
        return "".join(f"{line}\n" for line in taken)


async def follow(begin: str, lines: LogLines, closing: trio.Event | None) -> AsyncIterator[bytes]:
    """Return the text of the stream until `closing`; the first line leaves at once, and the answer's head with it."""
    yield begin.encode()
    while closing is None or not closing.is_set():
        text = ""
        async with trio.open_nursery() as nursery:

            async def wait_for_end() -> None:
                if closing is None:
                    await trio.sleep_forever()
                else:
                    await closing.wait()
                nursery.cancel_scope.cancel()

            nursery.start_soon(wait_for_end)
            text = await lines.take()
            nursery.cancel_scope.cancel()
        if text:
            yield text.encode(errors="replace")
