"""Rivals for the last seat, and a partition that heals: who steps down, and who is let in beyond the limit."""

import pytest

from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.admission import RACE_EXCESS_MAX
from protocol.swim.effect import Effect, LeaveEnded, PersistPresence, SteppedDown
from protocol.swim.engine import Engine
from protocol.swim.membership import Outcome
from protocol.swim.settings import Settings
from protocol.wire.message import Ack, Claim, JoinAnswer, NoSeat, Packet, Ping, SyncEnd
from protocol.wire.statement import Record
from tests.protocol.swim.bench import (
    FIRST,
    ME,
    PEER,
    SUBJECT,
    make_engine,
    only,
    said,
    say,
    started,
    status,
    tell,
    told,
)
from tests.protocol.swim.licensed import HEAL_S, LATE, RACE_S, X, Y, Z, at_the_door, failed, licensed, suspected
from tests.protocol.wire.sample import Author, author

# --- the race -----------------------------------------------------------------------------------


def full(*newcomers: Author) -> Engine:
    """Give an engine of three seats, the last of which went to a newcomer just now."""
    engine = licensed(3, PEER.record(FIRST))
    engine.membership.admission._recent.clear()
    for who in newcomers:
        tell(engine, LATE, who.record(FIRST), sender=who)
    engine.core.drain()
    return engine


def test_race_lets_the_smaller_id_in_and_tells_the_larger() -> None:
    """With the winner's record, so that the loser sees that there are too many."""
    engine = full(Y)
    effects = tell(engine, LATE + 1, X.record(FIRST), sender=PEER)
    assert status(engine, X) is Status.ALIVE
    assert NoSeat(X.id) in said(effects, Y.id)
    assert X.record(FIRST) in told(effects, Y.id)
    assert NoSeat not in map(type, said(effects, X.id))


def test_race_keeps_the_larger_id_out() -> None:
    """Where the smaller came first nothing happens."""
    engine = full(X)
    effects = tell(engine, LATE + 1, Y.record(FIRST), sender=PEER)
    assert status(engine, Y) is None
    assert not only(SteppedDown, effects)
    assert engine.membership.seats_taken == 3


def test_race_ends_after_ten_intervals() -> None:
    """Who has been in for so long is no rival any more."""
    engine = full(Y)
    tell(engine, LATE + RACE_S + 1, X.record(FIRST), sender=PEER)
    assert status(engine, X) is None


def test_race_loser_is_told_again_with_each_ack() -> None:
    """The first word may be lost; others are not told."""
    engine = full(Y, X)
    for who, expected in ((Y, True), (X, False), (PEER, False)):
        messages = said(say(engine, LATE + 1, Ping(3), sender=who), who.id)
        assert [type(message) for message in messages] == [Ack, NoSeat] if expected else [Ack]
    assert NoSeat not in map(type, said(say(engine, LATE + RACE_S + 1, Ping(3), sender=Y), Y.id))


def test_race_three_newcomers_end_with_the_smallest() -> None:
    """In whatever order they are heard of, those told to step down are the others."""
    for order in ((Z, Y, X), (Z, X, Y), (Y, X, Z), (X, Z, Y)):
        engine = full(order[0])
        for who in order[1:]:
            tell(engine, LATE + 1, who.record(FIRST), sender=PEER)
        inside = {who for who in (X, Y, Z) if status(engine, who) is Status.ALIVE}
        assert X in inside
        assert set(engine.membership.admission.losers(LATE + 1)) == {who.id for who in inside - {X}}


def test_race_goes_on_after_a_loser_stepped_down() -> None:
    """Z lost to Y and left; then X comes: it is Y that has to go, not Z once more."""
    engine = full(Z)
    tell(engine, LATE + 1, Y.record(FIRST), sender=PEER)
    tell(engine, LATE + 2, Z.record(FIRST + 1, goodbye=True), sender=Z)
    effects = tell(engine, LATE + 3, X.record(FIRST), sender=PEER)
    assert status(engine, X) is Status.ALIVE
    assert engine.membership.admission.losers(LATE + 3) == [Y.id]
    assert NoSeat(X.id) in said(effects, Y.id)


