"""An HTTP server that answers as an agent would, or as none should."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

ID_1 = "01HF7YAT00J5H9TKGZ2Q3W8X4E"
ID_2 = "01HF7YAT01J5H9TKGZ2Q3W8X4F"
ID_3 = "01HF7YAT02J5H9TKGZ2Q3W8X4G"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    params: list[tuple[str, str]]
    headers: dict[str, str]
    body: Any


@dataclass
class Reply:
    """What to answer; `pieces` are sent one by one, and `holds` keeps the connection open afterwards."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    pieces: tuple[bytes, ...] = ()
    holds: bool = False


@dataclass
class FakeAgent:
    """Routes, and what was asked of them."""

    url: str = ""
    routes: dict[str, Reply | Callable[[Asked], Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    def answer(self, route: str, value: Any, status: int = 200) -> None:
        """Answer "METHOD /path" with JSON."""
        self.routes[route] = Reply(status, msgspec.json.encode(value))

    def last(self) -> Asked:
        """Give the newest request."""
        return self.asked[-1]


@contextmanager
def serve() -> Iterator[FakeAgent]:
    """Run a fake agent on a free port of loopback."""
    agent = FakeAgent()

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            params = parse_qsl(parts.query, keep_blank_values=True)
            body = msgspec.json.decode(raw) if raw else None
            asked = Asked(self.command, parts.path, params, dict(self.headers), body)
            agent.asked.append(asked)
            found = agent.routes.get(f"{self.command} {parts.path}", Reply(404, b"no such path", "text/plain"))
            self._send(found if isinstance(found, Reply) else found(asked))

        do_GET = do_POST = do_PUT = do_DELETE = do_any

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            if not reply.pieces and not reply.holds:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            for piece in (reply.body, *reply.pieces):
                self.wfile.write(piece)
                self.wfile.flush()
            if reply.holds:
                agent.closing.wait(30)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    agent.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield agent
    finally:
        agent.closing.set()
        server.shutdown()
        server.server_close()


def member(member_id: str, name: str, status: str = "alive", **changes: Any) -> dict[str, Any]:
    """Shape a member as /v1/cluster/members does."""
    port = 7940 + int(name[-1])
    return {
        "id": member_id,
        "name": name,
        "region": "global",
        "datacenter": "dc1",
        "address": f"127.0.0.1:{port}",
        "status": status,
        "tags": {},
        "incarnation": 1_700_000_000_000,
        "public_key": "AAAA",
        "protocol": {"min": 1, "max": 1, "current": 1},
        "version": "0.1.0",
        "license_id": "",
        "display_name": "",
        "is_local": False,
        "since": 1_700_000_000.5,
        "rtt_s": 0.0012,
        "created_at_ms": 1_700_000_000_000,
    } | changes


def listing(*members: dict[str, Any]) -> dict[str, Any]:
    """Shape the whole answer of /v1/cluster/members."""
    head = {"cluster_id": ID_1, "local_id": ID_1, "index": 1, "generation": 1, "is_leaving": False, "awareness": 0}
    return head | {"members": list(members)}


def three_members() -> dict[str, Any]:
    """List one local member, one alive and one failed."""
    return listing(
        member(ID_1, "n1", is_local=True, rtt_s=None, tags={"role": "web", "rack": "a1"}),
        member(ID_2, "n2", tags={"role": "web"}),
        member(ID_3, "n3", "failed"),
    )
