"""One HTTP/1.1 connection: requests one after the other, until either side ends it.

A request whose head was answered before is answered from `replay`; every other goes through h11 and the app. Offers to
upgrade are ignored, as a server may.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import h11
import trio

from api.answer import NOSNIFF, TEXT_TYPE
from api.middleware import REPLAY, App
from api.server.exchange import Exchange
from api.server.malformed import VERSION, describe
from api.server.places import Places
from api.server.replay import Replays
from api.server.transport import Gone, Transport
from api.server.wire import answer_bytes, make_scope

HEAD_SIZE_MAX: Final = 64 << 10
"""The request line and headers; a longer query than the middleware allows still gets its sentence."""
LINES_MAX: Final = 256
"""Of a head; each costs some microseconds to read, in the thread that answers probes too."""
SHOWN_SIZE_MAX: Final = 1 << 10
"""Of what a client sent, kept to say what was wrong with it."""
LINGER_S: Final = 1.0
"""After the last answer of a connection, for what the client was still sending: a close with bytes unread is a reset,
and may take the answer from the client's hands."""
LINGER_SIZE_MAX: Final = 1 << 20

SPOKEN: Final = (b"1.0", b"1.1")

SUPERVISED: Final = (b"/livez", b"/readyz")
"""Answered where no place is free."""
CROWDED: Final = (
    "every place for a connection is taken, and none of them is idle: only /livez and /readyz are answered here; "
    "try again later"
)
FAILED: Final = "this node failed to answer: its log has the reason"

_log: Final = logging.getLogger("shoal.http")


@dataclass(frozen=True, slots=True)
class Listener:
    """What the connections of one listener share that came in at one of its addresses."""

    app: App
    scheme: str
    state: dict[str, Any]
    """In the scope of each request."""
    places: Places
    replays: Replays


