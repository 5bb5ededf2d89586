"""Who may be a member: the door, the merge, the race for the last seat, and the healed partition."""

import pytest

from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.admission import (
    RACE_EXCESS_MAX,
    RECENT_MAX,
    Admission,
    Terms,
)
from protocol.swim.candidate import Candidate
from protocol.swim.effect import StreamVerdict
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from tests.protocol.swim.bench import FIRST, PEER, SUBJECT, changes, only, status, tell
from tests.protocol.swim.licensed import (
    HEAL_S,
    LATE,
    RACE_S,
    X,
    Y,
    Z,
    alive,
    at_the_door,
    evicted,
    failed,
    gone,
    licensed,
    reaped,
    revoked,
    suspected,
)
from tests.protocol.wire.sample import HOME, Author, author


class Rules:
    """An admission by itself, with as many seats taken and ids barred as a test says."""

    def __init__(self, seats: int | None = 3, taken: int = 0, license_id: str = "") -> None:
        self.taken = taken
        self.barred: set[MemberId] = set()
        settings = Settings.lan(seats=seats, license_id=license_id)
        self.admission = Admission(settings, self.barred.__contains__, lambda: self.taken, lambda id: True)

    def judge(
        self,
        id: MemberId,
        license_id: str = "",
        *,
        now: float = LATE,
        seated: bool = False,
        known: bool = False,
        lets_in: bool = True,
    ) -> Refusal | None:
        """Judge at the door."""
        return self.admission.judge(now, id, license_id, seated=seated, known=known or seated, lets_in=lets_in)


