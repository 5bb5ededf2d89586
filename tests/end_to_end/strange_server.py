"""TCP servers that are no node: what a handshake may find at an address that somebody mistyped, or set up to annoy."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

CHUNK = b"x" * 4_096
FLOOD_CHUNKS_MAX = 65_536
"""256 MiB: a reader without bounds would hold it all."""

Behaviour = Callable[[socket.socket, threading.Event], None]


def be_silent(connection: socket.socket, closing: threading.Event) -> None:
    """Take everything and say nothing."""
    while not closing.is_set() and connection.recv(65_536):
        pass
    closing.wait()


def be_deaf(connection: socket.socket, closing: threading.Event) -> None:
    """Neither read nor write."""
    closing.wait()


def send_garbage(connection: socket.socket, closing: threading.Event) -> None:
    """Send bytes without sense, and then nothing."""
    connection.sendall(bytes(range(256)) * 16)
    closing.wait()


def hang_up(connection: socket.socket, closing: threading.Event) -> None:
    """Close at once."""


def mirror(connection: socket.socket, closing: threading.Event) -> None:
    """Send back whatever comes."""
    while not closing.is_set() and (data := connection.recv(65_536)):
        connection.sendall(data)


def flood(connection: socket.socket, closing: threading.Event) -> None:
    """Answer with a head that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    for _ in range(FLOOD_CHUNKS_MAX):
        connection.sendall(CHUNK)


def drip(connection: socket.socket, closing: threading.Event) -> None:
    """Send a head a letter at a time, so that no single read ever times out."""
    while not closing.wait(0.2):
        connection.sendall(b"H")


def answer_http(status: str, body: bytes) -> Behaviour:
    """Answer every request over HTTP with the same."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"

    def behave(connection: socket.socket, closing: threading.Event) -> None:
        request = b""
        while b"\r\n\r\n" not in request and (data := connection.recv(65_536)):
            request += data
            if not b"GET".startswith(request[:3]):  # a handshake: a web server has no patience with it
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                return
        connection.sendall(head.encode() + body)

    return behave


@contextmanager
def strange_server(behave: Behaviour) -> Iterator[str]:
    """Serve on a free port of loopback for as long as the block lasts; gives host:port."""
    closing = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(30)
            behave(connection, closing)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            closing.set()
            listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def closed_port() -> Iterator[str]:
    """Hold a port at which nobody listens; gives host:port."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"
