"""Listening, refusing to, and ending."""

import ssl
import subprocess
from pathlib import Path

import pytest
import trio
import trio.testing

from api import connection
from api.server import ListenConfig, ListenFailed, load_tls, serve
from api.view import JoinReport
from protocol.address import Address
from tests.api.asker import RawClient, make_app, serving
from tests.api.fake_view import FakeView


async def test_serve_reports_bound_port() -> None:
    """Port 0 becomes a real one, and requests on one connection are answered in turn."""
    async with serving(make_app(FakeView())) as address:
        assert address.host == "127.0.0.1"
        assert address.port > 0
        client = await RawClient.connect(address)
        for _ in range(3):
            assert (await client.ask("GET", "/livez")).status == 200


async def test_serve_on_ipv6() -> None:
    """An IPv6 address is listened on as such."""
    app = make_app(FakeView())
    async with trio.open_nursery() as nursery:
        try:
            address: Address = await nursery.start(serve, app, ListenConfig(Address("::1", 0)))
        except* ListenFailed:
            pytest.skip("this machine has no IPv6")
        client = await RawClient.connect(address)
        assert (await client.ask("GET", "/livez")).status == 200
        nursery.cancel_scope.cancel()


async def test_serve_busy_port() -> None:
    """A port in use is one plain sentence, not a group of exceptions."""
    async with serving(make_app(FakeView())) as address:
        with pytest.raises(ListenFailed, match=f"HTTP cannot listen on {address}: the port is in use") as failed:
            await serve(make_app(FakeView()), ListenConfig(address))
        assert "\n" not in str(failed.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
async def test_serve_beyond_loopback(host: str) -> None:
    """Another address than loopback is refused before anything is bound, unless it is allowed."""
    with pytest.raises(ListenFailed, match="without access control"):
        await serve(make_app(FakeView()), ListenConfig(Address(host, 0)))


async def test_serve_address_not_ours() -> None:
    """An address that no interface has is one sentence too."""
    with pytest.raises(ListenFailed, match="no interface of this machine has that address"):
        await serve(make_app(FakeView()), ListenConfig(Address("192.0.2.1", 0), beyond_loopback=True))


async def test_serve_finishes_what_is_in_service() -> None:
    """At an orderly end a request in service gets its answer, and nobody new is let in."""
    view = FakeView()
    begun, proceed, shutdown = trio.Event(), trio.Event(), trio.Event()

    async def slow_join(addresses: object, timeout_s: float) -> JoinReport:
        begun.set()
        await proceed.wait()
        return JoinReport(1)

    view.join = slow_join  # type: ignore[method-assign]
    async with trio.open_nursery() as nursery:
        address: Address = await nursery.start(serve, make_app(view), ListenConfig(Address("127.0.0.1", 0)), shutdown)
        client = await RawClient.connect(address)
        await client.send(b"POST /v1/agent/join?address=a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await begun.wait()
        shutdown.set()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(OSError, match=str(address.port)):
            await RawClient.connect(address)
        proceed.set()
        assert (await client.read_answer()).json["num_joined"] == 1


async def test_serve_ends_streams_and_idle_connections() -> None:
    """An orderly end waits neither for a stream of events nor for an idle connection."""
    async with serving(make_app(FakeView())) as address:
        idle = await RawClient.connect(address)
        await idle.ask("GET", "/livez")
        stream = await RawClient.connect(address)
        await stream.send(b"GET /v1/cluster/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await stream.read_until(b"\n\n")
    assert await idle.read_until(b"never") == b""
    rest = await stream.read_until(b"never")
    assert rest.endswith(b"0\r\n\r\n")


async def test_serve_survives_garbage() -> None:
    """Bytes that are not HTTP end their own connection and no other."""
    async with serving(make_app(FakeView())) as address:
        for garbage in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET / HTTP/1.1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
            b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
            b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            b"\x00" * 200_000,
        ):
            client = await RawClient.connect(address)
            with trio.move_on_after(1):
                try:
                    await client.send(garbage)
                    await client.stream.send_eof()
                    await client.read_until(b"never")
                except trio.BrokenResourceError:
                    pass
            await client.stream.aclose()
        other = await RawClient.connect(address)
        assert (await other.ask("GET", "/livez")).status == 200


async def test_serve_cuts_off_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes no bytes for so long loses the connection, and with it the place in service."""
    monkeypatch.setattr(connection, "SEND_S", 0.2)
    view = FakeView(3_000)
    app = make_app(view)
    async with serving(app) as address:
        client = await RawClient.connect(address)
        await client.send(b"GET /v1/agent/members HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        turns = app.asgi_app._slots  # type: ignore[attr-defined]
        with trio.fail_after(20):
            received = 0
            await trio.sleep(1)
            try:
                while chunk := await client.stream.receive_some(1 << 20):
                    received += len(chunk)
            except trio.BrokenResourceError:
                pass
        assert received < 20 * 1_000_000
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert turns.value == 64


async def test_serve_bounds_connections() -> None:
    """Beyond the bound a connection waits until another ends."""
    async with serving(make_app(FakeView()), connections_max=2) as address:
        first, second, third = [await RawClient.connect(address) for _ in range(3)]
        assert (await first.ask("GET", "/livez")).status == 200
        assert (await second.ask("GET", "/livez")).status == 200
        with trio.move_on_after(0.3) as waited:
            await third.ask("GET", "/livez")
        assert waited.cancelled_caught
        await first.stream.aclose()
        with trio.fail_after(10):
            assert (await third.read_answer()).status == 200


async def test_serve_tls(tmp_path: Path) -> None:
    """With a certificate the same API is served over TLS, and the files can be read again."""
    certificate, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", certificate),
        ],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("openssl cannot make a certificate here")
    context = load_tls(certificate, key)
    assert load_tls(certificate, key, context) is context
    async with trio.open_nursery() as nursery:
        listen = ListenConfig(Address("127.0.0.1", 0), tls=context)
        address: Address = await nursery.start(serve, make_app(FakeView()), listen)
        trusted = ssl.create_default_context(cafile=certificate)
        stream = await trio.open_ssl_over_tcp_stream(
            address.host, address.port, ssl_context=trusted, https_compatible=True
        )
        await stream.send_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in await stream.receive_some(1_000)
        nursery.cancel_scope.cancel()


def test_tls_files_unusable(tmp_path: Path) -> None:
    """Files that are missing or are no certificate give one sentence."""
    nothing = tmp_path / "nothing.pem"
    with pytest.raises(ListenFailed, match="No such file"):
        load_tls(str(nothing), str(nothing))
    nothing.write_text("not a certificate")
    with pytest.raises(ListenFailed, match="TLS cannot use"):
        load_tls(str(nothing), str(nothing))
