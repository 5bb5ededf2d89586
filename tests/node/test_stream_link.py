"""One stream between two engines, over memory: handshake, words both ways, and every way it can end early."""

import os
import struct
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from node.stream_link import LINGER_S, RECEIVED_MAX, Link, LinkEnded
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.channel import Channel
from protocol.security.handshake import Initiator, Responder
from protocol.security.handshake_state import State
from protocol.security.hello import OwnHello
from protocol.swim.effect import JoinEnded, StreamClose, StreamSend, StreamVerdict
from protocol.wire.codec import encode_stream_message
from protocol.wire.message import Claim, Join, StreamPing, StreamPong
from tests.node.parts import Parts

Stream = trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]
HANDSHAKE_MAX_S = 1.0
"""The local profile's stream timeout."""


class Side:
    """One engine with its end of the stream."""

    def __init__(self, parts: Parts, stream: Stream, number: int, machine: Initiator | Responder) -> None:
        self.parts = parts
        self.stream = stream
        self.machine = machine
        purpose = Purpose.JOIN if isinstance(machine, Initiator) else None
        self.link = Link(parts.driver, cast(trio.SocketStream, stream), number, machine, purpose, trio.Lock())
        self.ended: LinkEnded | None = None
        self.is_over = trio.Event()
        self.joins: list[JoinEnded] = []
        parts.driver.connect(self._on_stream, self._on_effect)

    def _on_stream(self, effect: object) -> None:
        match effect:
            case StreamVerdict(_, refusal):
                self.link.decide(refusal)
            case StreamSend(_, message):
                self.link.send(message)
            case StreamClose():
                self.link.finish()
            case _:
                pass

    def _on_effect(self, effect: object) -> None:
        if isinstance(effect, JoinEnded):
            self.joins.append(effect)

    async def run(self) -> None:
        """Run the link to its end, as the stream server does."""
        try:
            await self.link.run(dialled=isinstance(self.machine, Initiator))
        except LinkEnded as ended:
            self.ended = ended
        finally:
            await trio.aclose_forcefully(self.stream)
            self.is_over.set()


def _hello(parts: Parts, name: str, purpose: Purpose | None = None) -> OwnHello:
    return OwnHello(name, "", parts.address, purpose)


def _responder(parts: Parts, stream: Stream, *, busy: bool = False) -> Side:
    machine = Responder(parts.identity, parts.keyring, _hello(parts, "b"), os.urandom, busy=busy)
    return Side(parts, stream, parts.engine.new_stream(), machine)


def _initiator(parts: Parts, stream: Stream, other: Parts) -> Side:
    number, _ = parts.engine.join(parts.driver.now, other.address)
    machine = Initiator(parts.identity, parts.keyring, _hello(parts, "a", Purpose.JOIN), os.urandom)
    return Side(parts, stream, number, machine)


