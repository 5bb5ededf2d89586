"""From accusation to verdict, by the engine's own clock."""

import pytest

from protocol.status import Status
from protocol.swim.deadline import Timer
from protocol.swim.effect import ChangeKind, Send
from protocol.swim.engine import Engine
from protocol.swim.settings import Settings
from protocol.wire.message import Ack, Ping
from tests.protocol.swim.bench import FIRST, ME, SUBJECT, advance, kinds, only, said, say, started, status, tell
from tests.protocol.wire.sample import author

CROWD = [author(index) for index in range(10, 18)]


def accused(at: float) -> Engine:
    """Give an engine among ten, at whose list one was accused once; nobody is probed."""
    engine = started(ME, None, SUBJECT.record(FIRST), *(who.record(FIRST) for who in CROWD))
    engine.prober.rest()
    tell(engine, at, CROWD[0].accuse(SUBJECT.id, FIRST), sender=CROWD[0])
    return engine


def test_verdict_alone_waits_the_longest_and_confirmed_the_shortest() -> None:
    """Ten alive: 24 s, 11.4 s with one confirmation, 4 s with two; always from the first accusation."""
    for confirmations, wait_s in ((0, 24.0), (1, 11.381404928570852), (2, 4.0), (5, 4.0)):
        engine = accused(0.0)
        for who in CROWD[1 : 1 + confirmations]:
            tell(engine, 0.0, who.accuse(SUBJECT.id, FIRST), sender=who)
        assert engine.core.timers.deadline(Timer.SUSPICION, SUBJECT.id) == pytest.approx(wait_s)


def test_verdict_confirmed_late_is_due_now_and_no_stall() -> None:
    """The shorter wait ended long ago; that it did is no lateness of ours, and must not cost us our trust."""
    engine = accused(0.0)
    advance(engine, 10.0)
    for who in CROWD[1:3]:
        tell(engine, 10.0, who.accuse(SUBJECT.id, FIRST), sender=who)
    assert engine.next_deadline() == 10.0
    assert kinds(engine.handle_timer(10.0)) == [ChangeKind.FAILED]
    assert engine.counters.stalls == 0
    assert engine.core.awareness.score == 0


def test_verdict_of_one_refuted_in_time_never_comes() -> None:
    """The timer goes with the suspicion."""
    engine = accused(0.0)
    tell(engine, 3.0, SUBJECT.record(FIRST + 1))
    assert engine.core.timers.deadline(Timer.SUSPICION, SUBJECT.id) is None
    engine.prober.rest()
    advance(engine, 100.0)
    assert status(engine) is Status.ALIVE


def test_verdict_on_an_old_accusation_of_one_just_met_comes_after_the_shortest_suspicion() -> None:
    """A newcomer learns of a member failed an hour ago: it asks once, and does not wait for others to confirm."""
    engine = started(ME, None, *(who.record(FIRST) for who in CROWD))
    engine.prober.rest()
    tell(engine, 0.0, SUBJECT.record(FIRST))
    tell(engine, 0.0, CROWD[0].accuse(SUBJECT.id, FIRST), age_s=3_600)
    assert [message for message in said(advance(engine, 0.0), SUBJECT.id) if isinstance(message, Ping)]
    assert status(engine) is Status.SUSPECT
    advance(engine, 1.1)
    assert status(engine) is Status.SUSPECT
    advance(engine, 3.9)
    assert status(engine) is Status.SUSPECT
    advance(engine, 4.1)
    assert status(engine) is Status.FAILED


def test_verdict_on_an_old_accusation_waits_where_no_ping_can_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was not asked has not been silent."""
    engine = started(ME, None, *(who.record(FIRST) for who in CROWD))
    engine.prober.rest()
    monkeypatch.setattr("protocol.swim.ping.PINGS_MAX", 0)
    tell(engine, 0.0, SUBJECT.record(FIRST))
    tell(engine, 0.0, CROWD[0].accuse(SUBJECT.id, FIRST), age_s=3_600)
    advance(engine, 5.0)
    assert status(engine) is Status.SUSPECT
    monkeypatch.undo()
    assert [message for message in said(advance(engine, 5.3), SUBJECT.id) if isinstance(message, Ping)]


def test_verdict_on_an_old_accusation_of_one_long_known_takes_its_time() -> None:
    """The age is the sender's word alone: it shortens nothing for a member that we knew before."""
    engine = started(ME, None, SUBJECT.record(FIRST), *(who.record(FIRST) for who in CROWD))
    engine.prober.rest()
    advance(engine, 60.0)
    tell(engine, 60.0, CROWD[0].accuse(SUBJECT.id, FIRST), age_s=3_600)
    advance(engine, 80.0)
    assert status(engine) is Status.SUSPECT


def second_look() -> Engine:
    """Give an engine with the second look alone, among ten; SUBJECT is suspect with 4 s to go, and nobody is probed."""
    people = (SUBJECT.record(FIRST), *(who.record(FIRST) for who in CROWD))
    engine = started(ME, Settings.lan(own_look=False), *people)
    engine.prober.rest()
    for who in CROWD[:3]:
        tell(engine, 0.0, who.accuse(SUBJECT.id, FIRST), sender=who)
    return engine


def test_second_look_at_the_silent_delays_no_verdict() -> None:
    """The suspect is pinged with its charges one probe timeout before its time is up."""
    engine = second_look()
    effects = advance(engine, 3.6)
    asked = [send for send in only(Send, effects) if any(isinstance(m, Ping) for m in send.packet.messages)]
    assert [send.to for send in asked] == [SUBJECT.id]
    assert asked[0].packet.claims
    assert status(engine) is Status.SUSPECT
    advance(engine, 4.1)
    assert status(engine) is Status.FAILED


def test_second_look_finds_the_living_however_many_accuse_it() -> None:
    """Who answers is not held failed, though its refutation has not come; it is looked at again and again."""
    engine = second_look()
    for second in range(1, 60):
        for send in only(Send, advance(engine, second * 0.5)):
            for message in send.packet.messages:
                if isinstance(message, Ping) and send.to == SUBJECT.id:
                    say(engine, second * 0.5, Ack(message.number, 0), sender=SUBJECT)
        assert status(engine) is Status.SUSPECT
    advance(engine, 40.0)
    assert status(engine) is Status.FAILED
