"""The laws of the merge of facts: any order, any repetition, owners that sign two facts of one version."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.swim import facts as facts_module
from protocol.swim.facts import FactOutcome, Facts
from protocol.swim.view_hash import ViewHash
from protocol.wire.fact import HORIZON_KEY, Fact, fact_id
from protocol.wire.message import Topic
from tests.protocol.wire.fact_sample import sign_fact, sign_horizon
from tests.protocol.wire.sample import Author, author

ONE, OTHER = author(1), author(2)
ALL_BUCKETS = bytes(range(256))

owners = st.sampled_from((ONE, ONE, ONE, OTHER))
keys = st.sampled_from((b"a", b"b", b"c", b"d", HORIZON_KEY))
versions = st.integers(1, 9)
"""Few, so that versions meet: of one key, of two keys, and of the horizon."""


@st.composite
def _said(draw: st.DrawFn) -> Fact:
    key = draw(keys)
    value = b"" if key == HORIZON_KEY else draw(st.sampled_from((b"", b"x", b"y" * 50)))
    return sign_fact(draw(owners), key, draw(versions), value, salt=draw(st.sampled_from((b"", b"1", b"2"))))


said = st.lists(_said(), max_size=14)


def make(told: Sequence[Fact] = ()) -> Facts:
    """Give what comes of telling facts in some order."""
    held = Facts(ViewHash())
    for fact in told:
        held.merge(fact)
    return held


def content(held: Facts) -> set[bytes]:
    """Give all that is held."""
    return {fact.raw for fact in held}


@given(said, st.randoms(use_true_random=False))
def test_merge_comes_to_the_same_in_any_order(told: list[Fact], random: object) -> None:
    """Commutative and associative, horizons and equivocations included; the hash and the listing too."""
    shuffled = list(told)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = make(told), make(shuffled)
    assert content(one) == content(other)
    assert one._hash.root == other._hash.root
    assert one.summaries(ALL_BUCKETS) == other.summaries(ALL_BUCKETS)


@given(said, said)
def test_merge_of_two_stores_comes_to_the_same_both_ways(left: list[Fact], right: list[Fact]) -> None:
    """What one holds told to the other, or the reverse, or all of it to a third."""
    one, other = make(left), make(right)
    ours, theirs = list(one), list(other)
    for fact in theirs:
        one.merge(fact)
    for fact in ours:
        other.merge(fact)
    assert content(one) == content(other) == content(make([*left, *right]))


@given(said)
def test_merge_of_what_was_told_changes_nothing(told: list[Fact]) -> None:
    """Idempotent: each is known, or beaten by what is held, and the hash stays."""
    held = make(told)
    before, root = content(held), held._hash.root
    for fact in told:
        outcome = held.merge(fact)
        assert outcome is (FactOutcome.KNOWN if fact.raw in before else FactOutcome.STALE)
    assert (content(held), held._hash.root) == (before, root)


@given(said)
def test_merge_never_goes_back(told: list[Fact]) -> None:
    """A key's version grows, or a horizon above it is drawn; what went does not return."""
    held = make()
    gone: set[bytes] = set()
    for fact in told:
        before = {(f.owner, f.key): f for f in held}
        held.merge(fact)
        for (owner, key), old in before.items():
            now = held.get(owner, key)
            if now is None:
                horizon = held.get(owner, HORIZON_KEY)
                assert horizon is not None
                assert horizon.version >= old.version
            else:
                assert now.version >= old.version
        gone |= {f.raw for f in before.values()} - content(held)
        assert not gone & content(held)


@given(said)
def test_nothing_held_lies_below_its_owners_horizon(told: list[Fact]) -> None:
    """Whoever offers it, and whenever."""
    held = make(told)
    for who in (ONE, OTHER):
        horizon = held.get(who.id, HORIZON_KEY)
        below = -1 if horizon is None else horizon.version
        assert all(fact.version > below for key, fact in held.of(who.id).items() if key != HORIZON_KEY)


@given(said)
def test_nothing_returns_behind_a_horizon(told: list[Fact]) -> None:
    """All that was ever said, told again after a horizon above it, is stale: the horizon beats it."""
    held = make(told)
    horizon = sign_horizon(ONE, 9)
    held.merge(horizon)
    drawn = held.get(ONE.id, HORIZON_KEY)
    for fact in told:
        if fact.owner == ONE.id and fact.key != HORIZON_KEY:
            assert held.beats(fact) is drawn
            assert held.merge(fact) is FactOutcome.STALE
    assert set(held.of(ONE.id)) == {HORIZON_KEY}


@given(said, said)
def test_hashes_are_equal_where_the_content_is(left: list[Fact], right: list[Fact]) -> None:
    """And nowhere else; the root is the sum of its parts."""
    one, other = make(left), make(right)
    assert (one._hash.root == other._hash.root) == (content(one) == content(other))
    assert (one._hash.sums == other._hash.sums) == (content(one) == content(other))
    assert one._hash.root == sum(one._hash.sums) % (1 << 64)


@given(said)
def test_stale_is_said_with_what_beats_it(told: list[Fact]) -> None:
    """What is given is held, and by being told has the sender hold no less."""
    held = make()
    for fact in told:
        better = held.beats(fact)
        outcome = held.merge(fact)
        assert (outcome is FactOutcome.STALE) == (better is not None)
        if better is not None:
            assert better.raw in content(held)
            assert make([fact]).merge(better) is FactOutcome.NEWS
            assert make([better]).merge(fact) is FactOutcome.STALE