def test_race_is_not_run_against_one_that_is_gone() -> None:
    """A larger id that left, and whose seat was taken long since, opens no door to a smaller one."""
    engine = full(Z)
    tell(engine, LATE + 1, Z.record(FIRST + 1, goodbye=True), sender=Z)
    tell(engine, LATE + 2, X.record(FIRST), sender=X)
    assert engine.membership.seats_taken == 3
    tell(engine, LATE + 3, Y.record(FIRST), sender=PEER)
    assert status(engine, Y) is None
    assert engine.membership.admission.excess == 0


def test_race_brings_no_more_than_eight_too_many() -> None:
    """Whoever makes up ever smaller ids."""
    engine = full(author(99))
    for number in reversed(range(40, 80)):
        tell(engine, LATE + 1, author(number).record(FIRST), sender=PEER)
    assert engine.membership.admission.excess == RACE_EXCESS_MAX


def test_race_of_those_who_return_from_a_goodbye() -> None:
    """They compete for the last seat as any newcomer does."""
    engine = licensed(2, PEER.record(FIRST, goodbye=True), SUBJECT.record(FIRST, goodbye=True))
    assert engine.membership.seats_taken == 1
    tell(engine, LATE, SUBJECT.record(FIRST + 1), sender=SUBJECT)
    assert engine.membership.admission.rivals(LATE) == [SUBJECT.id]
    effects = tell(engine, LATE + 1, PEER.record(FIRST + 1), sender=PEER)
    assert status(engine, PEER) is Status.ALIVE
    assert NoSeat(PEER.id) in said(effects, SUBJECT.id)


# --- stepping down ------------------------------------------------------------------------------


def joined(seats: int, who: Author = ME, *others: Record) -> Engine:
    """Give an engine that has just joined through PEER, and heard of others."""
    engine = make_engine(who, Settings.lan(seats=seats))
    engine.start(LATE)
    stream, _ = engine.join(LATE, PEER.record(FIRST).address)
    engine.handle_stream_opened(LATE, stream, PEER.id)
    engine.handle_stream_message(LATE, stream, JoinAnswer(Claim(PEER.record(FIRST)), True))
    engine.handle_stream_message(LATE, stream, SyncEnd())
    for record in others:
        engine.handle_packet(LATE, PEER.id, Packet((), (Claim(record),)))
    engine.core.drain()
    return engine


def no_seat(engine: Engine, *winners: Author, now: float = LATE + 1) -> list[Effect]:
    """Tell a node that it lost, and to whom."""
    claims = tuple(Claim(who.record(FIRST)) for who in winners)
    winner = min((who.id for who in winners), default=PEER.id)
    return engine.handle_packet(now, PEER.id, Packet((NoSeat(winner),), claims))


def test_newcomer_that_lost_leaves() -> None:
    """It says why, says goodbye, and stays out at its next start."""
    engine = joined(2, Z)
    effects = no_seat(engine, X)
    assert only(SteppedDown, effects) == [SteppedDown()]
    assert PersistPresence(left=True) in effects
    assert engine.local.goodbye
    assert engine.core.silent
    while (due := engine.next_deadline()) is not None and not only(LeaveEnded, effects):
        effects += engine.handle_timer(due)
    assert len(only(LeaveEnded, effects)) == 1


def test_newcomer_that_lost_leaves_once() -> None:
    """However many tell it."""
    engine = joined(2, Z)
    no_seat(engine, X)
    assert only(SteppedDown, no_seat(engine, X)) == []


def test_newcomer_of_the_smallest_id_does_not_step_down() -> None:
    """Who tells it may not know of the others that came, and counts wrong: without a winner there is no loser."""
    engine = joined(2, ME, Z.record(FIRST))
    engine.membership.admission.note_heal(LATE)
    tell(engine, LATE, Y.record(FIRST))
    assert engine.membership.admission.excess
    assert only(SteppedDown, no_seat(engine)) == []
    assert not engine.local.goodbye


