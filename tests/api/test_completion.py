"""What is finished though its client hangs up, and what then ends with the server."""

from collections.abc import Callable

import pytest
import trio
import trio.testing

from api.answer import Problem
from api.peer_view import PeerView
from tests.api.asker import ADMIN, RawClient, ask, make_app, serving
from tests.api.fake_peers import fake_peer
from tests.api.fake_tokens import ADMIN_TOKEN
from tests.api.fake_view import FakeView

DONE_WITHIN_S = 15.0
BODY = b'{"address": "127.0.0.1:1"}'
REQUEST = b"POST /v1/peers HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (
    ADMIN_TOKEN.encode(),
    len(BODY),
    BODY,
)


class SlowAdd:
    """An invitation that lasts until it is told to go on; `ended` says how."""

    def __init__(self, view: FakeView) -> None:
        self.begun, self.go_on, self.done = trio.Event(), trio.Event(), trio.Event()
        self.ended = ""
        view.peers.add = self.add  # type: ignore[method-assign]

    async def add(self, address: str) -> PeerView:
        """Wait."""
        self.begun.set()
        try:
            await self.go_on.wait()
            self.ended = "finished"
        except trio.Cancelled:
            self.ended = "cut short"
            raise
        finally:
            self.done.set()
        return fake_peer(2)


async def test_act_is_finished_though_the_client_hangs_up() -> None:
    """Nobody hears of it, and nothing is cut in half."""
    view = FakeView()
    slow = SlowAdd(view)
    with trio.fail_after(DONE_WITHIN_S):
        async with serving(make_app(view)) as address:
            client = await RawClient.connect(address)
            await client.send(REQUEST)
            await slow.begun.wait()
            await client.stream.aclose()
            await trio.testing.wait_all_tasks_blocked()
            slow.go_on.set()
            await slow.done.wait()
    assert slow.ended == "finished"


@pytest.mark.parametrize("end", [trio.Event.set, None])
async def test_act_ends_with_the_server(end: Callable[[trio.Event], None] | None) -> None:
    """After its grace where the end is orderly, at once where the server is cancelled."""
    view, shutdown = FakeView(), trio.Event()
    slow = SlowAdd(view)
    with trio.fail_after(DONE_WITHIN_S), trio.CancelScope() as scope:
        async with serving(make_app(view), shutdown) as address:
            client = await RawClient.connect(address)
            await client.send(REQUEST)
            await slow.begun.wait()
            if end is None:
                scope.cancel()
            else:
                end(shutdown)
            await slow.done.wait()
    assert slow.ended == "cut short"


async def test_act_that_is_refused_is_worded_as_ever() -> None:
    """A refusal comes out as it went in, not in a group."""
    view = FakeView()
    view.peers.refusal = Problem(422, "HANDSHAKE_FAILED", "nobody listens there")
    answer = await ask(view, "POST", "/v1/peers", ADMIN, BODY)
    assert (answer.status, answer.json["code"]) == (422, "HANDSHAKE_FAILED")
