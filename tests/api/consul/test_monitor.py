"""The stream of the log: which lines it shows, what it bounds, how it ends."""

import logging

import pytest
import trio
import trio.testing

from api.consul.monitor import LINES_MAX, STREAMS_MAX, LogLines
from tests.api.asker import RawClient, ask_consul, make_consul_app, serving
from tests.api.fake_view import FakeView

_log = logging.getLogger("shoal.test")


@pytest.mark.parametrize("level", ["x", "8", "information"])
async def test_monitor_level_unknown(level: str) -> None:
    """A level that there is not is 400."""
    answer = await ask_consul(FakeView(), "GET", f"/v1/agent/monitor?loglevel={level}")
    assert (answer.status, answer.text) == (400, f'Unknown log level: "{level}"')


async def _open(address: object, query: str = "") -> RawClient:
    client = await RawClient.connect(address)  # type: ignore[arg-type]
    await client.send(f"GET /v1/agent/monitor{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b"200" in await client.read_until(b"\r\n\r\n")
    await client.read_until(b"upwards\n")
    return client


async def test_monitor_streams_from_its_level_upwards() -> None:
    """Lines arrive as they are logged, one for each record, and the handler goes with the client."""
    shutdown = trio.Event()
    before = list(logging.getLogger("shoal").handlers)
    with trio.fail_after(10):
        async with serving(make_consul_app(FakeView()), shutdown) as address:
            client = await _open(address, "?loglevel=WARN")
            _log.info("not this")
            await trio.to_thread.run_sync(_log.warning, "this %s", "one\nand no other line")
            assert rb"[WARNING] shoal.test: this one\nand no other line" + b"\n" in await client.read_until(b"line\n")
            shutdown.set()
    assert logging.getLogger("shoal").handlers == before


async def test_monitor_bounds_its_streams() -> None:
    """Beyond the bound it is 429, until one ends."""
    with trio.fail_after(10):
        async with serving(make_consul_app(FakeView())) as address:
            clients = [await _open(address) for _ in range(STREAMS_MAX)]
            client = await RawClient.connect(address)
            assert (await client.ask("GET", "/v1/agent/monitor")).status == 429
            await clients[0].stream.aclose()
            while (await client.ask("GET", "/v1/agent/monitor?loglevel=x")).status != 400:
                await trio.testing.wait_all_tasks_blocked()


async def test_monitor_counts_what_is_lost() -> None:
    """Who reads too slowly is told how many lines are missing."""
    lines = LogLines(logging.INFO)
    for number in range(LINES_MAX + 3):
        lines.emit(logging.LogRecord("shoal", logging.INFO, "", 0, "line %d", (number,), None))
    await trio.testing.wait_all_tasks_blocked()
    text = await lines.take()
    assert text.count("\n") == LINES_MAX + 1
    assert text.endswith("3 lines were lost: they came faster than they were read\n")
