"""The HTTP client's bounds: time, size, and what is no HTTP."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from node import http_client
from node.http_client import Client, ClientError, StreamBrokenError, UnreachableError
from tests.node.cli.fake_agent import FakeAgent, Reply

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def raw_server(speak: Callable[[socket.socket, Event], None]) -> Iterator[str]:
    """Accept one connection and let `speak` answer it in raw bytes."""
    done = Event()

    def run(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            speak(connection, done)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=run, args=(server,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            thread.join(10)


def send(data: bytes) -> Callable[[socket.socket, Event], None]:
    """Send some bytes and hang up."""
    return lambda connection, _: connection.sendall(data)


def drip(head: bytes) -> Callable[[socket.socket, Event], None]:
    """Send a head, then one byte after the other, for ever and always in time for a socket's own timeout."""

    def speak(connection: socket.socket, done: Event) -> None:
        connection.sendall(head)
        while not done.wait(0.01):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    return speak


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", HEAD + b"Content-Length: 1000000\r\n\r\n"])
def test_answer_that_drips_ends_at_the_deadline(head: bytes) -> None:
    """The time is for the whole answer, in the head as in the body."""
    with raw_server(drip(head)) as url, pytest.raises(UnreachableError, match=r"did not answer within 0\.2 s"):
        Client(url, timeout_s=0.2).get("/x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\x02\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        HEAD + b"Content-Length: 10\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_one_sentence(data: bytes) -> None:
    """No exception of http.client or of a socket comes out."""
    with raw_server(send(data)) as url, pytest.raises(UnreachableError, match="is it an agent"):
        Client(url, timeout_s=5).get("/x")


def test_body_beyond_the_bound_is_refused(agent: FakeAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most a bound is read, whatever is announced."""
    monkeypatch.setattr(http_client, "BODY_SIZE_MAX", 1000)
    agent.routes["GET /fits"] = Reply(200, b"1" + b" " * 999)
    agent.routes["GET /large"] = Reply(200, b"1" + b" " * 1000)

    assert Client(agent.url).get("/fits") == 1
    with pytest.raises(ClientError, match="over 0 MiB"):
        Client(agent.url).get("/large")


def test_stream_in_chunks_is_read_as_it_comes() -> None:
    """Chunks need not end where events do; each event is given before the next one is sent."""
    released = Event()

    def speak(connection: socket.socket, done: Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for text in (b"id: 1\ndata: 1", b"1\n\n"):
            connection.sendall(b"%x\r\n%b\r\n" % (len(text), text))
        released.wait(10)
        text = b"event: e\ndata: [\ndata: 2]\n\n"
        connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text))
        done.wait(10)

    with raw_server(speak) as url:
        events = Client(url).events("/events")
        first = next(events)
        released.set()
        rest = list(events)

    assert (first.kind, first.index, first.data) == ("message", 1, 11)
    assert [(event.kind, event.index, event.data) for event in rest] == [("e", None, [2])]


def test_stream_that_falls_silent_is_broken() -> None:
    """Silence after the beginning is told apart from a stream that never began."""
    quiet = HEAD + b"\r\nid: 1\n\n"

    def speak(connection: socket.socket, done: Event) -> None:
        connection.sendall(quiet)
        done.wait(10)

    with raw_server(speak) as url:
        events = Client(url).events("/events", silence_max_s=0.2)
        assert next(events).index == 1
        with pytest.raises(StreamBrokenError, match=r"within 0\.2 s"):
            next(events)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:4646"),
        ("h:1", "http://h:1"),
        (" http://h:1/ ", "http://h:1"),
        ("http://[::1]:5", "http://[::1]:5"),
        ("https://h", "https://h:443"),
    ],
)
def test_url_is_completed(url: str, expected: str) -> None:
    """A host alone means the usual port."""
    assert Client(url).url == expected


def test_long_reason_is_cut_to_one_line(agent: FakeAgent) -> None:
    """A page of something else does not fill the terminal."""
    agent.routes["GET /x"] = Reply(502, b"<html>\n\x1b[2J" + b"y" * 5000, "text/html")

    with pytest.raises(ClientError) as caught:
        Client(agent.url).get("/x")

    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)
