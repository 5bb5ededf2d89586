"""TCP checks: by IPv4, by IPv6, by name, and where nobody listens."""

import pytest
import trio

from node.check.outcome import Outcome
from node.check.tcp import check_tcp
from protocol.catalog.check import CheckStatus
from tests.node.check.sample import definition


async def _listen(host: str) -> trio.SocketListener:
    return (await trio.open_tcp_listeners(0, host=host))[0]


@pytest.mark.parametrize(("host", "asked"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("::1", "localhost")])
async def test_tcp_connection_passes(host: str, asked: str) -> None:
    """A name is tried by all its addresses."""
    try:
        listener = await _listen(host)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    async with listener:
        text = f"{asked}:{listener.socket.getsockname()[1]}"
        outcome = await check_tcp(definition(tcp=text))
        if asked == "localhost" and outcome.status is CheckStatus.CRITICAL:
            pytest.skip("localhost is IPv4 alone here")
        assert outcome == Outcome(CheckStatus.PASSING, f"TCP connect {text}: Success")


async def test_tcp_nobody_listens() -> None:
    """The reason is the operating system's, for one address and for many."""
    listener = await _listen("127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    for host in ("127.0.0.1", "localhost"):
        outcome = await check_tcp(definition(tcp=f"{host}:{port}"))
        assert outcome == Outcome(CheckStatus.CRITICAL, f"dial tcp {host}:{port}: connect: connection refused")


@pytest.mark.parametrize(
    "text", ["host", "127.0.0.1:99999", ":80", "a b:80", "\ud800:80", "x" * 300 + ":80"], ids=ascii
)
async def test_tcp_of_no_address(text: str) -> None:
    """It is critical, and says why."""
    outcome = await check_tcp(definition(tcp=text))
    assert outcome.status is CheckStatus.CRITICAL
    assert outcome.output.startswith("dial tcp")


async def test_tcp_silence_is_critical_after_the_timeout(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: object
) -> None:
    """Where nothing answers at all, the timeout ends it."""

    async def hang(host: str, port: int) -> trio.SocketStream:
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(trio, "open_tcp_stream", hang)
    begun = trio.current_time()
    outcome = await check_tcp(definition(tcp="10.0.0.1:1", interval_s=60.0))
    assert outcome == Outcome(CheckStatus.CRITICAL, "dial tcp 10.0.0.1:1: i/o timeout")
    assert trio.current_time() - begun == 10.0
