"""Listening: a bound socket, a bounded number of connections, and an orderly end.

Hypercorn's protocol is used without its worker loop, because in that loop an exception on one
connection ends all of them, and a busy port is a nested group of exceptions. Here each connection
stands alone (see `api.connection`), and a port that cannot be had is one sentence.
"""

import errno
import logging
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from os import strerror
from socket import AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET
from typing import Final, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework

from api.connection import Connection, Stream
from api.middleware import CLOSING, WAITING, App
from api.open_file import connection_room
from protocol.address import Address

CONNECTIONS_MAX: Final = 512
"""Open at once; further ones wait unaccepted. Leaves room below the usual 1,024 open files."""
WAITING_CONNECTIONS_MAX: Final = 2_560
"""Of a listener whose requests may wait for news: 2,000 of them, and the room to ask something else."""
BACKLOG: Final = 256
KEEP_ALIVE_REQUESTS_MAX: Final = 1_000_000
"""Hypercorn closes after 1,000, which a busy client feels; this is as good as never."""
HEAD_SIZE_MAX: Final = 64 << 10
"""The request line and headers; a longer query than the guard allows still gets its sentence."""
GRACE_S: Final = 2.0
"""What requests in service get to finish at an orderly end."""
ACCEPT_PAUSE_S: Final = 0.1
"""Pause after an accept that failed for want of files or memory; trio.serve_listeners does the same."""

_log: Final = logging.getLogger("shoal.http")


class ListenFailed(Exception):
    """An address cannot be listened on; the text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class ListenConfig:
    """Where to listen and how."""

    address: Address
    """An IP address; port 0 takes any free port."""
    tls: ssl.SSLContext | None = None
    beyond_loopback: bool = False
    """Whether an address other than loopback is allowed: only with access control, or on purpose."""
    connections_max: int = CONNECTIONS_MAX
    """Open at once; fewer where the system allows the process fewer open files."""


def load_tls(certificate_file: str, key_file: str, held: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """Read a certificate chain and its key; into the context held, its next connections use them.

    Raises:
        ListenFailed: a file cannot be read, or is not what it should be; the context held is unchanged.
    """
    try:
        fresh = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        fresh.load_cert_chain(certificate_file, key_file)
        fresh.set_alpn_protocols(["http/1.1"])
        if held is not None:
            held.load_cert_chain(certificate_file, key_file)
    except (OSError, ValueError) as wrong:  # ssl.SSLError is an OSError
        reason = wrong.strerror or str(wrong) if isinstance(wrong, OSError) else str(wrong)
        raise ListenFailed(f"TLS cannot use {certificate_file} with {key_file}: {reason}") from None
    return held or fresh


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
    if shutdown is None:
        shutdown = trio.Event()
    socket = await bind(config)
    server = _Server(app, config)
    try:
        await socket_listen(socket, config.address)
        host, port = socket.getsockname()[:2]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.accept, trio.SocketListener(socket))
            task_status.started(Address(host, port))
            try:
                await shutdown.wait()
                socket.close()
                await server.finish()
            finally:
                server.abort()
            nursery.cancel_scope.cancel()
    finally:
        socket.close()


async def bind(config: ListenConfig) -> trio.socket.SocketType:
    """Bind a socket.

    Raises:
        ListenFailed: the port is in use, or not ours to take, or lies beyond loopback unallowed.
    """
    address = config.address
    ip = ip_address(address.host)
    if not ip.is_loopback and not config.beyond_loopback:
        raise ListenFailed(
            f"HTTP will not listen on {address}: without access control whoever reaches it commands this node; "
            "use a loopback address, ask for tokens with --acl, or allow it as it is with http_allow_open"
        )
    socket = trio.socket.socket(AF_INET6 if ip.version == 6 else AF_INET, SOCK_STREAM)
    try:
        socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        if ip.version == 6:
            socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        await socket.bind((address.host, address.port))
    except OSError as wrong:
        socket.close()
        raise _listen_failed(address, wrong) from None
    return socket


async def socket_listen(socket: trio.socket.SocketType, address: Address) -> None:
    """Begin to listen: with SO_REUSEADDR some systems tell only now that the port is in use.

    Raises:
        ListenFailed: it is.
    """
    try:
        socket.listen(BACKLOG)
    except OSError as wrong:
        raise _listen_failed(address, wrong) from None


def _listen_failed(address: Address, wrong: OSError) -> ListenFailed:
    reasons = {
        errno.EADDRINUSE: "the port is in use by another program",
        errno.EACCES: "this user may not take that port",
        errno.EADDRNOTAVAIL: "no interface of this machine has that address",
    }
    reason = reasons.get(wrong.errno or 0) or strerror(wrong.errno or 0).lower()
    return ListenFailed(f"HTTP cannot listen on {address}: {reason}")


class _Server:
    """The connections of one listener."""

    def __init__(self, app: App, config: ListenConfig) -> None:
        self._app = ASGIWrapper(cast(ASGIFramework, app))
        self._tls = config.tls
        self._config = _hypercorn_config()
        self._context = WorkerContext(None)
        self._places = trio.Semaphore(connection_room(config.connections_max, CONNECTIONS_MAX))
        self._open: set[Connection] = set()
        self._closing = trio.Event()
        self._waiting: set[trio.CancelScope] = set()
        self._state = {CLOSING: self._closing, WAITING: self._waiting}
        self._empty = trio.Event()

    async def accept(self, listener: trio.SocketListener) -> None:
        """Take connections while there is a place for them, until the socket is closed."""
        async with trio.open_nursery() as nursery:
            while True:
                await self._places.acquire()
                try:
                    plain = await listener.accept()
                except (trio.ClosedResourceError, trio.BrokenResourceError):
                    return
                except OSError as wrong:
                    self._places.release()
                    _log.warning("HTTP cannot accept a connection: %s", wrong.strerror)
                    await trio.sleep(ACCEPT_PAUSE_S)
                    continue
                stream: Stream = plain
                if self._tls is not None:
                    stream = trio.SSLStream(plain, self._tls, server_side=True, https_compatible=True)
                connection = Connection(stream, self._app, self._config, self._context, self._state)
                self._open.add(connection)
                nursery.start_soon(self._run, connection)

    async def _run(self, connection: Connection) -> None:
        try:
            await connection.run()
        except* Exception as group:
            _log.debug("HTTP connection ended: %s", group.exceptions[0], exc_info=group)
        finally:
            connection.abort()
            self._open.discard(connection)
            self._places.release()
            if not self._open:
                self._empty.set()

    async def finish(self) -> None:
        """Let idle connections go at once, those that wait for news answer, and the others finish, within the grace."""
        self._closing.set()
        for scope in tuple(self._waiting):
            scope.cancel()
        await self._context.terminated.set()
        self._empty = trio.Event()
        for connection in self._open:
            connection.end_when_idle()
        if self._open:
            with trio.move_on_after(GRACE_S):
                await self._empty.wait()

    def abort(self) -> None:
        """Close what is still open: a send in progress is shielded and would be waited for; so is what `complete`s."""
        self._closing.set()
        for connection in tuple(self._open):
            connection.abort()


def _hypercorn_config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = _log
    config.keep_alive_max_requests = KEEP_ALIVE_REQUESTS_MAX
    config.h11_max_incomplete_size = HEAD_SIZE_MAX
    config.include_server_header = False
    return config
