"""The engine on Trio: timers in their time, effects in their order, datagrams opened or counted."""

import logging

import pytest
import trio
from trio.testing import MockClock

from node.driver import LATENESS_BUCKETS_S, Lateness
from protocol.address import Address
from protocol.purpose import Purpose
from protocol.security.mute import MUTE_S
from protocol.security.opening import DropReason
from protocol.swim.deadline import Timer
from protocol.swim.effect import (
    Changed,
    ChangeKind,
    Dial,
    KeyringReceived,
    LeaveEnded,
    PersistPresence,
    Send,
    StreamClose,
)
from protocol.wire.codec import encode_packet
from protocol.wire.message import Ack, Claim, Packet, Ping
from protocol.wire.statement import decode_statement
from tests.node.parts import START_MS, Parts


def test_lateness_is_counted_in_its_bucket() -> None:
    """Each timer counts once, in the first bucket that holds it; beyond the last in one more; never below 0."""
    lateness = Lateness()
    for late_s in (-1.0, 0.001, 0.002, 4.0, 60.0):
        lateness.add(late_s)
    assert sum(lateness.counts) == 5
    assert lateness.counts[0] == 2
    assert lateness.counts[1] == 1
    assert lateness.counts[LATENESS_BUCKETS_S.index(5.0)] == 1
    assert lateness.counts[-1] == 1
    assert lateness.largest_s == 60.0
    assert lateness.total_s == pytest.approx(64.003)


async def test_driver_hands_effects_on_in_order() -> None:
    """Streams' effects go to the streams, the rest to the node, each in its turn."""
    parts = Parts("a", 1)
    streams: list[object] = []
    others: list[object] = []
    parts.driver.connect(streams.append, others.append)
    dial = Dial(1, None, Address("127.0.0.1", 9), Purpose.JOIN)
    parts.driver.perform([PersistPresence(True), dial, LeaveEnded(), StreamClose(1)])
    assert streams == [dial, StreamClose(1)]
    assert others == [PersistPresence(True), LeaveEnded()]


async def test_driver_sends_what_the_peer_can_open() -> None:
    """A Send becomes one datagram, an introduction at first, that the peer opens and answers."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    a.meet(b)
    a.datagrams.sent.clear()
    a.driver.perform([Send(b.identity.id, b.address, Packet((Ping(5),)))])
    assert a.deliver(b) == 1
    assert b.engine.membership.get(a.identity.id) is not None
    assert not any(b.driver.drops.values())
    assert b.deliver(a) >= 1
    assert not any(a.driver.drops.values())


async def test_driver_sends_nothing_to_whom_it_does_not_know() -> None:
    """Without a key there is no seal: nothing leaves."""
    a, b = Parts("a", 1), Parts("b", 2)
    a.driver.perform([Send(b.identity.id, b.address, Packet((Ping(5),)))])
    assert a.datagrams.sent == []


async def test_driver_says_which_packet_was_too_large(caplog: pytest.LogCaptureFixture) -> None:
    """A packet beyond a datagram's room is dropped with a warning; the node goes on."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    a.meet(b)
    a.datagrams.sent.clear()
    packet = Packet(
        tuple(Ack(number, 2**63) for number in range(2**31, 2**31 + 60)), (Claim(b.engine.local.record),) * 3
    )
    a.driver.perform([Send(b.identity.id, b.address, packet)])
    assert a.datagrams.sent == []
    assert "was not sent" in caplog.text


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", DropReason.TOO_SHORT),
        (bytes(1_401), DropReason.TOO_LONG),
        (bytes(200), DropReason.VERSION),
        (b"\xd1\x01" + bytes(200), DropReason.UNKNOWN_SENDER),
        (b"\xd1\x02" + bytes(200), DropReason.UNKNOWN_KEY),
        (b"\xd1\x09" + bytes(200), DropReason.MALFORMED),
    ],
)
async def test_driver_counts_what_does_not_open(datagram: bytes, reason: DropReason) -> None:
    """Each datagram that says nothing is counted under its reason, and changes nothing."""
    parts = Parts("a", 1)
    parts.driver.handle_datagram(datagram)
    assert parts.driver.drops == dict.fromkeys(DropReason, 0) | {reason: 1}
    assert len(list(parts.engine.membership)) == 1


