"""A view to begin with: as good as one that was learned, and nobody's to change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.error import InvalidRequest
from protocol.purpose import Purpose
from protocol.status import Status
from protocol.swim.candidate import Candidate
from protocol.swim.census import EMPTY_CENSUS, Census
from protocol.swim.deadline import Timer
from protocol.swim.effect import ChangeKind, Contact, ForgetContact, PersistContact, Send, StartRaised
from protocol.swim.engine import Engine
from protocol.swim.entry import Entry
from protocol.swim.settings import DAY_S, Settings
from protocol.ulid import MemberId
from protocol.wire.message import Ack, Claim, Packet, Ping
from protocol.wire.statement import Record
from tests.protocol.swim.bench import (
    ACCUSER,
    FIRST,
    ME,
    PEER,
    SUBJECT,
    advance,
    changes,
    kinds,
    make_engine,
    only,
    profile_of,
    said,
    say,
    status,
    tell,
    told,
)
from tests.protocol.swim.test_engine_fuzz import PEOPLE, some_claims
from tests.protocol.wire.sample import Author, author

LAN = Settings.lan(second_look=False, own_look=False)
MANY = [author(index) for index in range(1, 41)]


def own_record(who: Author, incarnation: int = FIRST) -> Record:
    """Give the record that the bench's engine of somebody makes."""
    return make_engine(who, incarnation=incarnation).local.record


def census_of(*people: Author) -> Census:
    """Count some people, with the records their engines make."""
    return Census.of([own_record(who) for who in people], LAN)


def begun(who: Author, census: Census) -> Engine:
    """Start an engine with a census at time 0; it has nothing to do at once."""
    engine = make_engine(who, LAN, census=census)
    assert engine.start(0.0) == []
    return engine


def crash(engine: Engine, who: Author, until: float) -> None:
    """Let everybody but one answer probes until a time."""
    while (due := engine.next_deadline()) is not None and due <= until:
        for send in only(Send, engine.handle_timer(due)):
            for message in send.packet.messages:
                if isinstance(message, Ping) and send.to != who.id:
                    engine.handle_packet(due, send.to, Packet((Ack(message.number, engine.membership.hash.root),)))


# --- what it is like ----------------------------------------------------------------------------


def test_census_is_as_good_as_having_heard_each_record() -> None:
    """Same view hash, same sums, same statuses, names and contacts."""
    learned = make_engine(ME, LAN)
    learned.start(0.0)
    for who in MANY[1:]:
        tell(learned, 0.0, own_record(who))
    counted = begun(ME, census_of(*MANY))
    for engine in (learned, counted):
        assert engine.membership.hash.root == learned.membership.hash.root
        assert engine.membership.hash.encode_buckets() == learned.membership.hash.encode_buckets()
        assert {m.id: m.status for m in engine.membership} == {who.id: Status.ALIVE for who in MANY}
        assert sorted(engine.membership.live_ids()) == [who.id for who in MANY]
        assert len(engine.membership) == engine.membership.live_count == len(MANY)
        assert all(engine.membership.find(f"n{who.key[0]}") is engine.membership.get(who.id) for who in MANY)
        assert [engine.core.book.get(who.id) for who in MANY[1:]] == [Contact.of(own_record(who)) for who in MANY[1:]]
        assert engine.own_member.record is engine.local.record


def test_census_is_no_news() -> None:
    """No event, nothing to tell; but there is somebody to probe, and to sync with."""
    engine = begun(ME, census_of(*MANY))
    assert len(engine.core.rumors) == 0
    timers = engine.core.timers
    assert timers.deadline(Timer.GOSSIP) is None
    assert timers.deadline(Timer.PROBE) is not None
    assert timers.deadline(Timer.SYNC) is not None
    assert tell(engine, 0.0, own_record(PEER)) == []


def test_census_without_the_node_itself_makes_the_node_tell_of_itself() -> None:
    """The others do not know it."""
    engine = begun(ME, census_of(*MANY[1:]))
    assert engine.membership.live_count == len(MANY)
    assert told(advance(engine, 0.1), PEER.id) or len(engine.core.rumors) == 1


