"""The order of probing: nobody is forgotten, nobody is asked twice before all were asked once."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.swim.census import Census
from protocol.swim.ring import ProbeRing
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from tests.protocol.wire.sample import author

IDS = [author(index).id for index in range(1, 21)]
CENSUSES = [Census.of([author(index).record() for index in range(1, 1 + size)], Settings.lan()) for size in range(21)]


def ring_of(size: int, counted: int, seed: int = 1) -> ProbeRing:
    """Give a ring of members, the first of them by a census."""
    ring = ProbeRing(Random(seed), CENSUSES[counted])
    for id in IDS[counted:size]:
        ring.add(id)
    return ring


def anyone(id: MemberId) -> bool:
    """Take everybody."""
    return True


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 1 << 30))
def test_ring_asks_each_member_once_per_round(size: int, counted: int, seed: int) -> None:
    """Round after round, whether it began with them or met them."""
    ring = ring_of(size, min(counted, size), seed)
    assert len(ring) == size
    for _ in range(4):
        assert {ring.next(anyone) for _ in range(size)} == set(IDS[:size])


@given(st.integers(2, 20), st.integers(0, 20), st.integers(0, 1 << 30))
def test_ring_waits_for_one_member_at_most_two_rounds_less_one(size: int, counted: int, seed: int) -> None:
    """SWIM 4.3: first in one round, last in the next: 2n - 1 turns at the worst."""
    ring = ring_of(size, min(counted, size), seed)
    turns = [ring.next(anyone) for _ in range(12 * size)]
    places = [place for place, id in enumerate(turns) if id == IDS[0]]
    gaps = [later - sooner for sooner, later in pairwise(places)]
    assert max(gaps) <= 2 * size - 1


@given(st.integers(0, 1 << 30), st.integers(0, 9), st.integers(0, 10))
def test_ring_member_added_within_a_round_disturbs_nobody(seed: int, after: int, counted: int) -> None:
    """Those not yet asked in this round are still asked, once each."""
    ring = ring_of(10, counted, seed)
    asked = [ring.next(anyone) for _ in range(after)]
    ring.add(IDS[10])
    asked += [id for id in (ring.next(anyone) for _ in range(10 - after)) if id != IDS[10]]
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("counted", [0, 3, 5])
def test_ring_takes_off_who_is_no_candidate(counted: int) -> None:
    """And is empty, not endless, when nobody is left."""
    ring = ring_of(5, counted)
    assert {ring.next(lambda id: id == IDS[2]) for _ in range(3)} == {IDS[2]}
    assert len(ring) == 1
    assert ring.next(lambda id: False) is None
    assert ring.next(anyone) is None


members = st.sampled_from(IDS)
deeds = st.lists(st.tuples(st.sampled_from(["next", "next", "next", "come", "go"]), members), max_size=150)


@given(st.integers(0, 20), deeds, st.integers(0, 1 << 30))
def test_ring_meets_whoever_stays_in_time_whatever_others_do(
    counted: int, plan: list[tuple[str, MemberId]], seed: int
) -> None:
    """Members come, go and return: only those there are asked, and who stays waits 2n - 1 turns at the most."""
    stays, own = IDS[0], IDS[1]
    ring = ProbeRing(Random(seed), CENSUSES[counted], without=own)
    there = set(IDS[:counted]) - {own} | {stays}
    if stays not in ring:
        ring.add(stays)
    waited, most = 0, len(there)
    for deed, id in [*plan, *[("next", own)] * 45]:
        if deed == "come" and id != own:
            there.add(id)
            if id not in ring:
                ring.add(id)
        elif deed == "go" and id != stays:
            there.discard(id)
        elif deed == "next":
            asked = ring.next(there.__contains__)
            assert asked in there
            waited = 0 if asked == stays else waited + 1
        most = max(most, len(there))
        assert waited < 2 * most - 1 or waited == 0
        assert there <= {id for id in IDS if id in ring}
        assert len(ring) == sum(id in ring for id in IDS)
    assert len(ring) <= len(there) + sum(id in ring for id in set(IDS) - there)


@pytest.mark.parametrize("counted", [0, 2, 3])
def test_ring_order_is_any_with_equal_chance(counted: int) -> None:
    """Of three there are six orders: in the first round as in a later one."""
    for skipped in (0, 3):
        orders = Counter[tuple[MemberId | None, ...]]()
        for seed in range(6_000):
            ring = ring_of(3, counted, seed)
            turns = [ring.next(anyone) for _ in range(skipped + 3)]
            orders[tuple(turns[skipped:])] += 1
        assert len(orders) == 6
        assert all(880 < count < 1_120 for count in orders.values())  # 1,000 expected, deviation 29


def test_ring_member_added_within_a_round_stands_anywhere_in_it_with_equal_chance() -> None:
    """After four of nine turns it is over with two chances in five; else each turn that is left is as likely."""
    turns = Counter[int]()
    for seed in range(10_000):
        ring = ring_of(9, 6, seed)
        for _ in range(4):
            ring.next(anyone)
        ring.add(IDS[9])
        asked = [ring.next(anyone) for _ in range(6)]
        turns[asked.index(IDS[9]) if IDS[9] in asked else -1] += 1
    assert turns.keys() <= {-1, 0, 1, 2, 3, 4, 5}
    assert all(880 < turns[turn] < 1_120 for turn in range(5))  # 1,000 expected, deviation 30


def test_ring_costs_what_was_asked_not_what_it_has() -> None:
    """Sharing a census, and after most of it is gone."""
    ring = ring_of(20, 20)
    for asked in range(1, 6):
        ring.next(anyone)
        assert len(ring._exchanged) <= asked
    for _ in range(40):
        ring.next(lambda id: id in IDS[:5])
    assert len(ring) == len(ring._own) == 5
    assert not ring._off
