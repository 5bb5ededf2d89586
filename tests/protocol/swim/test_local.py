"""This node's own row: what it says, and how it answers what is said of it."""

import pytest

from protocol.error import InvalidRequest
from protocol.status import Status
from protocol.swim.effect import Cloned, LeaveEnded, PersistPresence, PersistReserve
from protocol.swim.local import REFUTATIONS_BURST, RESERVE_STEP, first_incarnation
from protocol.swim.settings import Settings
from protocol.wire.message import Claim, Forgotten
from protocol.wire.statement import INCARNATION_MAX, Accusation
from tests.protocol.swim.bench import (
    ACCUSER,
    FIRST,
    ME,
    PEER,
    SUBJECT,
    advance,
    make_engine,
    only,
    say,
    started,
    tell,
    told,
)


def test_local_first_incarnation_never_goes_back() -> None:
    """The larger of the reserve and the clock; room is left for a whole reserve."""
    assert first_incarnation(0, 0) == 1
    assert first_incarnation(10, 99) == 99
    assert first_incarnation(99, 10) == 99
    assert first_incarnation(INCARNATION_MAX, 0) + RESERVE_STEP == INCARNATION_MAX


def test_local_reserve_is_moved_when_half_of_it_is_used() -> None:
    """Before what needs it is sent, and not again until half of the new one is used."""
    engine = started()
    engine.local.incarnation = FIRST + RESERVE_STEP // 2
    (persist,) = only(PersistReserve, engine.set_tags(0.0, {"a": "b"}, ()))
    assert persist.incarnation == engine.local.incarnation + RESERVE_STEP
    assert only(PersistReserve, engine.set_tags(0.0, {"a": "c"}, ())) == []


@pytest.mark.parametrize("charge", [PEER.accuse(ME.id, FIRST), PEER.evict(ME.id, FIRST)])
def test_local_charge_is_refuted_and_the_sender_hears_it(charge) -> None:  # type: ignore[no-untyped-def]
    """At the next incarnation, beside the answer."""
    engine = started(ME, None, PEER.record(FIRST))
    effects = tell(engine, 0.0, charge)
    assert engine.local.incarnation == FIRST + 1
    assert engine.local.record in told(effects, PEER.id)
    assert engine.core.awareness.score == isinstance(charge, Accusation)
    assert engine.own_member.status is Status.ALIVE


@pytest.mark.parametrize("incarnation", [FIRST - 1, FIRST + 1, INCARNATION_MAX])
def test_local_charge_at_another_incarnation_is_corrected_not_refuted(incarnation: int) -> None:
    """It is refuted already, or nobody signed such a record."""
    engine = started(ME, None, PEER.record(FIRST))
    effects = tell(engine, 0.0, PEER.accuse(ME.id, incarnation))
    assert engine.local.incarnation == FIRST
    assert told(effects, PEER.id) == [engine.local.record]


def test_local_refutations_after_a_burst_come_at_their_pace_and_none_is_lost() -> None:
    """The last charge is answered by a timer though nobody repeats it."""
    engine = started(ME, None, PEER.record(FIRST))
    for _ in range(REFUTATIONS_BURST + 5):
        tell(engine, 0.0, PEER.accuse(ME.id, engine.local.incarnation))
    assert engine.local.incarnation == FIRST + REFUTATIONS_BURST
    advance(engine, 0.55)
    assert engine.local.incarnation == FIRST + REFUTATIONS_BURST + 1
    advance(engine, 5.0)
    assert engine.local.incarnation == FIRST + REFUTATIONS_BURST + 1


def test_local_forgotten_is_risen_above_once() -> None:
    """Only at its own incarnation."""
    engine = started(ME, None, PEER.record(FIRST))
    for incarnation in (FIRST, FIRST, FIRST - 1, FIRST + 7):
        say(engine, 0.0, Forgotten(ME.id, incarnation))
    assert engine.local.incarnation == FIRST + 1


def test_local_goodbye_is_never_refuted() -> None:
    """Accused, evicted, forgotten, or shown its own past: it stays gone."""
    engine = started(ME, None, PEER.record(FIRST))
    engine.leave(0.0)
    gone = engine.local.incarnation
    tell(engine, 0.0, PEER.accuse(ME.id, gone))
    tell(engine, 0.0, PEER.evict(ME.id, gone))
    say(engine, 0.0, Forgotten(ME.id, gone))
    assert engine.local.incarnation == gone
    tell(engine, 0.0, ME.record(gone + 5))
    assert engine.local.goodbye
    assert engine.own_member.status is Status.LEFT
    assert engine.local.incarnation == gone + 6


def test_local_own_record_from_above_is_overtaken() -> None:
    """A disk restored from a backup: once is our own past."""
    engine = started(ME, None, PEER.record(FIRST))
    effects = tell(engine, 0.0, ME.record(FIRST + 100, start=2))
    assert engine.local.incarnation == FIRST + 101
    assert only(Cloned, effects) == []


