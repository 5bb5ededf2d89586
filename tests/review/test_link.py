"""Streams that break or flood: they end, or wait, and nothing else does."""

from typing import cast

import pytest
import trio
import trio.testing

from node.driver import Driver
from node.stream_link import Link, LinkEnded
from protocol.purpose import Purpose
from protocol.security.handshake import Initiator, Responder
from protocol.security.hello import PeerHello
from protocol.wire.message import SyncEnd
from tests.protocol.security.sample import make_initiator, make_responder


class BreakingStream:
    """Takes no bytes; then brings garbage and breaks, as a peer does that sends some and resets."""

    def __init__(self) -> None:
        self._broken = trio.Event()

    def reset(self) -> None:
        """Break."""
        self._broken.set()

    async def send_all(self, data: bytes) -> None:
        """Wait for ever, that is, until the reset."""
        await self._broken.wait()
        raise trio.BrokenResourceError

    async def receive_some(self, size_max: int) -> bytes:
        """Bring what the kernel still had."""
        await self._broken.wait()
        return b"\x00\x00\x00\x20" + bytes(32)


def established() -> tuple[Initiator, Responder]:
    """Shake hands."""
    one, other = make_initiator(), make_responder()
    proof = one.receive(other.receive(one.start()))
    other.receive(proof + one.accept())
    one.receive(other.accept())
    return one, other


async def test_link_that_breaks_in_both_directions_at_once_ends_alone() -> None:
    """Garbage for the reader and a reset for the writer, in one turn: one LinkEnded, no group of exceptions."""
    machine, _ = established()
    assert machine.channel is not None
    stream = BreakingStream()
    link = Link(cast(Driver, None), cast(trio.SocketStream, stream), 1, machine, Purpose.SYNC, trio.Lock())
    link.send(SyncEnd())
    async with trio.open_nursery() as nursery:

        async def reset() -> None:
            await trio.testing.wait_all_tasks_blocked()
            stream.reset()

        nursery.start_soon(reset)
        with pytest.raises(LinkEnded, match="broke the protocol"):
            await link._converse(machine.channel, cast(PeerHello, machine.peer), 5.0)


class Flood:
    """Brings many frames at once, and ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def receive_some(self, size_max: int) -> bytes:
        """Bring all of it, then the end."""
        data, self._data = self._data, b""
        return data


class RecordingLink(Link):
    """Notes each message that it handles."""

    events: list[str]

    def _handle(self, text: bytes, peer: PeerHello) -> None:
        self.events.append("message")


async def test_links_that_flood_have_one_message_handled_between_two_turns_of_the_others() -> None:
    """64 streams with a frame of 512 claims each are 1.5 s of verifying: timers and datagrams go between them."""
    events: list[str] = []
    turn = trio.Lock()

    async def read() -> None:
        machine, sender = established()
        assert machine.channel is not None
        assert sender.channel is not None
        stream = Flood(b"".join(sender.channel.seal(b"text") for _ in range(5)))
        link = RecordingLink(cast(Driver, None), cast(trio.SocketStream, stream), 1, machine, Purpose.SYNC, turn)
        link.events = events
        with pytest.raises(LinkEnded, match="cut off"):
            await link._read(machine.channel, cast(PeerHello, machine.peer), 5.0)

    async def tick() -> None:
        while True:
            events.append("tick")
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        async with trio.open_nursery() as readers:
            for _ in range(8):
                readers.start_soon(read)
        nursery.cancel_scope.cancel()
    assert events.count("message") == 40
    assert max(len(run) for run in "".join(event[0] for event in events).split("t")) <= 2
