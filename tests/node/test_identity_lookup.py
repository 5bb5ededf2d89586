"""Asking an HTTP address where its node gossips: the answer, and every way in which there is none."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from node import identity_lookup
from node.identity_lookup import BODY_SIZE_MAX, HEAD_SIZE_MAX, LookupFailed, look_up_gossip_address
from protocol.address import Address

Serve = Callable[[trio.SocketStream], Awaitable[None]]
GOSSIP = Address("10.0.0.7", 7946)
IDENTITY = b'{"peer_id": "x", "address": "10.0.0.7:7946", "license_id": null}'


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[Address]:
    """Serve on a free port of loopback."""
    async with trio.open_nursery() as nursery:

        async def handle(stream: trio.SocketStream) -> None:
            try:
                await serve(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

        (listener, *_) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        yield Address("127.0.0.1", listener.socket.getsockname()[1])
        nursery.cancel_scope.cancel()


def answering(raw: bytes, asked: list[bytes] | None = None, *, closes: bool = True) -> Serve:
    """Send some bytes once the request has come."""

    async def serve(stream: trio.SocketStream) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += await stream.receive_some(4_096)
        if asked is not None:
            asked.append(request)
        await stream.send_all(raw)
        if not closes:
            await trio.sleep_forever()

    return serve


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Write an answer of HTTP/1.1."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


async def _failure(serve: Serve) -> str:
    async with server(serve) as address:
        with pytest.raises(LookupFailed) as failed:
            await look_up_gossip_address(address)
        assert str(failed.value).startswith(str(address))
        assert str(failed.value).isprintable()
        return str(failed.value)


async def test_lookup_reads_the_gossip_address() -> None:
    """One GET of the identity, with a Host, and a connection that need not be kept."""
    asked: list[bytes] = []
    async with server(answering(http(IDENTITY), asked, closes=False)) as address:
        assert await look_up_gossip_address(address) == GOSSIP
    (request,) = asked
    assert request.startswith(b"GET /v1/cluster/identity HTTP/1.1\r\n")
    assert f"host: {address}\r\n".encode() in request.lower()
    assert b"connection: close\r\n" in request.lower()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(IDENTITY), IDENTITY),
        b"HTTP/1.0 200 OK\r\n\r\n" + IDENTITY,
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(IDENTITY),
    ],
    ids=["chunked", "until closed", "after 100"],
)
async def test_lookup_reads_http_however_it_is_framed(raw: bytes) -> None:
    """As any HTTP server may answer."""
    async with server(answering(raw)) as address:
        assert await look_up_gossip_address(address) == GOSSIP


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (http(IDENTITY, "404 Not Found"), "answers HTTP with 404"),
        (http(b"", "302 Found", "Location: http://127.0.0.1:1/"), "answers HTTP with 302"),
        (http(b"", "204 No Content"), "answers HTTP with 204"),
        (http(b"<html>"), "is no node"),
        (http(b""), "is no node"),
        (http(b"[" * 10_000), "is no node"),
        (http(b'{"address": 5}'), "is no node"),
        (http(b'{"address": "\xff"}'), "is no node"),
        (http(b'{"address": "\\ud800:1"}'), "is no node"),
        (http(b'{"address": "example.org:7946"}'), "is no node"),
        (http(b'{"address": "10.0.0.7"}'), "is no node"),
        (http(b'{"address": "10.0.0.7:65536"}'), "is no node"),
        (http(b'{"address": "10.0.0.7:0"}'), "is no node"),
        (http(b'{"address": "10.0.0.7:00000000099999"}'), "is no node"),
        (http(b" " * (BODY_SIZE_MAX + 1)), f"over {BODY_SIZE_MAX} bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b" " * 100_000, f"over {BODY_SIZE_MAX} bytes"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * (HEAD_SIZE_MAX + 1), "does not speak HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
        (b"\x00" * 64, "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "does not speak HTTP"),
        (b"", "HTTP"),
    ],
    ids=lambda value: ascii(value[:30]),
)
async def test_lookup_refuses_what_is_no_identity(raw: bytes, said: str) -> None:
    """Each in one sentence that begins with the address; nothing is followed, nothing large is read."""
    assert said in await _failure(answering(raw))


async def test_lookup_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for the whole: for a silent server, and for one whose head comes a letter at a time."""
    monkeypatch.setattr(identity_lookup, "LOOKUP_TIMEOUT_S", 0.1)

    async def drip(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            await stream.send_all(b"y")
            await trio.sleep(0.01)

    async def stay_silent(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    for serve in (drip, stay_silent):
        with trio.fail_after(5):
            assert "did not give an HTTP answer within 0.1 s" in await _failure(serve)


async def test_lookup_where_nobody_listens() -> None:
    """A closed port is a failure like the others."""
    with trio.socket.socket() as held:
        await held.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", held.getsockname()[1])
        with pytest.raises(LookupFailed, match="broke the connection"):
            await look_up_gossip_address(address)
