"""One HTTP/1.1 connection: hypercorn's protocol over a Trio stream.

Stands in for hypercorn's own class of this place (`hypercorn.trio.tcp_server`), and differs so:

* only HTTP/1.1 is spoken; offers to upgrade are ignored, as a server may;
* a send has a deadline, so a client that does not read cannot hold its place for ever;
* the head of an answer leaves together with what follows it, unless that is large;
* whoever sent more behind its request is missed, too, when it goes away while that waits;
* idleness is the deadline of the task that reads anyway, not a task started for each request.
"""

from http import HTTPStatus
from math import inf
from typing import Any, Final, cast

import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState, H11SendableEvent
from hypercorn.utils import parse_socket_addr

from api.answer import TEXT_TYPE

RECEIVE_SIZE_MAX: Final = 64 << 10
JOINED_SIZE_MAX: Final = 128 << 10
"""What is larger is not copied behind the head of its answer: that would cost more than a send of its own."""
KEEP_ALIVE_S: Final = 30.0
"""How long a connection may wait for its next request, and a request's head may take."""
HANDSHAKE_S: Final = 5.0
"""For TLS."""
SEND_S: Final = 20.0
"""A client that has not taken an answer, however large, by then is cut off: it holds a place among those in service."""
PIPELINED_SIZE_MAX: Final = 64 << 10
"""Kept of what a client sends behind a request; where there is more, that is to be answered within KEEP_ALIVE_S."""
HALF_CLOSED_S: Final = 1.0
"""For the answer to a request behind which there is more, once the client sends nothing further: it is likely gone."""
CLOSE_S: Final = 1.0
"""TLS says goodbye with a message, which need not be waited for."""

NOT_HTTP: Final = "this is not an HTTP request: letters beyond ASCII are percent-encoded, and HTTP/1.1 names one Host"
TOO_LARGE: Final = "the request line and headers are too large"

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class _Http1(H11Protocol):
    """Hypercorn's HTTP/1.1, with answers sent in few pieces and without a way out to HTTP/2.

    Each send is a lock, two cancel scopes and a turn of the loop: a third of an answer's cost.
    """

    _held = b""

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        try:
            data = self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state != h11.ERROR:
                raise
            return
        held, self._held = self._held, b""
        if len(data) > JOINED_SIZE_MAX and held:
            await self.send(RawData(data=held))
        else:
            data = held + data
        if isinstance(event, h11.Response):
            self._held = data
        elif data:
            await self.send(RawData(data=data))

    async def _send_error_response(self, status_code: int) -> None:
        """Refuse what is not HTTP: no route has a say in it, so it is worded here; the connection ends."""
        too_large = status_code == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        body = (TOO_LARGE if too_large else NOT_HTTP).encode()
        headers = [
            (b"content-type", TEXT_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *self.config.response_headers("h11"),
        ]
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())

    async def _check_protocol(self, event: h11.Request) -> None:
        """Stay with HTTP/1.1; hypercorn would go over to HTTP/2 here."""


class _Gone(Exception):
    """The client went away, or is held to be gone, while a request of its was in service."""


class _Pause:
    """Hypercorn's event of this place: while a request is in service, what was sent behind it waits.

    Hypercorn reads no further meanwhile, and so would not learn that the client is gone: a query that waits for news
    held its connection for minutes, for nobody. So this reads on, within bounds.
    """

    def __init__(self, protocol: _Http1, stream: Stream) -> None:
        self._protocol = protocol
        self._stream = stream
        self._over = trio.Event()
        self._reading = trio.CancelScope()

    async def clear(self) -> None:
        """Begin to wait: the request in service is to be answered first."""
        self._over = trio.Event()

    async def set(self) -> None:
        """End the wait."""
        self._over.set()
        self._reading.cancel()

    def is_set(self) -> bool:
        """Tell whether nothing is to be waited for."""
        return self._over.is_set()

    async def wait(self) -> None:
        """Wait until the request is answered.

        Raises:
            _Gone: the client is, or it sent more than is kept and the answer takes long.
        """
        patience_s = KEEP_ALIVE_S
        while not self._over.is_set() and len(self._protocol.connection.trailing_data[0]) < PIPELINED_SIZE_MAX:
            self._reading = trio.CancelScope()
            data = None
            try:
                with self._reading:
                    data = bytes(await self._stream.receive_some(RECEIVE_SIZE_MAX))
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                raise _Gone from None
            if data:
                self._protocol.connection.receive_data(data)
            elif data is not None:
                patience_s = HALF_CLOSED_S
                break
        with trio.move_on_after(patience_s):
            await self._over.wait()
        if not self._over.is_set():
            raise _Gone


