"""Asking an app: through Quart's test client, or over a socket of the loopback interface."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import trio
from quart_trio import QuartTrio

from api.app import HttpSettings, build_consul_app, build_http_app
from api.server import CONNECTIONS_MAX, ListenConfig, serve
from api.view import NodeView
from protocol.address import Address
from tests.api.fake_tokens import ADMIN_TOKEN
from tests.api.fake_view import FakeView

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def make_app(view: FakeView, allowed_hosts: frozenset[str] = frozenset(), acl: bool = False) -> QuartTrio:
    """Build the app over a fake node; mypy checks here that the fake is a NodeView."""
    node: NodeView = view
    return build_http_app(node, HttpSettings(allowed_hosts, acl))


async def ask(
    view: FakeView,
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    acl: bool = False,
) -> Answer:
    """Ask a fresh app once, without a socket."""
    return await ask_app(make_app(view, acl=acl), method, target, headers, body)


def make_consul_app(
    view: FakeView, acl: bool = False, reload: Callable[[], Awaitable[None]] | None = None
) -> QuartTrio:
    """Build the app of Consul's dialect over a fake node."""
    node: NodeView = view
    return build_consul_app(node, HttpSettings(acl=acl), reload=reload)


async def ask_consul(
    view: FakeView,
    method: str,
    target: str,
    body: object = None,
    headers: dict[str, str] | None = None,
    acl: bool = False,
) -> Answer:
    """Ask a fresh app of Consul's dialect once; a body that is no bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return await ask_app(make_consul_app(view, acl), method, target, headers, data)


async def ask_app(
    app: QuartTrio, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Ask an app once, without a socket; the target is sent as it is written."""
    path, _, query = target.partition("?")
    sent: list[dict[str, Any]] = []
    all_headers = {"Host": "127.0.0.1:4646", **(headers or {})}
    if body:
        all_headers["Content-Length"] = str(len(body))
    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.1", "version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_as_hypercorn(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in all_headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 4646),
        "state": {},
        "extensions": {},
    }
    feed = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if feed:
            return feed.pop()
        await trio.sleep_forever()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]
    start = sent[0]
    return Answer(
        start["status"],
        {name.decode().lower(): value.decode() for name, value in start["headers"]},
        b"".join(message["body"] for message in sent[1:]),
    )


def unquote_as_hypercorn(path: str) -> str:
    """Decode a path as the server does before the app sees it."""
    return unquote(path)


@asynccontextmanager
async def serving(
    app: QuartTrio, shutdown: trio.Event | None = None, connections_max: int = CONNECTIONS_MAX
) -> AsyncIterator[Address]:
    """Serve an app on a free port of loopback, orderly ended afterwards."""
    shutdown = trio.Event() if shutdown is None else shutdown
    config = ListenConfig(Address("127.0.0.1", 0), connections_max=connections_max)
    async with trio.open_nursery() as nursery:
        address: Address = await nursery.start(serve, app, config, shutdown)
        try:
            yield address
        finally:
            shutdown.set()
        # a test that leaves connections open must still end
        nursery.cancel_scope.deadline = trio.current_time() + 10


class RawClient:
    """HTTP/1.1 written by hand, so that a test sees what a server does to one connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._held = b""

    @classmethod
    async def connect(cls, address: Address) -> "RawClient":
        """Open a connection."""
        return cls(await trio.open_tcp_stream(address.host, address.port))

    async def send(self, request: bytes) -> None:
        """Send bytes as they are."""
        await self.stream.send_all(request)

    async def read_until(self, mark: bytes) -> bytes:
        """Read up to and with a mark; what is there if the connection ends first."""
        while mark not in self._held:
            chunk = await self.stream.receive_some(65_536)
            if not chunk:
                rest, self._held = self._held, b""
                return rest
            self._held += chunk
        end = self._held.index(mark) + len(mark)
        taken, self._held = self._held[:end], self._held[end:]
        return taken

    async def read_answer(self) -> Answer:
        """Read one answer that has a Content-Length."""
        head = (await self.read_until(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
        size = int(headers["content-length"])
        while len(self._held) < size:
            self._held += await self.stream.receive_some(65_536)
        body, self._held = self._held[:size], self._held[size:]
        return Answer(int(first.split()[1]), headers, body)

    async def ask(self, method: str, target: str, extra: str = "") -> Answer:
        """Send one request without a body and read its answer."""
        await self.send(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{extra}\r\n".encode())
        return await self.read_answer()