def test_census_of_the_node_alone_leaves_nothing_to_do() -> None:
    """No timer runs that has no work."""
    assert begun(ME, census_of(ME)).next_deadline() is None


def test_census_of_everybody_is_probed_once_a_round() -> None:
    """Never the node itself."""
    engine = begun(ME, census_of(*MANY))
    asked: list[MemberId] = []
    while len(asked) < 2 * (len(MANY) - 1):
        due = engine.next_deadline()
        assert due is not None
        for send in only(Send, engine.handle_timer(due)):
            asked.append(send.to)
            (ping,) = send.packet.messages
            assert isinstance(ping, Ping)
            engine.handle_packet(due, send.to, Packet((Ack(ping.number, engine.membership.hash.root),)))
    half = len(MANY) - 1
    assert set(asked[:half]) == set(asked[half:]) == {who.id for who in MANY[1:]}


def test_census_holds_a_later_record_of_this_node() -> None:
    """The disk was lost: it rises above what the others know."""
    census = Census.of([own_record(ME, FIRST + 7), own_record(PEER)], LAN)
    engine = make_engine(ME, LAN, census=census)
    effects = engine.start(0.0)
    assert only(StartRaised, effects) == [StartRaised(FIRST + 8)]
    assert engine.own_member.record is engine.local.record
    assert engine.local.incarnation == FIRST + 8
    assert len(engine.core.rumors) == 1


def test_census_holds_an_earlier_record_of_this_node() -> None:
    """A restart: its new record is news."""
    census = Census.of([own_record(ME, FIRST - 1), own_record(PEER)], LAN)
    engine = make_engine(ME, LAN, census=census)
    engine.start(0.0)
    assert engine.own_member.record is engine.local.record
    assert len(engine.core.rumors) == 1


def test_census_of_a_node_that_had_left_waits_for_its_join() -> None:
    """It neither probes nor gossips until then."""
    engine = make_engine(ME, LAN, census=census_of(*MANY))
    engine.start(0.0, left=True)
    assert engine.next_deadline() is None
    engine.join(1.0, profile_of(PEER).address)
    assert engine.core.timers.deadline(Timer.PROBE) is not None


def test_census_members_on_disk_are_not_tried_as_if_they_were_lost() -> None:
    """Only contacts that are not live by it are."""
    contacts = [Contact.of(own_record(who)) for who in (PEER, SUBJECT)]
    engine = make_engine(ME, LAN, census=census_of(ME, PEER))
    engine.start(0.0, contacts)
    effects = engine.handle_timer(0.0)
    assert {send.to for send in only(Send, effects)} == {SUBJECT.id}


# --- sharing ------------------------------------------------------------------------------------


def test_census_is_shared_until_something_is_written() -> None:
    """A crash seen by one engine copies one row; the census and the other engine stay as they are."""
    census = census_of(*MANY)
    one, other = begun(ME, census), begun(PEER, census)
    before = repr(census)
    crash(one, SUBJECT, 150.0)
    assert status(one) is Status.FAILED
    assert status(other) is Status.ALIVE
    assert one.membership.live_count == len(MANY) - 1
    assert other.membership.live_count == len(MANY)
    copied = {who.id for who in MANY if one.membership.get(who.id) is not census.rows[who.id]}
    assert copied == {SUBJECT.id}
    assert one.round_trip_s(PEER.id) is not None
    assert repr(census) == before
    assert not census.rows[SUBJECT.id].evidence
    assert (other.membership.hash.root, other.membership.hash.sums) == (census.root, census.sums)
    assert one.membership.hash.root != census.root


def test_census_member_is_suspected_with_its_first_failed_probe() -> None:
    """The accusation is made of the row that it is written into."""
    engine = begun(ME, census_of(ME, SUBJECT))
    effects = []
    while not engine.counters.probe_failures:
        due = engine.next_deadline()
        assert due is not None
        effects = engine.handle_timer(due)
    assert kinds(effects) == [ChangeKind.SUSPECT]
    assert status(engine) is Status.SUSPECT