class Connection:
    """Serves one stream until it ends, from either side."""

    def __init__(
        self, stream: Stream, app: AppWrapper, config: Config, context: WorkerContext, state: dict[str, Any]
    ) -> None:
        """Keep what is needed; `state` is in the scope of each request."""
        self._stream = stream
        self._socket = (stream.transport_stream if isinstance(stream, trio.SSLStream) else stream).socket
        self._app = app
        self._config = config
        self._context = context
        self._state = state
        self._send_lock = trio.Lock()
        self._reading = trio.CancelScope()
        self._idle_until = trio.current_time() + KEEP_ALIVE_S
        self._is_ending = False
        self._protocol: _Http1

    async def run(self) -> None:
        """Serve requests one after the other.

        Raises:
            Exception: whatever hypercorn and h11 make of what the client sent; the stream is closed.
        """
        try:
            is_tls = isinstance(self._stream, trio.SSLStream)
            if isinstance(self._stream, trio.SSLStream):
                with trio.fail_after(HANDSHAKE_S):
                    await self._stream.do_handshake()
            client = parse_socket_addr(self._socket.family, self._socket.getpeername())
            server = parse_socket_addr(self._socket.family, self._socket.getsockname())
            async with TaskGroup() as tasks:
                self._protocol = _Http1(
                    self._app,
                    self._config,
                    self._context,
                    tasks,
                    cast(ConnectionState, self._state),
                    is_tls,
                    client,
                    server,
                    self._take,
                )
                self._protocol.can_read = _Pause(self._protocol, self._stream)
                await self._read()
        finally:
            await self._close()

    def end_when_idle(self) -> None:
        """End now if no request is in service, else after it."""
        self._is_ending = True
        if self._idle_until < inf:
            self._reading.cancel()

    def abort(self) -> None:
        """Close without a word; whoever waits on the stream is woken."""
        self._socket.close()

    async def _read(self) -> None:
        while not (self._is_ending and self._idle_until < inf):
            data = b""
            self._reading = trio.CancelScope(deadline=self._idle_until)
            try:
                with self._reading:
                    data = bytes(await self._stream.receive_some(RECEIVE_SIZE_MAX))
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                break
            if self._reading.cancelled_caught:
                break
            try:
                await self._protocol.handle(RawData(data))
            except _Gone:
                break
            if not data:
                break
        await self._protocol.handle(Closed())

    async def _take(self, event: Event) -> None:
        """Do what the protocol asks: send, close, or note that a request begins or is over."""
        if isinstance(event, RawData):
            await self._send(event.data)
        elif isinstance(event, Updated):
            self._idle_until = trio.current_time() + KEEP_ALIVE_S if event.idle else inf
            self._reading.deadline = self._idle_until
            if event.idle and self._is_ending:
                self._reading.cancel()
        else:
            await self._close()
            await self._protocol.handle(Closed())

    async def _send(self, data: bytes) -> None:
        async with self._send_lock:
            # shielded: an answer cut short by its client's going away would leave h11 in a wrong state
            with trio.move_on_after(SEND_S, shield=True) as patience:
                try:
                    await self._stream.send_all(data)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    await self._protocol.handle(Closed())
            if patience.cancelled_caught:
                self.abort()
                await self._protocol.handle(Closed())

    async def _close(self) -> None:
        with trio.move_on_after(CLOSE_S, shield=True):
            try:
                if isinstance(self._stream, trio.SocketStream):
                    await self._stream.send_eof()
                await self._stream.aclose()
            except (trio.BrokenResourceError, trio.BusyResourceError, trio.ClosedResourceError):
                pass  # it is closed, or a send is in its way
        self.abort()
