"""Accepting connections, and an orderly end.

Each connection stands alone: what one client does ends no other's.
"""

import logging
from functools import partial
from socket import socket
from typing import Any, Final

import trio

from api.middleware import CLOSING, WAITING, App
from api.server.connection import Connection, Listener
from api.server.listener import ListenConfig, listen
from api.server.open_files import connection_room
from api.server.places import CONNECTIONS_MAX, Places
from api.server.replay import Replays
from api.server.transport import PlainTransport, TlsTransport, Transport
from protocol.address import Address

GRACE_S: Final = 2.0
"""What requests in service get to finish at an orderly end."""
ACCEPT_PAUSE_S: Final = 0.1
"""Pause after an accept that failed for want of files or memory; trio.serve_listeners does the same."""
ACCEPTED_AT_ONCE_MAX: Final = 16
"""Connections accepted before others get to run."""
WARNING_PAUSE_S: Final = 60.0
"""Between two warnings that connections cannot be accepted."""
ADDRESSES_MAX: Final = 64
"""Addresses of this machine at which a listener on all of them is known to be called."""

_log: Final = logging.getLogger("shoal.http")


async def serve(
    app: App,
    config: ListenConfig,
    shutdown: trio.Event | None = None,
    task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `shutdown` is set (then requests in service may finish) or the task is cancelled.

    Reports the bound address once connections are accepted.

    Raises:
        ListenFailed: before that; nothing is left open.
    """
    shutdown = trio.Event() if shutdown is None else shutdown
    listener = listen(config)
    server = _Server(app, config)
    try:
        host, port = listener.getsockname()[:2]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.accept, listener)
            nursery.start_soon(server.places.close_idle)
            task_status.started(Address(host, port))
            try:
                await shutdown.wait()
                _close(listener)
                await server.finish()
            finally:
                server.abort()
            nursery.cancel_scope.cancel()
    finally:
        _close(listener)


def _close(listener: socket) -> None:
    if listener.fileno() >= 0:
        trio.lowlevel.notify_closing(listener)
        listener.close()


class _Server:
    """The connections of one listener."""

    def __init__(self, app: App, config: ListenConfig) -> None:
        self._app = app
        self._tls = config.tls
        self._closing = trio.Event()
        self._waiting: set[trio.CancelScope] = set()
        self._state: dict[str, Any] = {CLOSING: self._closing, WAITING: self._waiting}
        self.places = Places(connection_room(config.connections_max, CONNECTIONS_MAX))
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._warned_at = 0.0

    async def accept(self, listener: socket) -> None:
        """Accept connections until the socket is closed."""
        async with trio.open_nursery() as nursery:
            while True:
                try:
                    await trio.lowlevel.wait_readable(listener)
                    for _ in range(ACCEPTED_AT_ONCE_MAX):
                        nursery.start_soon(self._run, listener.accept()[0])
                except (BlockingIOError, ConnectionError):
                    continue
                except (trio.ClosedResourceError, ValueError):
                    return
                except OSError as wrong:
                    if listener.fileno() < 0:
                        return
                    await self._pause(wrong)

    async def _pause(self, wrong: OSError) -> None:
        """Make room after an accept that failed, and log it once a minute."""
        now = trio.current_time()
        if now >= self._warned_at + WARNING_PAUSE_S or not self._warned_at:
            self._warned_at = now
            _log.warning("HTTP cannot accept connections, %d are open: %s", len(self.places), wrong.strerror)
        self.places.evict()
        await trio.sleep(ACCEPT_PAUSE_S)

    async def _run(self, accepted: socket) -> None:
        try:
            connection = self._open(accepted)
        except OSError:  # the client is gone already
            accepted.close()
            return
        await connection.run()

    def _open(self, accepted: socket) -> Connection:
        client, server = accepted.getpeername()[:2], accepted.getsockname()[:2]
        make = PlainTransport if self._tls is None else partial(TlsTransport, context=self._tls)
        transport: Transport = make(accepted)
        return Connection(transport, self._listener_at(server), client, server)

    def _listener_at(self, server: tuple[str, int]) -> Listener:
        listener = self._listeners.get(server)
        if listener is None:
            if len(self._listeners) >= ADDRESSES_MAX:
                self._listeners.clear()
            scheme = "http" if self._tls is None else "https"
            listener = Listener(self._app, scheme, self._state, self.places, Replays())
            self._listeners[server] = listener
        return listener

    async def finish(self) -> None:
        """Close idle connections at once, answer those that wait for news, and wait GRACE_S for the others."""
        self._closing.set()
        for scope in tuple(self._waiting):
            scope.cancel()
        for connection in self.places.occupants:
            connection.end_when_idle()
        with trio.move_on_after(GRACE_S):
            await self.places.wait_until_empty()

    def abort(self) -> None:
        """Close what is still open: a send in progress is shielded and would be waited for; so is what `complete`s."""
        self._closing.set()
        for connection in self.places.occupants:
            connection.abort()
