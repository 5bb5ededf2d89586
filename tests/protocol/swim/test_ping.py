"""Pings for others: what a relay does, and how little anybody can make it do."""

from protocol.swim.effect import LeaveEnded
from protocol.swim.leave import LEAVE_FANOUT
from protocol.swim.ping import PINGS_MAX, RELAYS_EACH_MAX
from protocol.swim.settings import Settings
from protocol.wire.codec import BUDGET_MS_MAX
from protocol.wire.message import Ack, Nack, Ping, PingReq
from protocol.wire.statement import Record
from tests.protocol.swim.bench import ACCUSER, FIRST, ME, PEER, SUBJECT, advance, only, said, say, started, tell, told
from tests.protocol.wire.sample import author


def test_ping_is_answered_with_its_number_and_the_view_hash() -> None:
    """At once."""
    engine = started(ME, Settings.lan(early_probe=False), PEER.record(FIRST))
    assert said(say(engine, 0.0, Ping(7)), PEER.id) == [Ack(7, engine.membership.hash.root)]


def test_ping_of_one_whose_address_nobody_knows_is_not_answered() -> None:
    """There is nowhere to send to."""
    assert say(started(), 0.0, Ping(7), sender=SUBJECT) == []


def test_relay_passes_the_answer_on() -> None:
    """Under the asker's number."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    asked = say(engine, 0.0, PingReq(7, SUBJECT.id, 500))
    (ping,) = said(asked, SUBJECT.id)
    assert isinstance(ping, Ping)
    answer = say(engine, 0.1, Ack(ping.number, 0), sender=SUBJECT)
    assert said(answer, PEER.id) == [Ack(7, engine.membership.hash.root)]


def test_relay_takes_the_answer_of_the_target_only() -> None:
    """Another who guessed the number is not believed."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST), ACCUSER.record(FIRST))
    (ping,) = said(say(engine, 0.0, PingReq(7, SUBJECT.id, 500)), SUBJECT.id)
    assert isinstance(ping, Ping)
    assert said(say(engine, 0.1, Ack(ping.number, 0), sender=ACCUSER), PEER.id) == []


def test_defect_01_relay_says_nack_while_the_asker_still_waits() -> None:
    """After four fifths of the budget it was given: 0.4 s of 0.5 s."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    say(engine, 0.0, PingReq(7, SUBJECT.id, 500))
    assert Nack(7) not in said(advance(engine, 0.39), PEER.id)
    assert Nack(7) in said(advance(engine, 0.41), PEER.id)


def test_relay_answers_for_itself_and_for_one_it_does_not_know() -> None:
    """An ack, and a nack at once."""
    engine = started(ME, None, PEER.record(FIRST))
    assert said(say(engine, 0.0, PingReq(7, ME.id, 500)), PEER.id) == [Ack(7, engine.membership.hash.root)]
    assert said(say(engine, 0.0, PingReq(8, SUBJECT.id, 500)), PEER.id) == [Nack(8)]


def test_relay_works_for_one_asker_only_so_much_at_once() -> None:
    """An honest one has one probe under way; beyond a few it gets nacks, others are served."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST), ACCUSER.record(FIRST))
    for number in range(RELAYS_EACH_MAX):
        assert Nack(number) not in said(say(engine, 0.0, PingReq(number, SUBJECT.id, 500)), PEER.id)
    assert Nack(99) in said(say(engine, 0.0, PingReq(99, SUBJECT.id, 500)), PEER.id)
    assert said(say(engine, 0.0, PingReq(1, SUBJECT.id, 500), sender=ACCUSER), SUBJECT.id)
    advance(engine, 0.45)
    assert Nack(100) not in said(say(engine, 0.5, PingReq(100, SUBJECT.id, 500)), PEER.id)


def test_relay_never_waits_longer_than_the_slowest_probe() -> None:
    """A budget of ten minutes is nobody's."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    say(engine, 0.0, PingReq(7, SUBJECT.id, BUDGET_MS_MAX))
    assert Nack(7) in said(advance(engine, 8.0), PEER.id)


def test_relaying_for_a_crowd_leaves_room_for_ones_own_pings() -> None:
    """Hundreds of identities ask for what nobody answers: the goodbye is still told."""
    askers = [author(index) for index in range(20, 20 + PINGS_MAX)]
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    for asker in askers:
        tell(engine, 0.0, asker.record(FIRST))
        say(engine, 0.0, PingReq(1, SUBJECT.id, BUDGET_MS_MAX), sender=asker)
        say(engine, 0.0, PingReq(2, SUBJECT.id, BUDGET_MS_MAX), sender=asker)
    effects = engine.leave(0.0)
    heard = {who.id for who in (PEER, SUBJECT, *askers) if any(is_goodbye(s) for s in told(effects, who.id))}
    assert len(heard) == LEAVE_FANOUT
    assert only(LeaveEnded, advance(engine, 6.0))


def is_goodbye(statement: object) -> bool:
    """Tell a goodbye."""
    return isinstance(statement, Record) and statement.id == ME.id and statement.goodbye
