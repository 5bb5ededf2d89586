"""The laws of the merge: whatever comes, in whatever order, everybody ends with the same entry."""

from functools import reduce
from itertools import permutations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from protocol.swim.entry import ACCUSATIONS_MAX, Entry, add_statement, merge, record_rank
from protocol.wire.statement import Accusation, Eviction, MemberStatement, Record
from tests.protocol.wire.sample import author

SUBJECT = author(0)
ACCUSERS = [author(index) for index in range(1, 13)]

salts = st.sampled_from([b"", b"x", b"y"])
few = st.integers(1, 3)
records = st.builds(
    lambda i, g, s, salt: SUBJECT.record(i, goodbye=g, start=s, salt=salt), few, st.booleans(), st.integers(1, 2), salts
)
"""An equivocating subject: several records, and signatures, of one incarnation."""
accusations = st.builds(
    lambda who, i, salt: who.accuse(SUBJECT.id, i, salt=salt), st.sampled_from(ACCUSERS), few, salts
)
evictions = st.builds(
    lambda who, i, p, salt: who.evict(SUBJECT.id, i, prune=p, salt=salt),
    st.sampled_from(ACCUSERS),
    few,
    st.booleans(),
    salts,
)
statements: st.SearchStrategy[MemberStatement] = st.one_of(records, accusations, evictions)


def add_all(entry: Entry, said: list[MemberStatement]) -> Entry:
    """Merge one statement after another."""
    return reduce(add_statement, said, entry)


entries = st.builds(lambda record, said: add_all(Entry(record), said), records, st.lists(statements, max_size=25))


@given(entries, entries)
def test_merge_is_commutative(one: Entry, other: Entry) -> None:
    """Who tells whom does not matter."""
    assert merge(one, other) == merge(other, one)


@given(entries, entries, entries)
def test_merge_is_associative(one: Entry, two: Entry, three: Entry) -> None:
    """Nor who hears it from whom."""
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(entries, entries)
def test_merge_is_idempotent(one: Entry, other: Entry) -> None:
    """Nor how often."""
    assert merge(one, one) == one
    assert merge(merge(one, other), other) == merge(one, other)


@given(entries, entries)
def test_merge_never_moves_down(one: Entry, other: Entry) -> None:
    """The record's rank never falls; within one record nothing that was said is lost to nothing."""
    merged = merge(one, other)
    assert record_rank(merged.record) >= max(record_rank(one.record), record_rank(other.record))
    if merged.record.incarnation == one.record.incarnation:
        assert len(merged.accusations) >= len(one.accusations)
        assert merged.eviction is not None or one.eviction is None


@given(entries, statements)
def test_add_statement_never_moves_down_and_is_idempotent(entry: Entry, statement: MemberStatement) -> None:
    """And it gives the very same entry back when nothing changed."""
    once = add_statement(entry, statement)
    assert record_rank(once.record) >= record_rank(entry.record)
    assert add_statement(once, statement) is once


def said_by(entry: Entry) -> list[MemberStatement]:
    """Give an entry's statements as a sync sends them: the record first."""
    return [entry.record, *entry.accusations, *([entry.eviction] if entry.eviction else [])]


@given(entries, entries)
def test_statements_one_by_one_come_to_the_merge(one: Entry, other: Entry) -> None:
    """Claims travel singly; sent record first they give what `merge` gives."""
    assert add_all(one, said_by(other)) == merge(one, other)


@given(st.lists(records, min_size=1, max_size=4), st.lists(st.one_of(accusations, evictions), max_size=6), st.randoms())
def test_charges_in_any_order_come_to_the_same(held: list[Record], charges: list[MemberStatement], rng: Random) -> None:
    """Once the record is there, the order of accusations and evictions does not matter."""
    top = Entry(max(held, key=record_rank))
    shuffled = list(charges)
    rng.shuffle(shuffled)
    assert add_all(top, charges) == add_all(top, shuffled)


@given(st.lists(statements, max_size=60))
def test_entry_is_bounded_and_consistent(said: list[MemberStatement]) -> None:
    """At most 8 accusations, one per accuser, all of the record's incarnation."""
    entry = add_all(Entry(SUBJECT.record(1)), said)
    assert len(entry.accusations) <= ACCUSATIONS_MAX
    assert len({accusation.accuser for accusation in entry.accusations}) == len(entry.accusations)
    charges: list[Accusation | Eviction] = [*entry.accusations, *([entry.eviction] if entry.eviction else [])]
    assert {charge.incarnation for charge in charges} <= {entry.record.incarnation}


def test_entry_keeps_the_same_eight_of_twelve_accusers_in_any_order() -> None:
    """The smallest by hash, whoever came first."""
    said = [accuser.accuse(SUBJECT.id) for accuser in ACCUSERS]
    start = Entry(SUBJECT.record(1))
    forward = add_all(start, list(said))
    assert len(forward.accusations) == 8
    assert add_all(start, list(reversed(said))) == forward


def test_entry_accuser_cannot_take_a_second_place_by_signing_again() -> None:
    """Another signature of the same words replaces the first or is dropped; it never adds."""
    entry = Entry(SUBJECT.record(1))
    for salt in (b"", b"x", b"y", b"z"):
        entry = add_statement(entry, ACCUSERS[0].accuse(SUBJECT.id, salt=salt))
    assert len(entry.accusations) == 1


def test_entry_goodbye_beats_alive_of_the_same_incarnation() -> None:
    """In both orders."""
    alive, goodbye = SUBJECT.record(2), SUBJECT.record(2, goodbye=True)
    for order in permutations((alive, goodbye)):
        assert add_all(Entry(SUBJECT.record(1)), list(order)).record == goodbye


def test_entry_larger_incarnation_drops_all_charges() -> None:
    """A refutation needs nothing else."""
    entry = add_all(Entry(SUBJECT.record(1)), [ACCUSERS[0].accuse(SUBJECT.id), ACCUSERS[1].evict(SUBJECT.id)])
    assert add_statement(entry, SUBJECT.record(2)) == Entry(SUBJECT.record(2))


def test_entry_charge_of_another_incarnation_changes_nothing() -> None:
    """Below it is refuted already; above, nobody signed such a record."""
    entry = Entry(SUBJECT.record(2))
    for incarnation in (1, 3):
        assert add_statement(entry, ACCUSERS[0].accuse(SUBJECT.id, incarnation)) is entry
        assert add_statement(entry, ACCUSERS[0].evict(SUBJECT.id, incarnation)) is entry


def test_entry_nobody_accuses_itself() -> None:
    """That would be a goodbye."""
    entry = Entry(SUBJECT.record(1))
    assert add_statement(entry, SUBJECT.accuse(SUBJECT.id)) is entry


def test_entry_prune_beats_plain_eviction() -> None:
    """In both orders."""
    plain, prune = ACCUSERS[0].evict(SUBJECT.id), ACCUSERS[1].evict(SUBJECT.id, prune=True)
    for order in permutations((plain, prune)):
        assert add_all(Entry(SUBJECT.record(1)), list(order)).eviction == prune
