"""What one caller of HTTP takes from others: places, streams that outlive a right, and the end of the process."""

import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from api.token_view import Scope
from node import Config, open_node
from tests.api.asker import RawClient, make_app, serving
from tests.api.fake_tokens import token_of
from tests.api.fake_view import FakeView
from tests.end_to_end.agent_process import AgentProcess

pytestmark = pytest.mark.end_to_end

SERVICE_MAX = 64
SOON_S = 1.5
"""An answer takes some milliseconds on an idle machine."""
DONE_WITHIN_S = 15.0


@contextmanager
def silent_server() -> Iterator[str]:
    """Listen, and never say anything: the kernel shakes TCP's hand for it."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """Run one agent."""
    agent = AgentProcess("n1", tmp_path, ("--profile", "local"))
    try:
        agent.start()
        yield agent
    finally:
        agent.kill()


def test_slow_handshakes_hold_up_no_other_request(agent: AgentProcess) -> None:
    """The Peers API promises it; a supervisor that gets no answer from /livez kills the node."""
    with silent_server() as silent, ThreadPoolExecutor(SERVICE_MAX) as pool:
        body = {"address": silent}
        asked = [pool.submit(agent.ask, "POST", "/v1/peers", None, body) for _ in range(SERVICE_MAX)]
        time.sleep(0.5)
        begun = time.monotonic()
        answer = agent.client("").exchange("GET", "/livez", {}, None, timeout_s=DONE_WITHIN_S)
        took_s = time.monotonic() - begun
        assert {one.result().status for one in asked} <= {422, 429, 503}
    assert (answer.status, took_s < SOON_S) == (200, True), f"/livez took {took_s:.1f} s"


def test_sigterm_does_not_wait_for_a_handshake(agent: AgentProcess) -> None:
    """It exits without leaving: the requests in service get their two seconds, and no more."""
    with silent_server() as silent, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(agent.ask, "POST", "/v1/peers", None, {"address": silent})
        time.sleep(0.5)
        begun = time.monotonic()
        agent.send_signal(signal.SIGTERM)
        agent.wait_end()
        took_s = time.monotonic() - begun
        asked.exception()
    assert took_s < 3.5


async def test_joins_that_go_nowhere_leave_the_node_streams_to_dial(tmp_path: Path) -> None:
    """A join asks for no token: it must not take from probes and syncs what they dial with."""
    first = Config.local(name="a", bind="127.0.0.1:0", data_dir=tmp_path / "a")
    async with open_node(first) as me:
        second = Config.local(
            name="b", bind="127.0.0.1:0", data_dir=tmp_path / "b", key_file=tmp_path / "a" / "cluster.key"
        )
        async with open_node(second) as other, trio.open_nursery() as nursery:
            with silent_server() as silent, trio.fail_after(DONE_WITHIN_S):
                nursery.start_soon(me.join, [silent] * 64)
                await trio.sleep(0.2)
                (attempt,) = await me.join([str(other.address)])
            nursery.cancel_scope.cancel()
        assert attempt.joined, attempt.reason


async def test_stream_of_events_ends_with_the_right_to_it() -> None:
    """A token that was revoked is dead at once, and so is what was opened with it."""
    view = FakeView()
    secret = token_of(Scope.NODE_READ)
    async with serving(make_app(view, acl=True)) as address:
        client = await RawClient.connect(address)
        await client.send(
            b"GET /v1/cluster/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %b\r\n\r\n" % secret.encode()
        )
        with trio.fail_after(DONE_WITHIN_S):
            assert b"200" in await client.read_until(b"\r\n\r\n")
            await client.read_until(b"\n\n")
            view.tokens._rights.pop(secret)
            view.add_event("member-failed")
            told = b""
            with trio.move_on_after(SOON_S):
                told = await client.read_until(b"member-failed")
        await client.stream.aclose()
    assert b"member-failed" not in told
