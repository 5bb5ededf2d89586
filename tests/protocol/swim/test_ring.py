"""The order of probing: nobody is forgotten, nobody is asked twice before all were asked once."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from protocol.swim.ring import ProbeRing
from protocol.ulid import MemberId
from tests.protocol.wire.sample import author

IDS = [author(index).id for index in range(1, 21)]


def anyone(id: MemberId) -> bool:
    """Take everybody."""
    return True


@given(st.integers(1, 20), st.integers(0, 1 << 30))
def test_ring_asks_each_member_once_per_round(size: int, seed: int) -> None:
    """Round after round."""
    ring = ProbeRing(Random(seed))
    for id in IDS[:size]:
        ring.add(id)
    for _ in range(4):
        assert {ring.next(anyone) for _ in range(size)} == set(IDS[:size])


@given(st.integers(2, 20), st.integers(0, 1 << 30))
def test_ring_waits_for_one_member_at_most_two_rounds_less_one(size: int, seed: int) -> None:
    """SWIM 4.3: first in one round, last in the next: 2n - 1 turns at the worst."""
    ring = ProbeRing(Random(seed))
    for id in IDS[:size]:
        ring.add(id)
    turns = [ring.next(anyone) for _ in range(12 * size)]
    places = [place for place, id in enumerate(turns) if id == IDS[0]]
    gaps = [later - sooner for sooner, later in pairwise(places)]
    assert max(gaps) <= 2 * size - 1


@given(st.integers(0, 1 << 30), st.integers(0, 9))
def test_ring_member_added_within_a_round_disturbs_nobody(seed: int, after: int) -> None:
    """Those not yet asked in this round are still asked, once each."""
    ring = ProbeRing(Random(seed))
    for id in IDS[:10]:
        ring.add(id)
    asked = [ring.next(anyone) for _ in range(after)]
    ring.add(IDS[10])
    asked += [id for id in (ring.next(anyone) for _ in range(10 - after)) if id != IDS[10]]
    assert len(asked) == len(set(asked))


def test_ring_takes_off_who_is_no_candidate() -> None:
    """And is empty, not endless, when nobody is left."""
    ring = ProbeRing(Random(1))
    for id in IDS[:5]:
        ring.add(id)
    assert {ring.next(lambda id: id == IDS[2]) for _ in range(3)} == {IDS[2]}
    assert len(ring) == 1
    assert ring.next(lambda id: False) is None
    assert ring.next(anyone) is None
