"""Bytes from and to one client, in clear or through TLS.

The clear one is a plain socket that does not block, asked when the system says that it is ready: through Trio's own
stream each read and each write costs a further turn of the loop.
"""

import ssl
from collections.abc import Callable
from socket import IPPROTO_TCP, SHUT_WR, TCP_NODELAY, socket
from typing import Final, Protocol

import trio

RECEIVE_SIZE_MAX: Final = 64 << 10
SEND_S: Final = 20.0
"""Without a byte taken by the client for so long, an answer is given up and the connection cut."""
HANDSHAKE_S: Final = 5.0
"""For TLS."""
CLOSE_S: Final = 1.0
"""TLS ends with a message, which need not be waited for."""
RECORDS_SIZE_MAX: Final = 256 << 10
"""Handed to TLS at once: that much has SEND_S to be taken."""


class Gone(Exception):
    """The client closed the connection, or this side did, or an answer was not taken."""


class Transport(Protocol):
    """What a connection needs of the bytes below it. All but `abort` raise Gone once nothing more can be moved."""

    async def begin(self) -> None:
        """Do what precedes the first byte of HTTP."""
        ...

    async def receive(self) -> bytes:
        """Return what came, at most RECEIVE_SIZE_MAX bytes; empty: the client sends no more."""
        ...

    def send_now(self, data: bytes) -> int:
        """Send what is taken without waiting; return how many bytes that was."""
        ...

    async def send(self, data: memoryview, note_progress: Callable[[], None]) -> None:
        """Send all of it; cancelled, or given up after SEND_S, part of it: the connection is of no use then.

        `note_progress` is called whenever the client has taken some.
        """
        ...

    async def send_end(self) -> None:
        """End the sending half."""
        ...

    def abort(self) -> None:
        """Close at once; a task that waits here gets Gone."""
        ...


class PlainTransport:
    """TCP in clear."""

    def __init__(self, connection: socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self._socket = connection
        self._is_new = True

    async def begin(self) -> None:
        """Do nothing."""

    async def receive(self) -> bytes:
        """Wait first until something is there, but for the first time: a client sends its first request at once."""
        while True:
            try:
                if self._is_new:
                    self._is_new = False
                else:
                    await trio.lowlevel.wait_readable(self._socket)
                return self._socket.recv(RECEIVE_SIZE_MAX)
            except BlockingIOError:
                continue
            except (OSError, ValueError, trio.ClosedResourceError, trio.BusyResourceError) as wrong:
                raise Gone from wrong

    def send_now(self, data: bytes) -> int:
        """Send what the system's buffer takes."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except (OSError, ValueError) as wrong:
            raise Gone from wrong

    async def send(self, data: memoryview, note_progress: Callable[[], None]) -> None:
        """Send piece by piece; each piece has SEND_S."""
        while data:
            try:
                with trio.fail_after(SEND_S):
                    await trio.lowlevel.wait_writable(self._socket)
                data = data[self._socket.send(data) :]
                note_progress()
            except BlockingIOError:
                continue
            except (OSError, ValueError, trio.TooSlowError, trio.ClosedResourceError, trio.BusyResourceError) as wrong:
                raise Gone from wrong

    async def send_end(self) -> None:
        """Send FIN."""
        await trio.lowlevel.checkpoint()
        try:
            self._socket.shutdown(SHUT_WR)
        except (OSError, ValueError) as wrong:
            raise Gone from wrong

    def abort(self) -> None:
        """Close the socket."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()


class TlsTransport:
    """TLS over TCP."""

    def __init__(self, connection: socket, context: ssl.SSLContext) -> None:
        connection.setblocking(False)
        self._socket = trio.socket.from_stdlib_socket(connection)
        self._stream = trio.SSLStream(trio.SocketStream(self._socket), context, server_side=True, https_compatible=True)

    async def begin(self) -> None:
        """Shake hands, within HANDSHAKE_S."""
        try:
            with trio.fail_after(HANDSHAKE_S):
                await self._stream.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError) as wrong:
            raise Gone from wrong

    async def receive(self) -> bytes:
        """Return what the next records carry."""
        try:
            return bytes(await self._stream.receive_some(RECEIVE_SIZE_MAX))
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError) as wrong:
            raise Gone from wrong

    def send_now(self, data: bytes) -> int:
        """Send nothing: TLS has no such way."""
        del data
        return 0

    async def send(self, data: memoryview, note_progress: Callable[[], None]) -> None:
        """Send piece by piece; each piece has SEND_S."""
        try:
            for begin in range(0, len(data), RECORDS_SIZE_MAX):
                with trio.fail_after(SEND_S):
                    await self._stream.send_all(data[begin : begin + RECORDS_SIZE_MAX])
                note_progress()
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError, trio.TooSlowError) as wrong:
            raise Gone from wrong

    async def send_end(self) -> None:
        """Send TLS's closing message, then FIN."""
        with trio.move_on_after(CLOSE_S, shield=True):
            try:
                await self._stream.aclose()
            except (trio.BrokenResourceError, trio.BusyResourceError, trio.ClosedResourceError) as wrong:
                raise Gone from wrong

    def abort(self) -> None:
        """Close the socket under it."""
        self._socket.close()