class Connection:
    """Serves one client until it ends, from either side."""

    def __init__(
        self, transport: Transport, listener: Listener, client: tuple[str, int], server: tuple[str, int]
    ) -> None:
        self._transport = transport
        self._listener = listener
        self._places = listener.places
        self._replays = listener.replays
        self._client = client
        self._server = server
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_SIZE_MAX)
        self._is_reserved = False
        self._is_ending = False

    def abort(self) -> None:
        """Close without a word; the task that serves is woken, and ends."""
        self._transport.abort()

    def end_when_idle(self) -> None:
        """End now if no request is in service, else after it."""
        self._is_ending = True
        if self._places.is_idle(self):
            self.abort()

    async def run(self) -> None:
        """Serve requests one after the other; never raises for what a client does."""
        self._is_reserved = self._places.enter(self)
        try:
            await self._transport.begin()
            self._places.await_first(self)
            await self._serve()
        except Gone:
            pass
        finally:
            self._places.leave(self)
            self._transport.abort()

    async def _serve(self) -> None:
        is_replayed = not self._is_reserved
        while not self._is_ending:
            data = await self._transport.receive()
            answer = self._replays.answer(data) if is_replayed else None
            if answer is None:
                if not await self._parse(data):
                    await self._linger()
                    return
            else:
                if (sent := self._transport.send_now(answer)) < len(answer):
                    self._places.begin(self)
                    await self._send_rest(memoryview(answer)[sent:])
                self._places.end(self)

    async def _send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            Gone: the client does not take it; the connection is closed.
        """
        sent = self._transport.send_now(data)
        if sent < len(data):
            await self._send_rest(memoryview(data)[sent:])

    async def _send_rest(self, data: memoryview) -> None:
        self._places.begin_sending(self)
        try:
            await self._transport.send(data, lambda: self._places.begin_sending(self))
        except Gone:
            self.abort()
            raise
        finally:
            self._places.end_sending(self)

    # --- the long way ---------------------------------------------------------------------------

    async def _parse(self, data: bytes) -> bool:
        """Serve what h11 finds in what came, and read on until it holds nothing more; return whether to go on."""
        parser = self._parser
        if data and not (data := data.lstrip(b"\r\n")):  # RFC 9112, 2.2: empty lines before a request say nothing
            return True
        head, begin, line_count = data, data[:SHOWN_SIZE_MAX], 0
        while True:
            line_count += data.partition(b"\r\n\r\n")[0].count(b"\n")
            if line_count > LINES_MAX and parser.their_state is h11.IDLE:
                await self._refuse(h11.RemoteProtocolError("too many headers", error_status_hint=431), begin)
                return False
            parser.receive_data(data)
            while True:
                try:
                    event = parser.next_event()
                except h11.RemoteProtocolError as wrong:
                    await self._refuse(wrong, begin)
                    return False
                if not isinstance(event, h11.Request):
                    break
                if not await self._answer(event, head):
                    return False
                head, begin, line_count = b"", parser.trailing_data[0][:SHOWN_SIZE_MAX], 0
                if begin:
                    await trio.lowlevel.checkpoint()  # others get to run between pipelined requests
            if event is not h11.NEED_DATA:  # the client has closed
                return False
            if not parser.trailing_data[0]:
                return True
            data = await self._transport.receive()
            head, begin = b"", (begin + data)[:SHOWN_SIZE_MAX]  # the end of a head is none

    async def _answer(self, request: h11.Request, head: bytes) -> bool:
        """Serve one request; return whether the connection can be used again.

        `head` is what came, if nothing was left of what came before: where it was this request and nothing else, the
        next one like it can be replayed.
        """
        listener, parser = self._listener, self._parser
        self._places.begin(self)
        scope = make_scope(request, listener.scheme, self._client, self._server, listener.state)
        offer: dict[str, Any] = {}
        scope["extensions"][REPLAY] = offer
        is_alone = bool(head) and not parser.trailing_data[0] and not _has_body(request)
        exchange = Exchange(parser, request.method, self._transport.receive, self._send, self._is_reserved)
        exchange.is_last |= _is_framed_twice(request)
        if request.http_version not in SPOKEN:
            exchange.is_last = True
            await self._answer_plainly(exchange, 505, VERSION.format(version=request.http_version.decode("ascii")))
            return False
        if self._is_reserved and request.target.partition(b"?")[0] not in SUPERVISED:
            await self._answer_plainly(exchange, 503, CROWDED, ((b"retry-after", b"1"),))
            return False
        try:
            await listener.app(scope, exchange.receive, self._notice_end(exchange))
        except Exception:
            _log.exception("HTTP failed to answer %s", request.target[:80].decode("ascii"))
            if not exchange.is_begun:
                exchange.is_last = True
                await self._answer_plainly(exchange, 500, FAILED)
            return False
        if exchange.wrong is not None and not exchange.is_begun:
            status, sentence = describe(exchange.wrong, request.target, HEAD_SIZE_MAX)
            exchange.is_last = True
            await self._answer_plainly(exchange, status, sentence)
        if not exchange.is_complete:
            return False
        if parser.our_state is not h11.DONE or parser.their_state is not h11.DONE:
            event = parser.next_event() if parser.their_state is h11.SEND_BODY else None
            if not isinstance(event, h11.EndOfMessage) or parser.our_state is not h11.DONE:
                return False
        parser.start_next_cycle()
        self._places.end(self)
        if is_alone and offer and request.method == b"GET":
            self._replays.keep(head, offer[REPLAY])
        return not self._is_ending

    def _notice_end(self, exchange: Exchange) -> Callable[[dict[str, Any]], Awaitable[None]]:
        """Return the app's `send`; while the server ends, the answers say that the connection does."""

        async def send(message: dict[str, Any]) -> None:
            if self._is_ending:
                exchange.is_last = True
            await exchange.send(message)

        return send

    # --- the end --------------------------------------------------------------------------------

    async def _refuse(self, wrong: h11.RemoteProtocolError, begin: bytes) -> None:
        """Answer a request that is none with what was wrong with it, unless the client is gone."""
        if self._parser.their_state is h11.CLOSED or not begin:
            return
        status, sentence = describe(wrong, begin, HEAD_SIZE_MAX)
        if self._parser.our_state is h11.IDLE:
            body = sentence.encode()
            headers = (*_plain_headers(body), (b"connection", b"close"))
            await self._send(answer_bytes(status, headers, body))

    async def _answer_plainly(
        self, exchange: Exchange, status: int, sentence: str, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        body = sentence.encode()
        await exchange.send(
            {"type": "http.response.start", "status": status, "headers": [*_plain_headers(body), *headers]}
        )
        await exchange.send({"type": "http.response.body", "body": body})

    async def _linger(self) -> None:
        """End the sending half, and throw away what the client was still sending, for a short while."""
        self._places.begin(self)
        with trio.move_on_after(LINGER_S):
            await self._transport.send_end()
            size = 0
            while size < LINGER_SIZE_MAX and (data := await self._transport.receive()):
                size += len(data)


def _is_framed_twice(request: h11.Request) -> bool:
    """Return whether a request has both a length and chunks: no further one is read behind it (RFC 9112, 6.1)."""
    names = {name for name, _ in request.headers}
    return b"content-length" in names and b"transfer-encoding" in names


def _has_body(request: h11.Request) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in request.headers)


def _plain_headers(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return (b"content-type", TEXT_TYPE.encode()), (b"content-length", b"%d" % len(body)), NOSNIFF
