"""A node that hears that it is out: it falls silent, stays out at its start, and waits to be asked in."""

from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.effect import (
    Contact,
    Dial,
    Effect,
    Expelled,
    LeaveEnded,
    PersistPresence,
    RevocationTaken,
    Send,
)
from protocol.swim.engine import Engine
from protocol.wire.message import Claim, Join
from protocol.wire.statement import Record
from tests.protocol.swim.bench import ACCUSER, FIRST, ME, PEER, SUBJECT, make_engine, only, started, tell, told

NOW = 1.0
ABOUT = SUBJECT.id


MINE = PEER.revoke(ME.id, 10)


def expelled() -> tuple[Engine, list[Effect]]:
    """Give an engine that hears of its own revocation, in the midst of everything."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST), ACCUSER.accuse(ABOUT, FIRST))
    while engine.prober.current is None:
        engine.handle_timer(engine.next_deadline() or 0.0)
    return engine, tell(engine, NOW, MINE)


def test_expelled_node_falls_silent() -> None:
    """It stores the word and that it is out, tells its shell, and does nothing more by itself."""
    engine, effects = expelled()
    assert only(Expelled, effects) == [Expelled(MINE)]
    assert effects.index(RevocationTaken(MINE)) < effects.index(Expelled(MINE))
    assert PersistPresence(left=True) in effects
    assert only(LeaveEnded, effects) == []
    assert engine.own_member.status is Status.LEFT
    sent: list[Effect] = []
    while (due := engine.next_deadline()) is not None and due < 1_000.0:
        sent += engine.handle_timer(due)
    assert only(Send, sent) == []
    assert only(Dial, sent) == []


def test_expelled_node_does_not_refute() -> None:
    """Nor does it call itself alive in any other way."""
    engine, _ = expelled()
    incarnation = engine.local.incarnation
    effects = tell(engine, NOW, PEER.accuse(ME.id, incarnation)) + tell(engine, NOW, PEER.evict(ME.id, incarnation))
    assert engine.local.incarnation == incarnation
    assert not [s for s in told(effects, PEER.id) if isinstance(s, Record) and not s.goodbye]


def test_expelled_once() -> None:
    """The same word, or an older one, is no news."""
    engine, _ = expelled()
    assert only(Expelled, tell(engine, NOW, MINE)) == []
    assert only(Expelled, tell(engine, NOW, PEER.revoke(ME.id, 9))) == []


def test_expelled_in_the_midst_of_a_leave() -> None:
    """Whoever waits for the leave's end is told."""
    engine = started(ME, None, PEER.record(FIRST))
    engine.leave(NOW)
    effects = tell(engine, NOW, MINE)
    assert len(only(LeaveEnded, effects)) == len(only(Expelled, effects)) == 1
    assert engine.core.silent


def test_expelled_node_stays_out_at_its_start() -> None:
    """With its revocation on disk, whatever else it finds there."""
    engine = make_engine()
    effects = engine.start(0.0, [Contact.of(PEER.record(FIRST))], revocations=[MINE])
    assert engine.core.silent
    assert engine.own_member.status is Status.LEFT
    assert only(Send, effects) == []
    assert engine.next_deadline() is None


def test_reinstated_node_starts_as_a_member() -> None:
    """The last word on disk counts."""
    engine = make_engine()
    engine.start(0.0, [Contact.of(PEER.record(FIRST))], revocations=[PEER.revoke(ME.id, 11, revoked=False)])
    assert not engine.core.silent
    assert engine.own_member.status is Status.ALIVE


def test_reinstatement_alone_does_not_bring_a_node_back() -> None:
    """It waits to be asked in, or for its operator."""
    engine, _ = expelled()
    tell(engine, NOW, PEER.revoke(ME.id, 11, revoked=False))
    assert engine.core.silent
    assert engine.local.goodbye


def test_expelled_node_that_is_asked_in_by_mistake_falls_silent_again() -> None:
    """Who asked did not know that it is out, and hears of it from that very sync; nobody took the word back."""
    engine, _ = expelled()
    stream = engine.new_stream()
    engine.handle_stream_opened(NOW, stream, PEER.id, Purpose.INVITE)
    engine.handle_stream_message(NOW, stream, Join(Claim(PEER.record(FIRST))))
    engine.handle_stream_closed(NOW + 1, stream, Refusal.REVOKED)
    assert engine.core.silent
    assert engine.local.goodbye
