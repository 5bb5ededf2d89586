"""A TCP proxy that counts the HTTP requests that go through it: what a program asks, by path."""

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

REQUEST_LINE: Final = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r?")
CHUNK_SIZE_BYTES: Final = 65536
LINE_SIZE_MAX_BYTES: Final = 65536
"""Of a line that has no end yet, a body's say, no more is kept."""


class CountingProxy:
    """A listener on a free port of loopback that passes each connection on to another port."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._lock = threading.Lock()
        self._targets: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def targets(self) -> list[str]:
        """Return each request so far: "METHOD /path?query", in order."""
        with self._lock:
            return list(self._targets)

    def counts(self) -> Counter[str]:
        """Return the number of requests so far by "METHOD /path"."""
        counts: Counter[str] = Counter()
        for target in self.targets():
            method, _, rest = target.partition(" ")
            counts[f"{method} {urlsplit(rest).path}"] += 1
        return counts

    def close(self) -> None:
        """Close the listener and each connection."""
        with self._lock:
            for held in self._sockets:
                with suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
                held.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._sockets += [near, far]
                threading.Thread(target=self._pass_on, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(far, near, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, is_asking: bool) -> None:
        rest = b""
        with suppress(OSError):
            while data := source.recv(CHUNK_SIZE_BYTES):
                if is_asking:
                    *lines, rest = (rest + data).split(b"\n")
                    rest = rest[-LINE_SIZE_MAX_BYTES:]
                    self._count(lines)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _count(self, lines: list[bytes]) -> None:
        found = [match for line in lines if (match := REQUEST_LINE.fullmatch(line))]
        with self._lock:
            self._targets += [f"{match[1].decode()} {match[2].decode('latin-1')}" for match in found]


@contextmanager
def counting_proxy(target: int) -> Iterator[CountingProxy]:
    """Run a proxy of a port for as long as the block lasts."""
    proxy = CountingProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