@given(said)
def test_listing_and_search_agree_with_what_is_held(told: list[Fact]) -> None:
    """By owner, by id and by bucket; the count too."""
    held = make(told)
    listed = held.summaries(ALL_BUCKETS)
    assert len(listed) == len(held) == len(content(held))
    assert all(line.topic is Topic.FACT for line in listed)
    assert [line.id for line in listed] == sorted((line.id for line in listed), key=lambda id: (id[-1], id))
    for line in listed:
        fact = held.find(line.id)
        assert fact is not None
        assert (fact_id(fact.owner, fact.key), fact.version) == (line.id, line.version)
        assert held.get(fact.owner, fact.key) is fact
    some = bytes((3, 200))
    assert held.summaries(some) == [line for line in listed if line.id[-1] in some]


@given(said)
def test_drop_leaves_nothing_of_an_owner_and_all_of_others(told: list[Fact]) -> None:
    """As if it had never said anything; it may say all of it again."""
    held = make(told)
    held.drop(ONE.id)
    assert content(held) == content(make([fact for fact in told if fact.owner == OTHER.id]))
    assert held._hash.root == make([fact for fact in told if fact.owner == OTHER.id])._hash.root
    for fact in told:
        held.merge(fact)
    assert content(held) == content(make(told))


def fill(held: Facts, who: Author, count: int, *, version: int = 10) -> None:
    """Let an owner say so many things."""
    for number in range(count):
        assert held.merge(sign_fact(who, b"%d" % number, version + number, b"v")) is FactOutcome.NEWS


def test_owner_is_heard_up_to_its_bound_of_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more takes the place of the oldest, which never comes back; others are not concerned."""
    monkeypatch.setattr(facts_module, "FACTS_MAX", 5)
    held = make()
    fill(held, ONE, 5)
    assert held.merge(sign_fact(ONE, b"more", 99, b"v")) is FactOutcome.NEWS
    assert set(held.of(ONE.id)) == {b"1", b"2", b"3", b"4", b"more"}
    before, root = content(held), held._hash.root
    assert held.merge(sign_fact(ONE, b"0", 10, b"v")) is FactOutcome.REFUSED
    assert held.merge(sign_fact(ONE, b"yet older", 3, b"v")) is FactOutcome.REFUSED
    assert (content(held), held._hash.root) == (before, root)
    assert held.merge(sign_fact(ONE, b"1", 98, b"other")) is FactOutcome.NEWS
    assert held.merge(sign_fact(ONE, b"1", 97, b"old")) is FactOutcome.STALE
    assert held.merge(sign_fact(OTHER, b"more", 1, b"v")) is FactOutcome.NEWS


def test_owner_is_heard_up_to_its_bound_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go until the rest fits."""
    monkeypatch.setattr(facts_module, "FACTS_SIZE_MAX", 1_000)
    held = make()
    assert held.merge(sign_fact(ONE, b"a", 1, bytes(700))) is FactOutcome.NEWS
    assert held.merge(sign_fact(ONE, b"b", 2, bytes(200))) is FactOutcome.NEWS
    assert set(held.of(ONE.id)) == {b"b"}
    assert held.merge(sign_fact(ONE, b"a", 1, bytes(700))) is FactOutcome.REFUSED
    assert held.merge(sign_fact(ONE, b"a", 3, bytes(200))) is FactOutcome.NEWS
    assert set(held.of(ONE.id)) == {b"a", b"b"}


def test_bytes_are_counted_as_facts_come_and_go() -> None:
    """Nothing is left of what was replaced, dropped by a horizon, or forgotten."""
    held = make()
    fill(held, ONE, 20)
    held.merge(sign_fact(ONE, b"3", 50, bytes(500)))
    held.merge(sign_horizon(ONE, 20))
    owned = held._owned[ONE.id]
    assert owned.size == sum(len(fact.raw) for fact in held.of(ONE.id).values())
    assert len(held) == len(owned.facts)
    held.drop(ONE.id)
    assert (len(held), held._hash.root) == (0, 0)


def test_horizon_is_heard_of_an_owner_that_is_at_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes room: refused, nothing ever would."""
    monkeypatch.setattr(facts_module, "FACTS_MAX", 5)
    held = make()
    fill(held, ONE, 5)
    assert held.merge(sign_horizon(ONE, 12)) is FactOutcome.NEWS
    assert set(held.of(ONE.id)) == {b"3", b"4", HORIZON_KEY}


@settings(max_examples=60)
@given(st.permutations(range(9)))
def test_owner_beyond_its_bound_is_held_the_same_by_all(order: list[int]) -> None:
    """Whoever says more than anybody may is held the same in whatever order it came: else views differ for good."""
    every = [sign_fact(ONE, b"%d" % number, 1 + number, b"v") for number in range(9)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts_module, "FACTS_MAX", 5)
        assert content(make([every[number] for number in order])) == content(make(every))


def test_others_beyond_the_bound_of_all_do_not_take_this_nodes_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds the cluster key makes as many owners as it takes to get there."""
    monkeypatch.setattr(facts_module, "FACTS_TOTAL_MAX", 5)
    held = Facts(ViewHash(), OTHER.id)
    fill(held, ONE, 5)
    assert held.merge(sign_fact(ONE, b"more", 99, b"v")) is FactOutcome.REFUSED
    assert held.merge(sign_fact(ONE, b"0", 98, b"other")) is FactOutcome.NEWS
    fill(held, OTHER, 20)
