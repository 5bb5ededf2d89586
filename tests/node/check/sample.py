"""Checks to run, and servers on loopback that answer them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio

from node.check.definition import CheckDefinition

Answer = Callable[[trio.abc.Stream, bytes], Awaitable[None]]


def definition(id: str = "c", **fields: Any) -> CheckDefinition:
    """Make a definition; an interval of 30 s unless told."""
    return CheckDefinition(id=id, name=id, **({"interval_s": 30.0} | fields))


@dataclass(slots=True)
class Server:
    """What a server was asked, and where it is."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    """Request heads, in lower case, as they came."""
    bodies: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        """Give the URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"


def says(data: bytes) -> Answer:
    """Answer with these bytes, and hang up."""

    async def answer(stream: trio.abc.Stream, head: bytes) -> None:
        await stream.send_all(data)

    return answer


async def hear(stream: trio.abc.Stream, server: Server) -> bytes:
    """Read a request's head and body, by its content-length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = await stream.receive_some(4_096)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    size = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < size:
        body += await stream.receive_some(4_096)
    server.heads.append(head.lower())
    server.bodies.append(body)
    return head


@asynccontextmanager
async def serving(
    answer: Answer, wrap: Callable[[trio.abc.Stream], trio.abc.Stream] = lambda stream: stream, path: str = ""
) -> AsyncIterator[Server]:
    """Serve on loopback, or on a Unix socket at a path, while the block lasts; each connection is asked once."""
    server = Server()

    async def serve(tcp: trio.abc.Stream) -> None:
        stream = wrap(tcp)
        try:
            if head := await hear(stream, server):
                await answer(stream, head)
            await stream.aclose()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        if path:
            sock = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
            await sock.bind(path)
            sock.listen()
            listeners = [trio.SocketListener(sock)]
        else:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            server.port = listeners[0].socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        yield server
        nursery.cancel_scope.cancel()