@pytest.mark.parametrize("why", ["no excess", "not on probation", "never joined", "left"])
def test_no_seat_is_ignored_by_whoever_has_one(why: str) -> None:
    """A lie puts out nobody: only who joined lately, and sees that there are too many, believes it."""
    engine = joined(2, Z)
    now = LATE + 1
    if why == "no excess":
        effects = no_seat(engine)
    elif why == "not on probation":
        engine.core.timers.postpone(RACE_S + 1, 0.0)
        now = LATE + RACE_S + 1
        engine.membership.admission.note_heal(now)  # there are too many, all the same
        effects = no_seat(engine, X, now=now)
        assert engine.membership.admission.excess == 1
    elif why == "never joined":
        engine = started(Z, Settings.lan(seats=2), PEER.record(FIRST), X.record(FIRST))
        assert engine.membership.admission.excess == 1 or status(engine, X) is None
        effects = no_seat(engine, X, now=0.0)
    else:
        engine.leave(now)
        effects = no_seat(engine, X)
    assert only(SteppedDown, effects) == []
    assert engine.local.goodbye == (why == "left")


# --- a partition heals --------------------------------------------------------------------------


def test_heal_begins_when_a_failed_member_returns() -> None:
    """Those let in by the other half are taken, and nobody is told to step down; the door stays shut."""
    engine = licensed(3, PEER.record(FIRST), SUBJECT.record(FIRST))
    failed(engine)
    tell(engine, LATE, X.record(FIRST))
    assert status(engine, X) is None
    tell(engine, LATE + 1, SUBJECT.record(FIRST + 1), sender=SUBJECT)
    effects: list[Effect] = []
    for who in (X, Y, Z):
        effects += tell(engine, LATE + 2, who.record(FIRST), sender=SUBJECT)
    assert all(status(engine, who) is Status.ALIVE for who in (X, Y, Z))
    assert engine.membership.admission.excess == 3
    assert not [who for who in (X, Y, Z) if NoSeat in map(type, said(effects, who.id))]
    assert at_the_door(engine, author(50), now=LATE + 2) is Refusal.NODE_LIMIT


def test_heal_begins_when_this_node_refutes_a_charge() -> None:
    """It was itself the one cut off."""
    engine = licensed(2, PEER.record(FIRST))
    tell(engine, LATE, X.record(FIRST))
    assert status(engine, X) is None
    tell(engine, LATE, PEER.accuse(ME.id, FIRST))
    tell(engine, LATE + 1, X.record(FIRST))
    assert status(engine, X) is Status.ALIVE


def test_heal_ends() -> None:
    """After thirty probe intervals; whoever came in stays."""
    engine = licensed(2, PEER.record(FIRST))
    tell(engine, LATE, PEER.accuse(ME.id, FIRST))
    tell(engine, LATE, X.record(FIRST))
    engine.core.timers.postpone(HEAL_S + 1, 0.0)
    tell(engine, LATE + HEAL_S + 1, Y.record(FIRST))
    assert (status(engine, X), status(engine, Y)) == (Status.ALIVE, None)


@pytest.mark.parametrize("word", ["a suspect's refutation", "a restart", "a goodbye", "a newcomer"])
def test_heal_does_not_begin_with_what_is_no_return(word: str) -> None:
    """No member failed here, so no partition is over."""
    engine = licensed(3, PEER.record(FIRST), SUBJECT.record(FIRST))
    if word == "a suspect's refutation":
        suspected(engine)
        tell(engine, LATE, SUBJECT.record(FIRST + 1))
    elif word == "a restart":
        tell(engine, LATE, SUBJECT.record(FIRST + 1, start=2))
    elif word == "a goodbye":
        tell(engine, LATE, SUBJECT.record(FIRST + 1, goodbye=True))
        tell(engine, LATE, SUBJECT.record(FIRST + 2))
    else:
        tell(engine, LATE, X.record(FIRST))
    assert engine.membership.apply(LATE, Claim(Y.record(FIRST))).outcome is Outcome.REFUSED
