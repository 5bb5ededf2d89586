"""Streams over TCP: how many, how long, and what becomes of those beyond the bounds."""

import os
from collections.abc import AsyncIterator
from functools import partial
from typing import cast

import pytest
import trio
import trio.testing

from node import stream_server
from node.stream_server import StreamServer, connect
from protocol.address import Address
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.handshake import Initiator
from protocol.security.handshake_failure import HandshakeRefused
from protocol.security.hello import OwnHello
from protocol.swim.effect import Dial, JoinEnded, StreamClose, StreamSend, StreamVerdict
from protocol.wire.message import StreamPing
from tests.node.parts import Parts

DONE_WITHIN_S = 10.0


class Served:
    """One node's engine with its stream server on a port of loopback."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.server = StreamServer(parts.driver, parts.identity)
        self.joins: list[JoinEnded] = []
        self.joined = trio.Event()
        parts.driver.connect(self.server.perform, self._on_effect)
        self.address = Address("127.0.0.1", 0)

    def _on_effect(self, effect: object) -> None:
        if isinstance(effect, JoinEnded):
            self.joins.append(effect)
            self.joined.set()

    async def start(self, nursery: trio.Nursery) -> None:
        """Listen."""
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.address = Address(*listener.socket.getsockname()[:2])
        nursery.start_soon(self.server.run, listener)
        nursery.start_soon(self.parts.driver.run_timer)
        await trio.testing.wait_all_tasks_blocked()

    async def join(self, address: Address) -> JoinEnded:
        """Join through an address and wait for how it ended."""
        self.joined = trio.Event()
        _, effects = self.parts.engine.join(self.parts.driver.now, address)
        self.parts.driver.perform(effects)
        with trio.fail_after(DONE_WITHIN_S):
            await self.joined.wait()
        return self.joins[-1]


@pytest.fixture
async def served(nursery: trio.Nursery) -> AsyncIterator[Served]:
    """Serve streams."""
    served = Served(Parts("b", 2))
    await served.start(nursery)
    yield served
    nursery.cancel_scope.cancel()


async def _newcomer(nursery: trio.Nursery, served: Served) -> Served:
    newcomer = Served(Parts("a", 1, served.parts.keyring))
    await newcomer.start(nursery)
    return newcomer


async def test_join_over_tcp_ends_well(served: Served, nursery: trio.Nursery) -> None:
    """A dialled and an accepted stream bring two engines together; both count one good handshake."""
    newcomer = await _newcomer(nursery, served)
    ended = await newcomer.join(served.address)
    assert ended.peer == served.parts.identity.id
    assert newcomer.server.handshakes["ok"] <= 1
    assert newcomer.parts.engine.membership.get(served.parts.identity.id) is not None


async def test_join_where_nobody_listens_says_so(served: Served) -> None:
    """A refused connection is one sentence with the address."""
    closed = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = Address(*closed[0].socket.getsockname()[:2])
    await closed[0].aclose()
    ended = await served.join(address)
    assert ended.peer is None
    assert ended.reason == f"{address}: connection refused: nobody listens there"
    assert served.server.handshakes["unreachable"] == 1


async def test_join_of_another_protocol_says_so(served: Served, nursery: trio.Nursery) -> None:
    """A peer that speaks something else is told apart from one that refuses."""

    async def babble(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await stream.receive_some()

    listeners = await nursery.start(partial(trio.serve_tcp, babble, 0, host="127.0.0.1"))
    ended = await served.join(Address(*listeners[0].socket.getsockname()[:2]))
    assert "does not speak Shoal's protocol" in ended.reason


async def test_dials_beyond_the_bound_are_refused_at_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node dials so many streams at once and no more; the next is told why, without a task."""
    monkeypatch.setattr(stream_server, "DIALLED_MAX", 0)
    ended = await served.join(Address("127.0.0.1", 9))
    assert "dials as many streams as it may" in ended.reason


