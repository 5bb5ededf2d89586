"""How nginx-upsync-module asks Consul, and what it can read of an answer: src/ngx_http_upsync_module.c, 2.1.3.

It asks in HTTP/1.0, on a new connection each time, and reads until the connection is closed. Its fields are fixed
arrays, it compares header names letter by letter, and the reason phrase must begin with `OK`.
"""

import json
import re
import socket
from typing import Any, Final

HEADERS_MAX: Final = 20
"""NGX_MAX_HEADERS; a further one is written beyond the array."""
ELEMENT_SIZE_MAX: Final = 512
"""NGX_MAX_ELEMENT_SIZE, in bytes, of a header's name or value."""
CHUNK_SIZE_BYTES: Final = 65536
STATUS_LINE: Final = re.compile(r"HTTP/1\.[01] (\d{3}) ([^\r]*)")
INDEX_HEADER: Final = "X-Consul-Index"


class UpsyncError(Exception):
    """What the module logs as an error: it keeps the servers that it has."""


def ask_as_upsync(port: int, path: str, index: int, timeout_s: float) -> tuple[int, list[str]]:
    """Make one request on loopback; the index, and the servers of a service as "address:port".

    Raises:
        UpsyncError: the module would not take the answer, or the index is that of before.
        TimeoutError: no answer, or the connection stays open after it.
    """
    head, _, body = _read(port, f"{path}?recurse&index={index}", timeout_s).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = STATUS_LINE.fullmatch(first)
    if status is None or not status[2].startswith("OK"):
        raise UpsyncError(f"the status line is {first!r}")
    headers = [line.partition(":")[::2] for line in lines]
    if len(headers) > HEADERS_MAX or any(len(part) >= ELEMENT_SIZE_MAX for header in headers for part in header):
        raise UpsyncError(f"{len(headers)} headers, or a long one")
    if any(name.lower() == "transfer-encoding" for name, _ in headers):
        raise UpsyncError("a body in chunks, of which it keeps the last")
    found = next((int(value) for name, value in headers if name == INDEX_HEADER), 0)
    if found == index:
        raise UpsyncError(f"the index is {found}, as before")
    return found, sorted(map(_server, json.loads(body)))


def _read(port: int, target: str, timeout_s: float) -> bytes:
    request = f"GET {target} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(CHUNK_SIZE_BYTES), b""))


def _server(entry: dict[str, Any]) -> str:
    """Return the server of an entry of health/service or catalog/service."""
    if "Service" in entry:
        return f"{entry['Service']['Address'] or entry['Node']['Address']}:{entry['Service']['Port']}"
    return f"{entry['ServiceAddress'] or entry['Address']}:{entry['ServicePort']}"
