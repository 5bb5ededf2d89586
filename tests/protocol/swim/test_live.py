"""Who counts, and the drawing of lots among them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from protocol.swim.live import LiveList
from protocol.ulid import MemberId
from tests.protocol.wire.sample import author

IDS = [author(index).id for index in range(1, 31)]
people = st.sampled_from(IDS)


def over(base: list[MemberId]) -> LiveList:
    """Begin with some."""
    return LiveList(dict.fromkeys(base), tuple(base))


@given(st.lists(people, unique=True), st.lists(people, max_size=60), st.integers(0, 1 << 30))
def test_live_list_agrees_with_a_plain_list(base: list[MemberId], turned: list[MemberId], seed: int) -> None:
    """Whoever is there goes, whoever is not comes: each is listed once, and only who is there is drawn."""
    live, model = over(base), list(base)
    for id in turned:
        if id in model:
            live.remove(id)
            model.remove(id)
        else:
            live.add(id)
            model.append(id)
        assert sorted(live) == sorted(model)
        assert len(live) == live.count == len(model)
        assert [id in live for id in IDS] == [id in model for id in IDS]
    for count in (1, 3, 40):
        chosen = live.sample(Random(seed), count, frozenset(IDS[:2]))
        assert len(chosen) == len(set(chosen)) == min(count, len(set(model) - set(IDS[:2])))
        assert set(chosen) <= set(model) - set(IDS[:2])


@given(st.lists(people, max_size=60))
def test_live_list_of_its_own_is_ordered_as_by_swapping_with_the_last(turned: list[MemberId]) -> None:
    """So what is drawn depends on nothing but what was done."""
    live, model = over([]), list[MemberId]()
    for id in turned:
        if id in model:
            live.remove(id)
            place, last = model.index(id), model.pop()
            if last != id:
                model[place] = last
        else:
            live.add(id)
            model.append(id)
        assert list(live) == model


def test_live_list_draws_each_as_often_as_any_other() -> None:
    """Those of the base and those that came, whoever is absent."""
    live, rng = over(IDS[:20]), Random(1)
    for id in IDS[:5]:
        live.remove(id)
    for id in IDS[20:]:
        live.add(id)
    drawn = dict.fromkeys(IDS[5:], 0)
    for _ in range(25_000):
        (id,) = live.sample(rng, 1, frozenset())
        drawn[id] += 1
    assert all(850 < count < 1_150 for count in drawn.values())  # 1,000 expected, deviation 31


def test_live_list_parts_with_a_base_of_which_most_are_absent() -> None:
    """Then no draw misses; nobody is lost by it, and who returns is there again."""
    live = over(IDS[:20])
    for id in IDS[:15]:
        live.remove(id)
    assert sorted(live) == IDS[15:20]
    assert live._ids == ()
    live.add(IDS[0])
    assert sorted(live) == [IDS[0], *IDS[15:20]]
