"""One connection: when it ends, and what it does not speak."""

import pytest
import trio
import trio.testing

from api.server import exchange, malformed, places
from api.view import JoinReport
from tests.api.asker import RawClient, ask_app, make_app, serving
from tests.api.fake_view import FakeView


async def test_connection_idle_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a further request is closed, as is one that never sends a whole head."""
    monkeypatch.setattr(places, "KEEP_ALIVE_S", 0.1)
    monkeypatch.setattr(places, "FIRST_HEAD_S", 0.1)
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        assert (await client.ask("GET", "/livez")).status == 200
        slow = await RawClient.connect(address)
        await slow.send(b"GET /livez HTTP/1.1\r\nHost: ")
        with trio.fail_after(10):
            assert await client.read_until(b"never") == b""
            assert await slow.read_until(b"never") == b""


async def test_connection_in_service_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request may take longer than a connection may be idle."""
    monkeypatch.setattr(places, "KEEP_ALIVE_S", 0.1)
    monkeypatch.setattr(places, "FIRST_HEAD_S", 0.1)
    view = FakeView()

    async def slow_join(addresses: object, timeout_s: float) -> JoinReport:
        await trio.sleep(0.3)
        return JoinReport(1)

    monkeypatch.setattr(view, "join", slow_join)
    async with serving(make_app(view)) as address:
        client = await RawClient.connect(address)
        assert (await client.ask("POST", "/v1/agent/join?address=a")).json["num_joined"] == 1


async def test_connection_ignores_upgrade() -> None:
    """An offer to go over to HTTP/2, as `curl --http2` makes it, is answered in HTTP/1.1."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        extra = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
        assert (await client.ask("GET", "/livez", extra)).status == 200


@pytest.mark.parametrize("member_count", [3, 1_000])
async def test_connection_answers_whole(member_count: int) -> None:
    """Small answers, and those that are sent apart from their heads, arrive as they were made, one after the other."""
    app = make_app(FakeView(member_count))
    made = await ask_app(app, "GET", "/v1/agent/members")
    assert (len(made.body) > exchange.JOINED_SIZE_MAX) == (member_count > 3)
    async with serving(app) as address:
        client = await RawClient.connect(address)
        for _ in range(3):
            assert (await client.ask("GET", "/v1/agent/members")).body == made.body


async def test_connection_pipelined_requests() -> None:
    """Requests sent at once are answered one after the other."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        await client.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        assert [(await client.read_answer()).status for _ in range(3)] == [200, 200, 200]


async def test_connection_half_closed_is_answered() -> None:
    """Who says that it will send no more, as `nc -N` does, still hears the answers to all that it sent."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        await client.send(b"GET /v1/regions HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        await client.stream.send_eof()
        with trio.fail_after(10):
            assert (await client.read_until(b"never")).count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize("behind", [b"", b"G", b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", b"x" * 1_000_000])
async def test_connection_client_gone_cancels_join(monkeypatch: pytest.MonkeyPatch, behind: bytes) -> None:
    """A client that hangs up ends its own join, and its place is free again, whatever it sent behind its request."""
    monkeypatch.setattr(exchange, "PIPELINED_S", 1.0)
    view = FakeView()
    ended = trio.Event()

    async def endless_join(addresses: object, timeout_s: float) -> JoinReport:
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    monkeypatch.setattr(view, "join", endless_join)
    async with serving(make_app(view)) as address:
        client = await RawClient.connect(address)
        with trio.move_on_after(0.5):  # not all of it may be taken
            await client.send(b"POST /v1/agent/join?address=a HTTP/1.1\r\nHost: localhost\r\n\r\n" + behind)
        await trio.testing.wait_all_tasks_blocked(0.05)
        await client.stream.aclose()
        with trio.fail_after(3):
            await ended.wait()


async def test_connection_client_gone_does_not_stop_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """A goodbye once begun is finished, though nobody waits for the answer."""
    view = FakeView()
    begun, finished = trio.Event(), trio.Event()

    async def slow_leave(stay: bool) -> None:
        begun.set()
        await trio.sleep(0.2)
        finished.set()

    monkeypatch.setattr(view, "leave", slow_leave)
    async with serving(make_app(view)) as address:
        client = await RawClient.connect(address)
        await client.send(
            b"POST /v1/cluster/leave HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer the-admin-token\r\n\r\n"
        )
        await begun.wait()
        await client.stream.aclose()
        with trio.fail_after(3):
            await finished.wait()


@pytest.mark.parametrize(
    ("request_bytes", "status", "words"),
    [
        (b"GET /v1/agent/members?near=\xc3\xbc HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "beyond ASCII"),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400, "one Host header, and there is none"),
        (
            b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
            400,
            "one Host header, and there are several",
        ),
        (b"POST /v1/agent/join HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "Content-Length is not"),
        (b"POST /v1/agent/join HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400, "Content-Length is not"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "that differ"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "only be chunked"),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "NAME: VALUE"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400, "NAME: VALUE"),
        (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "begins with a blank"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, malformed.TLS),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2.0 is not spoken here"),
        (b"GET /livez HTTP/3.0\r\nHost: a\r\n\r\n", 505, "HTTP/3.0 is not spoken"),
        (b"hello\r\n\r\n", 400, malformed.NOT_HTTP),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, malformed.NOT_HTTP),
    ],
)
async def test_connection_names_what_is_not_http(request_bytes: bytes, status: int, words: str) -> None:
    """What never becomes a request is refused with what was wrong with it, and ends the connection."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        await client.send(request_bytes)
        answer = await client.read_answer()
        assert (answer.status, answer.headers["content-type"]) == (status, "text/plain; charset=utf-8")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert words in answer.text
        with trio.fail_after(3):
            assert await client.read_until(b"never") == b""


async def test_connection_refuses_endless_head() -> None:
    """A head beyond the bound is 431 with a sentence, though its end never comes."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        await client.send(b"GET /livez HTTP/1.1\r\nX: " + b"a" * 200_000)
        answer = await client.read_answer()
        assert (answer.status, answer.text) == (431, malformed.TOO_LARGE.format(bound=65_536))


async def test_connection_refuses_bad_chunks() -> None:
    """A body that is not chunked as announced is 400 with what was wrong with it."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        await client.send(b"POST /v1/agent/join HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        answer = await client.read_answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert "not chunked" in answer.text


async def test_connection_ends_after_a_request_framed_twice() -> None:
    """With a length and chunks nobody can tell where the next request begins: none is read."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        framing = b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"
        await client.send(b"POST /v1/agent/join HTTP/1.1\r\nHost: localhost\r\n" + framing + b"\r\n0\r\n\r\n")
        assert (await client.read_answer()).headers["connection"] == "close"
        with trio.fail_after(5):
            assert await client.read_until(b"never") == b""


async def test_connection_bounds_the_lines_of_a_head() -> None:
    """Many headers are 431, whether they come at once or bit by bit; empty lines before a request are passed over."""
    async with serving(make_app(FakeView())) as address:
        for pieces in ((b"a:\r\n" * 300,), (b"a:\r\n" * 200, b"a:\r\n" * 200)):
            client = await RawClient.connect(address)
            await client.send(b"\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n")
            for piece in pieces:
                await trio.testing.wait_all_tasks_blocked(0.01)
                await client.send(piece)
            assert (await client.read_answer()).status == 431
        client = await RawClient.connect(address)
        await client.send(b"\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await client.read_answer()).status == 200