async def test_two_links_join_two_nodes(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A join by stream alone: both know each other, the initiator hears how it ended, and both ends close."""
    here, there = memory_stream_pair()
    a, b = Parts("a", 1), None
    b = Parts("b", 2, a.keyring)
    dialled, accepted = _initiator(a, here, b), _responder(b, there)
    nursery.start_soon(a.driver.run_timer)
    nursery.start_soon(b.driver.run_timer)
    nursery.start_soon(dialled.run)
    nursery.start_soon(accepted.run)
    with trio.fail_after(30):
        await dialled.is_over.wait()
        await accepted.is_over.wait()
    assert (dialled.ended, accepted.ended) == (None, None)
    assert [(join.peer, join.datagrams_reach) for join in dialled.joins] == [(b.identity.id, False)]
    assert a.engine.membership.get(b.identity.id) is not None
    assert b.engine.membership.get(a.identity.id) is not None


async def test_refusals_reach_both_sides_in_words(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Another key, another cluster, a busy peer: both links end with that refusal."""
    for kind, refusal in (("key", Refusal.UNKNOWN_KEY), ("busy", Refusal.BUSY)):
        here, there = memory_stream_pair()
        a = Parts("a", 1)
        b = Parts("b", 2, None if kind == "key" else a.keyring)
        dialled, accepted = _initiator(a, here, b), _responder(b, there, busy=kind == "busy")
        nursery.start_soon(dialled.run)
        nursery.start_soon(accepted.run)
        with trio.fail_after(30):
            await dialled.is_over.wait()
            await accepted.is_over.wait()
        for side in (dialled, accepted):
            assert side.ended is not None
            assert side.ended.refusal is refusal
            assert not side.link.established


async def test_node_that_dials_itself_hears_its_own_echo(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A stream that leads back ends as an echo, not as a refusal."""
    here, there = memory_stream_pair()
    a = Parts("a", 1)
    dialled, accepted = _initiator(a, here, a), _responder(a, there)
    nursery.start_soon(dialled.run)
    nursery.start_soon(accepted.run)
    with trio.fail_after(30):
        await dialled.is_over.wait()
        await accepted.is_over.wait()
    assert dialled.ended is not None
    assert dialled.ended.is_own_echo


async def test_silent_peer_is_given_up_in_time(autojump_clock: MockClock) -> None:
    """A handshake that does not end is over after the profile's stream timeout."""
    here, _there = memory_stream_pair()
    side = _responder(Parts("b", 2), here)
    start = trio.current_time()
    await side.run()
    assert trio.current_time() - start == pytest.approx(HANDSHAKE_MAX_S)
    assert str(side.ended) == "the peer did not finish the handshake within 1 s"


async def test_dripping_peer_is_given_up_in_time(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """One byte now and then does not prolong a handshake."""
    here, there = memory_stream_pair()
    side = _responder(Parts("b", 2), here)

    async def drip() -> None:
        for _ in range(100):
            await there.send_all(b"\x00")
            await trio.sleep(0.4)

    nursery.start_soon(drip)
    start = trio.current_time()
    await side.run()
    nursery.cancel_scope.cancel()
    assert trio.current_time() - start <= HANDSHAKE_MAX_S + LINGER_S


@pytest.mark.parametrize(
    ("opening", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "does not speak Shoal's protocol"),
        (struct.pack(">I", 0), "does not speak Shoal's protocol"),
        (struct.pack(">I", 5) + b"HELLO", "does not speak Shoal's protocol"),
        (b"\x00\x00", "closed the connection during the handshake"),
        (b"", "closed the connection during the handshake"),
    ],
)
async def test_stranger_is_told_nothing(autojump_clock: MockClock, opening: bytes, reason: str) -> None:
    """What is no hello ends the stream, in words for the log, without an answer."""
    here, there = memory_stream_pair()
    side = _responder(Parts("b", 2), here)
    await there.send_all(opening)
    await there.send_eof()
    await side.run()
    assert reason in str(side.ended)
    assert await there.receive_some() == b""


# --- after the handshake ----------------------------------------------------------------------------


async def _shaken(
    nursery: trio.Nursery, parts: Parts, other: Parts, purpose: Purpose = Purpose.SYNC
) -> tuple[Side, Stream, Channel]:
    """Give an accepted side, and the other end as a test's own hands hold it."""
    here, there = memory_stream_pair()
    side = _responder(parts, there)
    nursery.start_soon(side.run)
    machine = Initiator(other.identity, other.keyring, _hello(other, "a", purpose), os.urandom)
    await here.send_all(machine.start())
    while machine.channel is None:
        if machine.state in (State.DECIDING, State.PEER_ACCEPTED):
            await here.send_all(machine.accept())
        else:
            await here.send_all(machine.receive(bytes(await here.receive_some())))
    return side, here, machine.channel


Act = Callable[[Stream, Channel], Awaitable[None]]


async def _truncate(stream: Stream, channel: Channel) -> None:
    await stream.send_all(channel.seal(encode_stream_message(StreamPing(1)))[:9])
    await stream.send_eof()


async def _change(stream: Stream, channel: Channel) -> None:
    frame = channel.seal(encode_stream_message(StreamPing(1)))
    await stream.send_all(frame[:-1] + bytes((frame[-1] ^ 1,)))


async def _repeat(stream: Stream, channel: Channel) -> None:
    frame = channel.seal(encode_stream_message(StreamPing(1)))
    await stream.send_all(frame + frame)


async def _babble(stream: Stream, channel: Channel) -> None:
    await stream.send_all(channel.seal(b"\xc1"))


async def _out_of_turn(stream: Stream, channel: Channel) -> None:
    await stream.send_all(channel.seal(encode_stream_message(StreamPong(1, 1))))


async def _oversize(stream: Stream, channel: Channel) -> None:
    await stream.send_all(struct.pack(">I", 2**31))


async def _be_silent(stream: Stream, channel: Channel) -> None:
    await trio.sleep(HANDSHAKE_MAX_S * 3)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (_truncate, "the stream was cut off"),
        (_change, "broke the protocol"),
        (_babble, "broke the protocol"),
        (_out_of_turn, "broke the protocol"),
        (_oversize, "broke the protocol"),
        (_be_silent, "was silent for 1 s"),
    ],
)
async def test_broken_stream_ends_with_its_reason(
    autojump_clock: MockClock, nursery: trio.Nursery, act: Act, reason: str
) -> None:
    """Whatever an established peer does wrong ends its stream, and says what it was."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    side, stream, channel = await _shaken(nursery, b, a)
    await act(stream, channel)
    with trio.fail_after(30):
        await side.is_over.wait()
    assert reason in str(side.ended)
    assert side.link.established


async def test_ping_is_answered_and_the_stream_closed(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A stream ping brings its pong and an explicit close; a peer that does not close delays nobody for long."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    side, stream, channel = await _shaken(nursery, b, a, Purpose.PING)
    await stream.send_all(channel.seal(encode_stream_message(StreamPing(7))))
    texts: list[bytes] = []
    while not channel.closed_by_peer:
        data = bytes(await stream.receive_some())
        assert data, "cut off without a close"
        texts += channel.receive(data)
    assert texts == [encode_stream_message(StreamPong(7, b.engine.membership.hash.root))]
    start = trio.current_time()
    with trio.fail_after(30):
        await side.is_over.wait()
    assert trio.current_time() - start <= LINGER_S + 0.01
    assert side.link.established


async def test_peer_that_reads_nothing_is_given_up(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A send that does not get through ends the stream after its time; the queue does not grow for ever."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    side, _stream, _channel = await _shaken(nursery, b, a)

    async def stuck() -> None:
        await trio.sleep_forever()

    side.stream.send_stream.send_all_hook = stuck
    side.link.send(StreamPing(1))
    with trio.fail_after(30):
        await side.is_over.wait()
    assert "took no bytes for 1 s" in str(side.ended) or "was silent for 1 s" in str(side.ended)


async def test_stream_brings_a_bounded_number_of_bytes(
    autojump_clock: MockClock, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that never comes to an end is cut off at the bound."""
    assert RECEIVED_MAX >= 16 * 1024 * 1024
    monkeypatch.setattr("node.stream_link.RECEIVED_MAX", 100)
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    side, stream, _channel = await _shaken(nursery, b, a)
    await stream.send_all(struct.pack(">I", 60_000) + bytes(200))
    with trio.fail_after(30):
        await side.is_over.wait()
    assert "sent over 100 bytes" in str(side.ended)


async def test_false_statement_on_a_stream_mutes_its_sender(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A record that its subject did not sign ends the stream, and its sender's datagrams are not heard either."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    side, stream, channel = await _shaken(nursery, b, a, Purpose.JOIN)
    raw = a.engine.local.record.raw
    text = encode_stream_message(Join(Claim(a.engine.local.record)))
    await stream.send_all(channel.seal(text.replace(raw[:64], bytes(64))))
    with trio.fail_after(30):
        await side.is_over.wait()
    assert "false statement" in str(side.ended)
    assert b.gate._muted.covers(trio.current_time(), a.identity.id)


async def test_repeated_frame_is_not_taken_twice(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A frame sent again does not open: the first is answered, the second ends nothing that was promised."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    side, stream, channel = await _shaken(nursery, b, a, Purpose.PING)
    await _repeat(stream, channel)
    with trio.fail_after(30):
        await side.is_over.wait()
    assert side.ended is None or "broke the protocol" in str(side.ended)