def test_local_twice_a_foreign_start_from_above_is_a_clone() -> None:
    """Somebody else runs with this data directory: it rises above our answer, a probe interval later too."""
    engine = started(ME, None, PEER.record(FIRST))
    tell(engine, 0.0, ME.record(FIRST + 100, start=2))
    assert only(Cloned, tell(engine, 0.01, ME.record(FIRST + 102, start=2))) == []
    effects = tell(engine, 1.0, ME.record(FIRST + 104, start=2))
    assert only(Cloned, effects)


@pytest.mark.parametrize("later", [0.0, 5.0])
def test_local_records_of_two_earlier_starts_are_our_own_past(later: float) -> None:
    """A disk was lost while the clock was behind; two members tell what they still hold, or one replays it."""
    engine = started(ME, None, PEER.record(FIRST))
    tell(engine, 0.0, ME.record(FIRST + 100, start=2))
    assert only(Cloned, tell(engine, later, ME.record(FIRST + 200, start=3))) == []
    assert engine.local.incarnation == FIRST + 201


def test_local_own_record_of_the_largest_incarnation_is_a_clone_not_an_exception() -> None:
    """Only who holds our key can sign that; nothing is left above it."""
    engine = started(ME, None, PEER.record(FIRST))
    effects = tell(engine, 0.0, ME.record(INCARNATION_MAX, start=2))
    assert only(Cloned, effects)
    assert engine.local.incarnation == FIRST


def test_local_own_record_again_changes_nothing() -> None:
    """It comes back by gossip all the time."""
    engine = started(ME, None, PEER.record(FIRST))
    assert tell(engine, 0.0, engine.local.record) == []
    assert engine.local.incarnation == FIRST


@pytest.mark.parametrize(
    "tags",
    [{"k" * 65: "v"}, {"k": "v" * 256}, {"": "v"}, {"k": "a\nb"}, {f"{i:02}": "" for i in range(33)},
     {f"{i:02}": "v" * 40 for i in range(20)}],
)  # fmt: skip
def test_local_tags_out_of_bounds_change_nothing(tags: dict[str, str]) -> None:
    """One clear sentence for the user."""
    engine = started()
    record = engine.local.record
    with pytest.raises(InvalidRequest):
        engine.set_tags(0.0, tags, ())
    assert engine.local.record is record


def test_local_tags_are_set_and_deleted() -> None:
    """At the next incarnation, in order of their keys."""
    engine = started()
    engine.set_tags(0.0, {"b": "1", "a": "2"}, ())
    engine.set_tags(0.0, {"c": "3"}, ("b", "unknown"))
    assert engine.own_member.record.tags == (("a", "2"), ("c", "3"))
    assert engine.local.incarnation == FIRST + 2


def test_engine_not_started_has_no_row() -> None:
    """Asked too early."""
    with pytest.raises(InvalidRequest):
        _ = make_engine().own_member


# --- leaving ------------------------------------------------------------------------------------


def test_leave_alone_ends_at_once_and_what_must_be_on_disk_comes_first() -> None:
    """N = 1."""
    effects = started().leave(0.0)
    assert isinstance(effects[0], PersistPresence)
    assert effects[-1] == LeaveEnded()


def test_leave_nobody_answers_ends_after_five_seconds() -> None:
    """Not before, and once."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    effects = engine.leave(1.0)
    assert only(LeaveEnded, effects) == []
    assert only(LeaveEnded, advance(engine, 5.9)) == []
    assert only(LeaveEnded, advance(engine, 6.1)) == [LeaveEnded()]
    assert only(LeaveEnded, advance(engine, 60.0)) == []


def test_leave_again_when_it_is_over_ends_at_once() -> None:
    """Asked twice."""
    engine = started()
    engine.leave(0.0)
    assert engine.leave(1.0) == [LeaveEnded()]


def test_leave_tells_a_goodbye_to_each_it_pings() -> None:
    """With the ping itself."""
    engine = started(ME, Settings.local(), PEER.record(FIRST))
    goodbye = [s for s in told(engine.leave(0.0), PEER.id) if s == engine.local.record]
    assert goodbye
    assert engine.local.record.goodbye


def test_start_after_a_goodbye_stays_out() -> None:
    """No contact is tried, and the row says left."""
    engine = make_engine()
    engine.start(0.0, left=True)
    assert engine.own_member.status is Status.LEFT
    assert engine.next_deadline() is None


def test_local_believes_accusers_three_times_and_then_once_in_ten_intervals() -> None:
    """However many accuse each new incarnation, they cannot keep a healthy member's awareness at its worst."""
    engine = started(ME, None, PEER.record(5), ACCUSER.record(5))
    for _ in range(3):
        tell(engine, 0.0, PEER.accuse(ME.id, engine.local.incarnation))
        tell(engine, 0.0, ACCUSER.accuse(ME.id, engine.local.incarnation))
    assert engine.counters.refutations == 6
    assert engine.core.awareness.score == 3
    engine.local.meet(9.0, Claim(ACCUSER.accuse(ME.id, engine.local.incarnation)))
    assert engine.core.awareness.score == 3
    engine.local.meet(10.0, Claim(ACCUSER.accuse(ME.id, engine.local.incarnation)))
    assert engine.core.awareness.score == 4