async def test_joins_leave_others_streams_to_dial(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Joins and invitations have a share of the streams, and no more; a sync finds one of the rest."""
    monkeypatch.setattr(stream_server, "JOINING_MAX", 0)
    ended = await served.join(Address("127.0.0.1", 9))
    assert "dials as many streams as it may" in ended.reason
    stream = served.parts.engine.new_stream()
    served.server.perform(Dial(stream, served.parts.identity.id, Address("127.0.0.1", 9), Purpose.SYNC))
    with trio.fail_after(DONE_WITHIN_S):
        while not served.server.handshakes:
            await trio.testing.wait_all_tasks_blocked()
    assert cast(dict[str, int], served.server.handshakes) == {"unreachable": 1}


async def test_dial_before_the_server_runs_is_refused() -> None:
    """Without a nursery there is nobody to dial: the engine is told, and waits for nothing."""
    served = Served(Parts("b", 2))
    ended = await served.join(Address("127.0.0.1", 9))
    assert ended.peer is None


async def test_full_house_of_members_says_busy(
    served: Served, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every place is taken by members, the next is told `busy`."""
    monkeypatch.setattr(stream_server, "ACCEPTED_MAX", 0)
    newcomer = await _newcomer(nursery, served)
    ended = await newcomer.join(served.address)
    assert ended.refusal is Refusal.BUSY
    with trio.fail_after(DONE_WITHIN_S):
        while not served.server.handshakes["busy"]:
            await trio.testing.wait_all_tasks_blocked()


async def test_silent_strangers_keep_no_member_out(
    served: Served, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every place held by connections that say nothing, a newcomer still joins."""
    monkeypatch.setattr(stream_server, "ACCEPTED_MAX", 3)
    strangers = [await connect(served.address, 5) for _ in range(3)]
    await trio.testing.wait_all_tasks_blocked()
    newcomer = await _newcomer(nursery, served)
    ended = await newcomer.join(served.address)
    assert ended.peer == served.parts.identity.id
    for stranger in strangers:
        await stranger.aclose()


async def test_beyond_the_refusals_nothing_is_said(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its bound even `busy` is too much work: the connection is closed."""
    monkeypatch.setattr(stream_server, "ACCEPTED_MAX", 0)
    monkeypatch.setattr(stream_server, "REFUSING_MAX", 0)
    with trio.fail_after(DONE_WITHIN_S):
        stream = await connect(served.address, 5)
        try:
            assert await stream.receive_some() == b""
        except trio.BrokenResourceError:
            pass
        await stream.aclose()


async def test_refused_stranger_is_counted_by_reason(served: Served) -> None:
    """Each way a handshake ends has its own count."""
    stranger = Parts("x", 9)
    machine = Initiator(
        stranger.identity, stranger.keyring, OwnHello("x", "", stranger.address, Purpose.JOIN), os.urandom
    )
    with trio.fail_after(DONE_WITHIN_S):
        stream = await connect(served.address, 5)
        await stream.send_all(machine.start())
        with pytest.raises(HandshakeRefused):
            machine.receive(bytes(await stream.receive_some()))
        await stream.aclose()
        while not served.server.handshakes:
            await trio.testing.wait_all_tasks_blocked()
    assert served.server.handshakes == {"unknown_key": 1}


@pytest.mark.parametrize("connects", [False, True])
async def test_dial_that_is_closed_before_it_opened_is_given_up(
    served: Served, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, connects: bool
) -> None:
    """At once: an address that never answers, or no handshake, must not hold one of the few until it times out."""
    reached = trio.Event()

    async def keep_silent(stream: trio.SocketStream) -> None:
        reached.set()
        await stream.receive_some()
        await trio.sleep_forever()

    async def never(address: Address, timeout_s: float) -> trio.SocketStream:
        reached.set()
        await trio.sleep_forever()
        raise AssertionError(address, timeout_s)

    if not connects:
        monkeypatch.setattr(stream_server, "connect", never)
    listeners = await nursery.start(partial(trio.serve_tcp, keep_silent, 0, host="127.0.0.1"))
    address = Address(*listeners[0].socket.getsockname()[:2])
    closed: list[int] = []

    def note(number: int, refusal: Refusal | None, reason: str, own_echo: bool = False) -> None:
        closed.append(number)

    monkeypatch.setattr(served.server, "_report_closed", note)
    stream = served.parts.engine.new_stream()
    served.server.perform(Dial(stream, served.parts.identity.id, address, Purpose.PING))
    with trio.fail_after(served.parts.engine.core.settings.stream_timeout_s / 2):
        await reached.wait()
        served.server.perform(StreamClose(stream))
        while not closed:
            await trio.testing.wait_all_tasks_blocked(0.01)
    assert closed == [stream]


async def test_effects_about_streams_that_are_gone_do_nothing(served: Served) -> None:
    """The engine may speak of a stream that just ended."""
    for effect in (StreamVerdict(99, None), StreamSend(99, StreamPing(1)), StreamClose(99)):
        served.server.perform(effect)


async def test_dial_to_a_certain_member_refuses_another(served: Served, nursery: trio.Nursery) -> None:
    """A contact meant for one id and answered by another has failed."""
    newcomer = await _newcomer(nursery, served)
    third = Parts("c", 3, served.parts.keyring)
    stream = newcomer.parts.engine.new_stream()
    newcomer.server.perform(Dial(stream, third.identity.id, served.address, Purpose.SYNC))
    with trio.fail_after(DONE_WITHIN_S):
        while not newcomer.server.handshakes:
            await trio.testing.wait_all_tasks_blocked()
    assert cast(dict[str, int], newcomer.server.handshakes) == {"failed": 1}