async def test_driver_counts_a_payload_that_is_no_packet() -> None:
    """What a member sealed and is no packet is malformed; its sender is not muted for it."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    b.meet(a)
    noise = b.gate.seal(a.identity.id, a.identity.public_key, b"\xc1\xc1", b.engine.local.record.raw)
    a.driver.handle_datagram(noise)
    assert a.driver.drops[DropReason.MALFORMED] == 1
    good = b.gate.seal(
        a.identity.id, a.identity.public_key, encode_packet(Packet((Ping(1),))), b.engine.local.record.raw
    )
    a.driver.handle_datagram(good)
    assert a.engine.membership.get(b.identity.id) is not None


async def test_false_statement_mutes_its_sender(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever sends a statement that its author did not sign is not heard for a minute, then again."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    b.meet(a)

    def sealed(packet: Packet) -> bytes:
        return b.gate.seal(a.identity.id, a.identity.public_key, encode_packet(packet), b.engine.local.record.raw)

    own = a.engine.local.record.raw
    forged = decode_statement(bytes((own[0] ^ 1,)) + own[1:])
    a.driver.handle_datagram(sealed(Packet((), (Claim(forged),))))
    assert a.driver.drops[DropReason.BAD_SIGNATURE] == 1
    assert "is muted for 60 s: it sent a false statement" in caplog.text
    a.driver.handle_datagram(sealed(Packet((Ping(1),))))
    assert a.driver.drops[DropReason.MUTED] == 1
    assert a.engine.membership.get(b.identity.id) is None
    await trio.sleep(MUTE_S)
    a.driver.handle_datagram(sealed(Packet((Ping(1),))))
    assert a.driver.drops[DropReason.MUTED] == 1
    assert a.engine.membership.get(b.identity.id) is not None


# --- time -------------------------------------------------------------------------------------------


async def test_timer_serves_each_deadline_in_its_time(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Deadlines are served when they are due, also those that were set, or moved, while the task slept."""
    parts = Parts("a", 1)
    served: list[float] = []
    timers = parts.engine.core.timers
    for timer in (Timer.GOSSIP, Timer.SYNC, Timer.RETRY):
        timers.disarm(timer)

    def serve(now: float) -> list[object]:
        served.append(now)
        while timers.pop_due(now):
            pass
        return []

    parts.engine.handle_timer = serve  # type: ignore[method-assign, assignment]
    nursery.start_soon(parts.driver.run_timer)
    start = trio.current_time()
    timers.arm(start + 9, Timer.SYNC)
    parts.driver.perform([])
    timers.arm(start + 2, Timer.RETRY)
    parts.driver.perform([])
    await trio.sleep(5)
    timers.arm(start + 7, Timer.SYNC)
    parts.driver.perform([])
    await trio.sleep(20)
    assert [at - start for at in served] == pytest.approx([2, 7])
    assert parts.driver.lateness.largest_s == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("late_s", "order"), [(1.0, ["datagram", "timer"]), (0.0, ["timer"])])
async def test_late_timer_drains_the_socket_first(autojump_clock: MockClock, late_s: float, order: list[str]) -> None:
    """A node that did not run reads what waits before it concludes anything from silence."""
    parts = Parts("a", 1)
    heard: list[str] = []
    served: list[str] = heard

    def serve(now: float) -> list[object]:
        served.append("timer")
        return []

    parts.engine.handle_timer = serve  # type: ignore[method-assign, assignment]
    parts.driver.handle_datagram = lambda datagram: heard.append("datagram")  # type: ignore[method-assign]
    parts.engine.next_deadline = lambda: None if served else trio.current_time() - late_s
    parts.datagrams.waiting.append(b"x")
    with trio.move_on_after(1):
        await parts.driver.run_timer()
    assert heard == order


async def test_silent_member_is_failed_in_its_time(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """With the timer running, a member that never answers is suspect and then failed; nobody else is there to help."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    nursery.start_soon(a.driver.run_timer)
    a.meet(b)
    await trio.sleep(6)
    kinds = [effect.change.kind for effect in a.effects if isinstance(effect, Changed)]
    assert kinds == [ChangeKind.JOIN, ChangeKind.SUSPECT, ChangeKind.FAILED]


# --- keyrings ---------------------------------------------------------------------------------------


async def test_offered_keyring_is_merged_stored_and_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    """A keyring with news is merged, given to whoever stores it, and spread; without news nothing happens."""
    a = Parts("a", 1)
    b = Parts("b", 2, a.keyring)
    added = b.keyring.add(bytes(range(32)), START_MS + 1)
    effect = KeyringReceived(b.identity.id, b.keyring.encode_offer())
    a.effects.clear()
    a.driver.perform([effect])
    assert added in a.keyring.key_ids
    assert a.effects == [effect]
    a.driver.perform([effect])
    assert a.effects == [effect]
    with caplog.at_level(logging.WARNING):
        a.driver.perform([KeyringReceived(b.identity.id, b"no keyring")])
    assert "was refused" in caplog.text
    assert a.effects == [effect]
