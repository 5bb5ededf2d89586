"""The view hash: equal lists, equal numbers; a difference is found in its bucket."""

from hashlib import blake2b
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from protocol.swim.entry import Entry
from protocol.swim.view_hash import ViewHash, entry_mark
from protocol.ulid import MemberId
from tests.protocol.wire.sample import author

marks = st.dictionaries(st.binary(min_size=16, max_size=16).map(MemberId), st.integers(1, (1 << 64) - 1), max_size=30)
A, B, C = author(1), author(2), author(3)


def hash_of(view: dict[MemberId, int]) -> ViewHash:
    """Hash a list from scratch."""
    view_hash = ViewHash()
    for id, mark in view.items():
        view_hash.replace(id, 0, mark)
    return view_hash


@given(marks, st.randoms())
def test_view_hash_does_not_depend_on_order(view: dict[MemberId, int], rng: Random) -> None:
    """Two nodes that heard the same in another order agree."""
    items = list(view.items())
    rng.shuffle(items)
    one, other = hash_of(view), hash_of(dict(items))
    assert one.root == other.root
    assert one.encode_buckets() == other.encode_buckets()


@given(marks, marks)
def test_view_hash_changed_step_by_step_equals_one_from_scratch(
    before: dict[MemberId, int], after: dict[MemberId, int]
) -> None:
    """Changes, additions and removals."""
    view_hash = hash_of(before)
    for id in before.keys() | after.keys():
        view_hash.replace(id, before.get(id, 0), after.get(id, 0))
    assert view_hash.root == hash_of(after).root
    assert view_hash.encode_buckets() == hash_of(after).encode_buckets()


def as_marks(view: dict[MemberId, int]) -> dict[MemberId, int]:
    """Hash id and mark together, as real marks are: those of two ids are never equal, nor are their sums."""
    digests = {id: blake2b(id + mark.to_bytes(8, "big"), digest_size=8).digest() for id, mark in view.items()}
    return {id: int.from_bytes(digest, "big") for id, digest in digests.items()}


@given(marks, marks)
def test_view_hash_finds_exactly_the_buckets_that_differ(one: dict[MemberId, int], other: dict[MemberId, int]) -> None:
    """No bucket of equal members is listed for nothing."""
    expected = {id[-1] for id in one.keys() | other.keys() if one.get(id) != other.get(id)}
    found = hash_of(as_marks(one)).differing_buckets(hash_of(as_marks(other)).encode_buckets())
    assert set(found) == expected
    assert len(found) == len(set(found))


def test_entry_mark_differs_with_all_that_views_must_agree_on() -> None:
    """Incarnation, the record itself, accused, left; but not who accused, nor how many."""
    entries = [
        Entry(A.record(1)),
        Entry(A.record(2)),
        Entry(A.record(1, start=2)),
        Entry(A.record(1), (B.accuse(A.id),)),
        Entry(A.record(1), (), B.evict(A.id)),
        Entry(A.record(1), (B.accuse(A.id),), B.evict(A.id)),
        Entry(A.record(1, goodbye=True)),
    ]
    assert len({entry_mark(entry) for entry in entries}) == len(entries)
    assert entry_mark(Entry(A.record(1), (B.accuse(A.id),))) == entry_mark(
        Entry(A.record(1), (C.accuse(A.id), B.accuse(A.id)))
    )