# --- the door -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lets_in", [True, False])
@pytest.mark.parametrize(("seated", "known"), [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("expired", [True, False])
@pytest.mark.parametrize("other", [True, False])
@pytest.mark.parametrize("barred", [True, False])
def test_door_gives_the_first_reason(
    barred: bool, other: bool, expired: bool, full: bool, seated: bool, known: bool, lets_in: bool
) -> None:
    """Revoked, license, expired, limit; the last spares who has a seat, expiry who is known or wants none."""
    rules = Rules(seats=3, taken=3 if full else 2, license_id="acme")
    rules.admission.terms = Terms("acme", 3, expired=expired)
    if barred:
        rules.barred.add(X.id)
    expected = None
    if barred:
        expected = Refusal.REVOKED
    elif other:
        expected = Refusal.LICENSE_MISMATCH
    elif not known and expired and lets_in:
        expected = Refusal.LICENSE_EXPIRED
    elif not seated and full:
        expected = Refusal.NODE_LIMIT
    assert rules.judge(X.id, "other" if other else "acme", seated=seated, known=known, lets_in=lets_in) is expected


@pytest.mark.parametrize(("after_s", "refusal"), [(0.0, None), (HEAL_S, None), (HEAL_S + 0.1, Refusal.NODE_LIMIT)])
def test_door_is_shut_while_a_partition_heals_but_syncs_are_let_through(
    after_s: float, refusal: Refusal | None
) -> None:
    """Who is in the other half must be able to sync; who asks for a seat gets none."""
    rules = Rules(taken=3)
    rules.admission.note_heal(LATE)
    assert rules.judge(X.id, now=LATE + after_s, lets_in=False) is refusal
    assert rules.judge(X.id, now=LATE + after_s, lets_in=True) is Refusal.NODE_LIMIT


def test_door_without_a_number_of_seats_is_never_full() -> None:
    """The open license; members_max is judged by Membership."""
    rules = Rules(seats=None, taken=99_999)
    assert rules.judge(X.id) is None
    assert rules.admission.admits(LATE, X.id, "")
    assert not rules.admission.is_full
    assert rules.admission.excess == 0


# --- past the door ------------------------------------------------------------------------------


def test_merge_admits_while_there_are_seats() -> None:
    """An expired license says nothing about those whom others let in."""
    rules = Rules(taken=2)
    rules.admission.terms = Terms("", 3, expired=True)
    assert rules.admission.admits(LATE, X.id, "")
    rules.taken = 3
    assert not rules.admission.admits(LATE, X.id, "")


def test_merge_never_admits_the_revoked_or_another_license() -> None:
    """Not while there are seats, and not while a partition heals."""
    rules = Rules(taken=0)
    rules.barred.add(X.id)
    rules.admission.note_heal(LATE)
    assert not rules.admission.admits(LATE, X.id, "")
    assert not rules.admission.admits(LATE, Y.id, "other")


@pytest.mark.parametrize(("after_s", "admitted"), [(0.0, True), (HEAL_S, True), (HEAL_S + 0.1, False)])
def test_merge_admits_beyond_the_limit_while_a_partition_heals(after_s: float, admitted: bool) -> None:
    """For 30 probe intervals."""
    rules = Rules(taken=30)
    rules.admission.note_heal(LATE)
    assert rules.admission.admits(LATE + after_s, X.id, "") == admitted


@pytest.mark.parametrize(
    ("rival", "after_s", "admitted"),
    [(Z, 0.0, True), (Z, RACE_S, True), (Z, RACE_S + 0.1, False), (X, 0.0, False), (Y, 0.0, False)],
)
def test_merge_admits_beside_a_rival_of_a_larger_id(rival: Author, after_s: float, admitted: bool) -> None:
    """For 10 probe intervals after the rival came."""
    rules = Rules(taken=3)
    rules.admission.note_newcomer(LATE, rival.id)
    assert rules.admission.admits(LATE + after_s, Y.id, "") == admitted


def test_merge_admits_a_bounded_number_beside_rivals() -> None:
    """Eight more than there are seats, whatever their ids."""
    rules = Rules(seats=3, taken=3 + RACE_EXCESS_MAX - 1)
    rules.admission.note_newcomer(LATE, Z.id)
    assert rules.admission.admits(LATE, X.id, "")
    rules.taken += 1
    assert not rules.admission.admits(LATE, X.id, "")


def test_losers_are_the_largest_of_the_newcomers() -> None:
    """As many as there are too many; none while there are not, while a partition heals, or once the race is over."""
    rules = Rules(seats=3, taken=3)
    for who in (Y, X, Z):
        rules.admission.note_newcomer(LATE, who.id)
    assert rules.admission.losers(LATE) == []
    for taken, expected in ((4, [Z.id]), (5, [Z.id, Y.id]), (9, [Z.id, Y.id, X.id])):
        rules.taken = taken
        assert rules.admission.losers(LATE) == expected
        assert rules.admission.losers(LATE + RACE_S + 0.1) == []
    rules.admission.note_heal(LATE)
    assert rules.admission.losers(LATE) == []


def test_newcomers_remembered_are_bounded() -> None:
    """The last 64; none without seats to race for."""
    rules = Rules()
    for number in range(RECENT_MAX + 5):
        rules.admission.note_newcomer(LATE, author(100 + number).id)
    assert rules.admission.rivals(LATE) == [author(105 + number).id for number in range(RECENT_MAX)]
    unlimited = Rules(seats=None)
    unlimited.admission.note_newcomer(LATE, X.id)
    assert unlimited.admission.rivals(LATE) == []


def test_probation_begins_with_the_own_join_and_ends() -> None:
    """Of all that a join brings nobody is a rival: they were there before."""
    rules = Rules()
    assert not rules.admission.on_probation(LATE)
    rules.admission.note_newcomer(LATE, Z.id)
    rules.admission.note_joined(LATE, Y.id)
    assert rules.admission.rivals(LATE) == [Y.id]
    assert rules.admission.on_probation(LATE + RACE_S)
    assert not rules.admission.on_probation(LATE + RACE_S + 0.1)


# --- seats --------------------------------------------------------------------------------------


SEATS = {alive: 1, suspected: 1, failed: 1, evicted: 0, gone: 0, reaped: 0, revoked: 0}


@pytest.mark.parametrize("happens", SEATS)
def test_seat_is_held_by_the_alive_suspect_and_failed(happens) -> None:  # type: ignore[no-untyped-def]
    """Not by those that left, were reaped or put out: a newcomer has theirs, at the door and by gossip."""
    engine = licensed(3, PEER.record(FIRST), SUBJECT.record(FIRST))
    happens(engine)
    free = not SEATS[happens]
    assert engine.membership.seats_taken == 2 + SEATS[happens]
    assert at_the_door(engine, X) is (None if free else Refusal.NODE_LIMIT)
    tell(engine, LATE, X.record(FIRST))
    assert (status(engine, X) is Status.ALIVE) == free
    assert engine.counters.claims_refused == (0 if free else 1)


@pytest.mark.parametrize("happens", SEATS)
def test_seat_lost_meanwhile_is_not_given_back(happens) -> None:  # type: ignore[no-untyped-def]
    """The seat went to another: one that said goodbye, or was reaped, stays out; who was only failed here returns."""
    engine = licensed(3, PEER.record(FIRST), SUBJECT.record(FIRST))
    happens(engine)
    tell(engine, LATE, X.record(FIRST))
    tell(engine, LATE + RACE_S + 1, SUBJECT.record(FIRST + 2), sender=SUBJECT)
    returns = happens not in (gone, reaped, revoked)
    assert (status(engine) is Status.ALIVE) == returns
    assert engine.membership.admission.excess == (1 if happens is evicted else 0)


def test_seat_count_follows_a_failed_member_that_returns() -> None:
    """It is counted once, before and after."""
    engine = licensed(3, PEER.record(FIRST), SUBJECT.record(FIRST))
    for happens, expected in ((failed, 3), (alive, 3)):
        happens(engine)
        assert engine.membership.seats_taken == expected
    tell(engine, LATE, SUBJECT.record(FIRST + 1))
    assert status(engine) is Status.ALIVE
    assert engine.membership.seats_taken == 3


def test_seats_of_a_node_alone_are_its_own() -> None:
    """And one that left holds none, as far as it counts."""
    engine = licensed(1)
    assert engine.membership.seats_taken == 1
    assert at_the_door(engine, X) is Refusal.NODE_LIMIT
    engine.leave(LATE)
    assert engine.membership.seats_taken == 0


def test_terms_that_change_hold_from_then_on() -> None:
    """More seats, none, fewer; nobody is removed."""
    engine = licensed(2, PEER.record(FIRST))
    assert at_the_door(engine, X) is Refusal.NODE_LIMIT
    for terms, expected in (
        (Terms("", 3), None),
        (Terms("", 3, expired=True), Refusal.LICENSE_EXPIRED),
        (Terms("", None), None),
        (Terms("", 1), Refusal.NODE_LIMIT),
    ):
        engine.change_terms(terms)
        assert at_the_door(engine, X) is expected
    assert status(engine, PEER) is Status.ALIVE
    assert engine.membership.admission.excess == 1


def test_terms_that_expired_refuse_at_the_door_only() -> None:
    """Members come back, sync and are heard of; a newcomer that others let in is taken."""
    engine = licensed(5, PEER.record(FIRST), SUBJECT.record(FIRST))
    engine.change_terms(Terms("", 5, expired=True))
    assert at_the_door(engine, X) is Refusal.LICENSE_EXPIRED
    assert at_the_door(engine, SUBJECT) is None
    tell(engine, LATE, X.record(FIRST))
    assert status(engine, X) is Status.ALIVE
    assert at_the_door(engine, X) is None


def test_terms_that_expired_do_not_keep_out_one_that_left() -> None:
    """It is no new member, while it is on the list and a seat is free."""
    engine = licensed(3, PEER.record(FIRST), SUBJECT.record(FIRST))
    engine.change_terms(Terms("", 3, expired=True))
    gone(engine)
    assert at_the_door(engine, SUBJECT) is None
    tell(engine, LATE, X.record(FIRST))
    assert at_the_door(engine, SUBJECT) is Refusal.NODE_LIMIT


def test_terms_that_expired_do_not_keep_this_node_from_joining() -> None:
    """It is the other that lets in."""
    engine = licensed(5)
    engine.change_terms(Terms("", 5, expired=True))
    candidate = Candidate(PEER.id, PEER.key, "n2", "", HOME, Purpose.JOIN)
    assert only(StreamVerdict, engine.handle_stream_proposed(LATE, 7, candidate, dialled=True)) == [
        StreamVerdict(7, None)
    ]


@pytest.mark.parametrize("happens", [alive, suspected, failed, evicted, gone])
def test_record_of_another_license_from_a_known_member_is_refused(happens) -> None:  # type: ignore[no-untyped-def]
    """It was restarted under another one; what was held of it stays."""
    engine = licensed(9, PEER.record(FIRST), SUBJECT.record(FIRST))
    happens(engine)
    engine.core.drain()
    before, root = status(engine), engine.membership.hash.root
    effects = tell(engine, LATE, SUBJECT.record(FIRST + 5, license_id="other"), sender=SUBJECT)
    assert status(engine) is before
    assert engine.membership.hash.root == root
    assert changes(effects) == []
    assert engine.counters.claims_refused == 1
    tell(engine, LATE, SUBJECT.record(FIRST + 6), sender=SUBJECT)
    assert status(engine) is Status.ALIVE
    assert engine.counters.claims_refused == 1


def test_goodbye_under_another_license_is_taken() -> None:
    """Whoever leaves may leave."""
    engine = licensed(9, PEER.record(FIRST), SUBJECT.record(FIRST))
    tell(engine, LATE, SUBJECT.record(FIRST + 1, goodbye=True, license_id="other"))
    assert status(engine) is Status.LEFT
