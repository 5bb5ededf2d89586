"""What one who holds the cluster key could have made an honest node do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.candidate import Candidate
from protocol.swim.effect import Dial, PersistContact, Send, StreamVerdict
from protocol.swim.membership import LIST_FACTOR_MAX
from protocol.swim.name_index import NameIndex
from protocol.swim.settings import Settings
from protocol.wire.message import Ack, Claim, Forgotten, Packet, Ping, PingReq
from tests.protocol.swim.bench import FIRST, ME, PEER, SUBJECT, advance, only, said, say, started, status, tell
from tests.protocol.wire.sample import author

NEW = author(9)


def test_packet_of_many_pings_is_answered_once() -> None:
    """64 answers of 1,400 bytes for one datagram would be a weapon: the address is its sender's word."""
    engine = started(ME, None, *(author(10 + index).record(FIRST) for index in range(20)))
    pings = tuple(Ping(number) for number in range(60))
    effects = engine.handle_introduced(0.0, PEER.id, Packet(pings), PEER.record(FIRST))
    assert said(effects, PEER.id).count(Ack(0, engine.membership.hash.root)) == 1
    assert len([send for send in only(Send, effects) if send.to == PEER.id]) == 1


def test_packet_of_many_ping_requests_asks_one_target_once() -> None:
    """A relay turns each into a ping of up to 1,400 bytes to whom the asker likes."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    requests = tuple(PingReq(number, SUBJECT.id, 500) for number in range(60))
    effects = engine.handle_packet(0.0, PEER.id, Packet(requests))
    assert len([send for send in only(Send, effects) if send.to == SUBJECT.id]) == 1


def test_newcomer_that_claims_the_holders_address_does_not_have_it_accused() -> None:
    """The holder is alive and says so: no honest node signs anything against it."""
    engine = started(ME, None, PEER.record(FIRST))
    claimed = Candidate(NEW.id, NEW.key, "n2", "", PEER.record(FIRST).address, Purpose.JOIN)
    effects = engine.handle_stream_proposed(0.0, 7, claimed, dialled=False)
    (ping,) = [message for message in said(effects, PEER.id) if isinstance(message, Ping)]
    answered = say(engine, 0.1, Ack(ping.number, 0))
    assert only(StreamVerdict, answered) == [StreamVerdict(7, Refusal.NAME_IN_USE)]
    holder = engine.membership.get(PEER.id)
    assert holder is not None
    assert (holder.entry.accusations, holder.entry.eviction) == ((), None)


def test_names_that_many_share_are_told_apart_without_looking_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing looked at each rival of each member: 3,000 of one name cost 5 s, ten times as many the square."""
    membership = started().membership
    monkeypatch.setattr(NameIndex, "ids", None)
    for index in range(100, 1, -1):
        membership.apply(0.0, Claim(author(index).record(FIRST, name="same")))
    shown = [membership.shown_name(member) for member in membership if member.record.name == "same"]
    assert (shown.count("same"), len(set(shown))) == (1, 99)
    assert membership.name_holder("same") is membership.get(author(2).id)


@given(st.lists(st.tuples(st.integers(2, 6), st.integers(1, 9), st.sampled_from(["x", "y"]), st.booleans())))
def test_names_are_in_order_whatever_comes(claims: list[tuple[int, int, str, bool]]) -> None:
    """The live before the gone, then the smaller id: as one who looks at all of them would find."""
    membership = started().membership
    for who, incarnation, name, goodbye in claims:
        membership.apply(0.0, Claim(author(who).record(incarnation, name=name, goodbye=goodbye)))
        if who == 2 and (held := membership.get(author(2).id)) is not None:
            membership.mark_failed(0.0, held)
    for name in ("x", "y"):
        bearers = [member for member in membership if member.record.name == name]
        best = min(bearers, key=lambda member: (not member.is_live, member.id), default=None)
        assert membership.names.keeper(name) == (best.id if best else None)
        assert membership.names.is_disputed(name) == (sum(member.is_live for member in bearers) > 1)
        assert set(membership.names.ids(name)) == {member.id for member in bearers}


def test_identities_that_come_and_go_without_end_leave_a_bounded_list() -> None:
    """Each joins and says goodbye; the list holds the seats, and twice as many of the gone."""
    engine = started(ME, Settings.lan(members_max=4), SUBJECT.record(FIRST))
    for index in range(10, 60):
        tell(engine, 0.0, author(index).record(FIRST))
        tell(engine, 0.0, author(index).record(FIRST, goodbye=True))
    assert len(engine.membership) == 2 + LIST_FACTOR_MAX * 4
    assert status(engine, SUBJECT) is Status.ALIVE
    assert status(engine, author(59)) is Status.LEFT
    assert status(engine, author(10)) is None


def test_awareness_is_not_fed_by_who_says_that_we_were_reaped_or_evicted() -> None:
    """Neither says that this node was slow; only an accusation does."""
    engine = started(ME, None, PEER.record(FIRST))
    say(engine, 0.0, Forgotten(ME.id, engine.local.incarnation))
    tell(engine, 0.0, PEER.evict(ME.id, engine.local.incarnation))
    assert engine.local.incarnation == FIRST + 2
    assert engine.core.awareness.score == 0
    tell(engine, 0.0, PEER.accuse(ME.id, engine.local.incarnation))
    assert engine.core.awareness.score == 1


def test_member_displaced_from_the_address_book_is_tried_once_it_fails() -> None:
    """Whoever makes 32,768 identities can fill the book, and could so keep a partition from healing."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    engine.core.book.remove(SUBJECT.id)
    tell(engine, 0.0, PEER.accuse(SUBJECT.id, FIRST))
    effects = advance(engine, 60.0)
    assert [effect.contact.id for effect in only(PersistContact, effects)] == [SUBJECT.id]
    assert engine.core.book.next_due_at() is not None


def test_sync_that_a_peer_draws_out_holds_up_no_other() -> None:
    """One with each peer, for half a minute; others begin meanwhile."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    engine.streams.dial_sync(1.0, PEER.id)
    (dial,) = only(Dial, engine.core.drain())
    engine.handle_stream_opened(1.0, dial.stream, PEER.id)
    engine.streams.dial_sync(2.0, SUBJECT.id)
    assert [second.to for second in only(Dial, engine.core.drain())] == [SUBJECT.id]
    engine.streams.dial_sync(30.9, PEER.id)
    assert only(Dial, engine.core.drain()) == []
    engine.streams.dial_sync(31.0, PEER.id)
    assert [again.to for again in only(Dial, engine.core.drain())] == [PEER.id]


def test_records_of_one_member_are_taken_at_a_bounded_pace() -> None:
    """A thousand a second would be a thousand lines of log, events and rumors, at every node."""
    engine = started(ME, None, PEER.record(FIRST))
    for index in range(1, 1_001):
        tell(engine, index / 1_000, PEER.record(FIRST + index))
    assert engine.counters.records_over_budget >= 900
    tell(engine, 2.0, PEER.record(FIRST + 2_000))
    member = engine.membership.get(PEER.id)
    assert member is not None
    assert member.record.incarnation == FIRST + 2_000