def test_census_row_is_not_what_is_noted_in() -> None:
    """A note alone makes a row this engine's own, once; nobody else reads it."""
    census = census_of(*MANY)
    one, other = begun(ME, census), begun(PEER, census)
    one.core.note(1.0, census.rows[SUBJECT.id], "first")
    one.core.note(1.0, census.rows[SUBJECT.id], "second")
    held = one.membership.get(SUBJECT.id)
    assert held is not None
    assert [note.event for note in held.evidence] == ["first", "second"]
    assert not census.rows[SUBJECT.id].evidence
    assert other.membership.get(SUBJECT.id) is census.rows[SUBJECT.id]


def test_census_member_whose_name_was_taken_is_superseded() -> None:
    """Its holder was asked, did not answer, and is suspect; in the census it is as it was."""
    census = census_of(*MANY)
    engine = begun(ME, census)
    engine.prober.rest()
    newcomer = Candidate(author(99).id, author(99).key, "n3", "", profile_of(SUBJECT).address, Purpose.JOIN)
    engine.handle_stream_proposed(0.0, 7, newcomer, dialled=False)
    effects = advance(engine, 1.0)
    assert kinds(effects) == [ChangeKind.SUSPECT]
    held = engine.membership.get(SUBJECT.id)
    assert held is not None
    assert held.entry.eviction is not None
    assert [note.event for note in held.evidence] == ["superseded", "probe-failed", "member-suspect"]
    assert census.rows[SUBJECT.id].entry == Entry(own_record(SUBJECT))


def test_census_member_that_failed_returns() -> None:
    """As any other: an event, alive, probed again, no longer tried."""
    engine = begun(ME, census_of(*MANY))
    crash(engine, SUBJECT, 150.0)
    effects = tell(engine, 150.0, SUBJECT.record(FIRST + 1, name="n3"), sender=SUBJECT)
    assert kinds(effects) == [ChangeKind.JOIN]
    assert status(engine) is Status.ALIVE
    assert engine.membership.live_count == len(MANY)
    assert engine.core.book.failed_since(0.0) == []
    crash(engine, ME, 150.0 + 2 * len(MANY))
    assert engine.round_trip_s(SUBJECT.id) is not None


def test_census_member_is_reaped() -> None:
    """Off the list, its name free, remembered as forgotten; nobody else notices."""
    census = census_of(*MANY)
    one, other = begun(ME, census), begun(PEER, census)
    crash(one, SUBJECT, 150.0)
    one.prober.rest()
    assert ChangeKind.REAP in kinds(advance(one, DAY_S + 151.0))
    assert one.membership.get(SUBJECT.id) is None
    assert one.membership.find("n3") is None
    assert one.membership.forgotten(SUBJECT.id) is not None
    assert len(one.membership) == len(MANY) - 1
    assert one.core.book.get(SUBJECT.id) is not None
    assert other.membership.find("n3") is census.rows[SUBJECT.id]


def test_census_member_that_says_goodbye_is_struck_off_the_book() -> None:
    """Here, not in another's."""
    census = census_of(*MANY)
    one, other = begun(ME, census), begun(PEER, census)
    effects = tell(one, 1.0, SUBJECT.record(FIRST + 1, goodbye=True), sender=SUBJECT)
    assert only(ForgetContact, effects) == [ForgetContact(SUBJECT.id)]
    assert one.core.book.get(SUBJECT.id) is None
    assert other.core.book.get(SUBJECT.id) is not None
    assert (status(one), status(other)) == (Status.LEFT, Status.ALIVE)


def test_census_member_takes_another_name() -> None:
    """The old one is free here, and held there."""
    census = census_of(*MANY)
    one, other = begun(ME, census), begun(PEER, census)
    effects = tell(one, 1.0, SUBJECT.record(FIRST + 1, name="n4"), sender=SUBJECT)
    assert ChangeKind.CONFLICT in kinds(effects)
    assert only(PersistContact, effects)
    held = one.membership.get(SUBJECT.id)
    assert held is not None
    assert one.membership.shown_name(held) == "n4"  # the older id
    accuser = one.membership.get(ACCUSER.id)
    assert accuser is not None
    assert one.membership.shown_name(accuser).startswith("n4~")
    assert one.membership.find("n3") is None
    assert other.membership.find("n3") is census.rows[SUBJECT.id]
    assert not other.membership.names.is_disputed("n4")
    assert census.rows[SUBJECT.id].entry == Entry(own_record(SUBJECT))


def test_census_member_that_is_accused_is_told() -> None:
    """The buddy system works on the copied row."""
    engine = begun(ME, census_of(*MANY))
    tell(engine, 0.0, ACCUSER.accuse(SUBJECT.id, FIRST))
    assert status(engine) is Status.SUSPECT
    assert ACCUSER.accuse(SUBJECT.id, FIRST) in told(say(engine, 0.1, Ping(5), sender=SUBJECT), SUBJECT.id)
    assert said(say(engine, 0.1, Ping(5)), PEER.id) == [Ack(5, engine.membership.hash.root)]


plans = st.lists(st.tuples(some_claims, st.sampled_from([0.0, 0.3, 7.0, 40.0, 90_000.0])), max_size=25)


@given(plans)
@settings(max_examples=150, deadline=None)
def test_census_and_records_lead_to_the_same_events(plan: list[tuple[tuple[Claim, ...], float]]) -> None:
    """Whatever is claimed afterwards, by whomever, and however long it goes on; only whom to probe is chance."""
    records = [who.record(FIRST) for who in PEOPLE[1:]]
    learned, counted = make_engine(ME, LAN), make_engine(ME, LAN, census=Census.of(records, LAN))
    for engine in (learned, counted):
        engine.start(0.0)
    for record in records:
        tell(learned, 0.0, record)
    now = 1.0
    for claims, pause_s in plan:
        seen = []
        for engine in (learned, counted):
            engine.prober.rest()
            engine.core.timers.disarm(Timer.SYNC)
            effects = advance(engine, now) + engine.handle_packet(now, PEER.id, Packet((), claims))
            rows = {row.id: (row.entry, row.status, row.since, row.gone_at) for row in engine.membership}
            notes = {row.id: [note for note in row.evidence if note.at > 0.0] for row in engine.membership}
            contacts = [engine.core.book.get(who.id) for who in PEOPLE]
            seen.append((changes(effects), rows, notes, contacts, engine.membership.hash.sums))
        assert seen[0] == seen[1]
        now += pause_s


# --- what it is made of -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "records",
    [
        [PEER.record(1), PEER.record(2)],
        [PEER.record(1, goodbye=True)],
        [PEER.record(1, license_id="other")],
        [PEER.record(1), SUBJECT.record(1, license_id="other")],
        [author(index).record(1) for index in range(4)],
    ],
    ids=["twice", "goodbye", "license", "licenses", "too many"],
)
def test_census_is_of_members_that_a_list_would_admit(records: list[Record]) -> None:
    """Each once, alive, under one license, no more than there may be."""
    with pytest.raises(InvalidRequest):
        Census.of(records, Settings.lan(members_max=3))


def test_census_made_for_other_settings_is_refused() -> None:
    """The engine looks at its own."""
    with pytest.raises(InvalidRequest):
        make_engine(ME, Settings.lan(license_id="other"), census=census_of(PEER))
    with pytest.raises(InvalidRequest):
        make_engine(ME, Settings.lan(members_max=1), census=census_of(PEER, SUBJECT))


def test_census_of_nobody_is_the_empty_one() -> None:
    """Whatever the license."""
    assert repr(Census.of([], LAN)) == repr(EMPTY_CENSUS)
    engine = make_engine(ME, Settings.lan(license_id="other"), census=Census.of([], LAN))
    engine.start(0.0)
    assert engine.membership.live_count == 1


def test_census_tells_since_when_its_members_are_known() -> None:
    """By the engines' clock, which need not begin at 0."""
    census = Census.of([PEER.record(1)], LAN, since=5_000.0)
    row = census.rows[PEER.id]
    assert (row.since, row.gone_at, row.first_seen) == (5_000.0, 5_000.0, 5_000.0)
