"""A node's own facts: what it says, takes back, says anew and meets again; and its bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.error import InvalidRequest
from protocol.swim import fact_keeper
from protocol.swim.effect import Effect, FactTaken
from protocol.swim.engine import Engine
from protocol.swim.facts import FactOutcome, Facts
from protocol.swim.view_hash import ViewHash
from protocol.wire.fact import FACT_KEY_SIZE_MAX, FACT_SIZE_MAX, HORIZON_KEY, Fact
from tests.protocol.swim.bench import ME, PEER, only, started, tell, told
from tests.protocol.wire.fact_sample import sign_fact, sign_horizon

T = 1_700_000_000_000
"""Unix ms at which nodes here begin to speak."""


def engine_with(*said: tuple[bytes, bytes]) -> Engine:
    """Give an engine with a peer, that has said some things at T."""
    engine = started(ME, None, PEER.record())
    for key, value in said:
        engine.put_fact(0.0, T, key, value)
    return engine


def own(engine: Engine) -> dict[bytes, bytes]:
    """Give what stands of a node's own."""
    return {fact.key: fact.value for fact in engine.membership.facts.of(ME.id).values() if fact.value}


def taken(effects: list[Effect]) -> list[Fact | None]:
    """Give what whoever listens was told of facts."""
    return [effect.fact for effect in only(FactTaken, effects)]


# --- saying -----------------------------------------------------------------------------------------


def test_put_says_it_and_tells_whoever_listens() -> None:
    """At the time by the wall, signed, and queued to be told."""
    engine = engine_with()
    (fact,) = taken(engine.put_fact(0.0, T, b"web", b"80"))
    assert fact is not None
    assert (fact.owner, fact.key, fact.version, fact.value) == (ME.id, b"web", T, b"80")
    assert fact.raw[:64] == ME.sign(fact.raw[64:])
    assert len(engine.core.fact_rumors) == 1


def test_put_of_the_same_again_says_nothing() -> None:
    """No version is spent, and nobody is told."""
    engine = engine_with((b"web", b"80"))
    assert engine.put_fact(1.0, T + 1_000, b"web", b"80") == []


def test_versions_grow_though_the_clock_does_not() -> None:
    """At the same ms, and after the wall clock went back."""
    engine = engine_with()
    facts = [taken(engine.put_fact(0.0, at, b"k%d" % n, b"v"))[0] for n, at in enumerate((T, T, T - 9_000, T + 50))]
    assert [fact.version for fact in facts if fact] == [T, T + 1, T + 2, T + 50]


def test_remove_leaves_a_tombstone_of_a_larger_version() -> None:
    """And says nothing where nothing stands; the key may be used again."""
    engine = engine_with((b"web", b"80"))
    (fact,) = taken(engine.put_fact(0.0, T, b"web", None))
    assert fact is not None
    assert (fact.value, fact.version) == (b"", T + 1)
    assert engine.put_fact(0.0, T, b"web", None) == []
    assert engine.put_fact(0.0, T, b"never", None) == []
    engine.put_fact(0.0, T, b"web", b"81")
    assert own(engine) == {b"web": b"81"}


def test_horizon_cannot_be_put_or_removed_by_hand() -> None:
    """Its key is the empty one."""
    engine = engine_with()
    with pytest.raises(InvalidRequest, match="key of 1 to 512 bytes"):
        engine.put_fact(0.0, T, HORIZON_KEY, b"v")
    assert engine.put_fact(0.0, T, HORIZON_KEY, None) == []


BAD: dict[str, tuple[bytes, bytes, str]] = {
    "no value": (b"k", b"", "a fact has a key of 1 to 512 bytes, and a value"),
    "a key too long": (bytes(FACT_KEY_SIZE_MAX + 1), b"v", "a fact has a key of 1 to 512 bytes, and a value"),
    "too large": (b"k", bytes(4_000), "4099 bytes of one thing to tell others, at most 4096"),
}


@pytest.mark.parametrize(("key", "value", "sentence"), BAD.values(), ids=BAD)
def test_put_beyond_a_bound_is_one_sentence_and_changes_nothing(key: bytes, value: bytes, sentence: str) -> None:
    """Neither what stands nor the version."""
    engine = engine_with((b"k", b"before"))
    with pytest.raises(InvalidRequest) as refused:
        engine.put_fact(0.0, T, key, value)
    assert str(refused.value) == sentence
    assert own(engine) == {b"k": b"before"}
    (fact,) = taken(engine.put_fact(0.0, T, b"next", b"v"))
    assert fact is not None
    assert fact.version == T + 1


def test_put_of_the_largest_fact_is_said() -> None:
    """To the last byte."""
    engine = engine_with()
    (fact,) = taken(engine.put_fact(0.0, T, b"k", bytes(3_997)))
    assert fact is not None
    assert len(fact.raw) == FACT_SIZE_MAX


def test_put_beyond_the_count_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A known key may change, and a removal makes room."""
    monkeypatch.setattr(fact_keeper, "OWN_FACTS_MAX", 3)
    engine = engine_with((b"a", b"1"), (b"b", b"1"), (b"c", b"1"))
    with pytest.raises(InvalidRequest, match=r"tells others of 3 things in \d+ bytes; it may of 3 in"):
        engine.put_fact(0.0, T, b"d", b"1")
    engine.put_fact(0.0, T, b"a", b"2")
    engine.put_fact(0.0, T, b"b", None)
    engine.put_fact(0.0, T, b"d", b"1")
    assert own(engine) == {b"a": b"2", b"c": b"1", b"d": b"1"}


def test_put_beyond_the_bytes_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is replaced does not count."""
    monkeypatch.setattr(fact_keeper, "OWN_FACTS_SIZE_MAX", 1_000)
    engine = engine_with((b"a", bytes(700)))
    with pytest.raises(InvalidRequest, match="tells others of 1 things in 799 bytes"):
        engine.put_fact(0.0, T, b"b", bytes(200))
    engine.put_fact(0.0, T, b"a", bytes(range(1, 201)))
    engine.put_fact(0.0, T, b"b", bytes(200))
    assert set(own(engine)) == {b"a", b"b"}


def test_bytes_are_counted_as_facts_come_and_go() -> None:
    """What is left is what stands."""
    engine = engine_with(*((b"%d" % n, b"v" * n) for n in range(1, 30)))
    for n in range(1, 20):
        engine.put_fact(0.0, T, b"%d" % n, None)
    standing = [fact for fact in engine.membership.facts.of(ME.id).values() if fact.value]
    assert engine.facts._standing == len(standing) == 10
    assert engine.facts._size == sum(len(fact.raw) for fact in standing)


# --- tombstones go ----------------------------------------------------------------------------------


def test_compaction_leaves_no_tombstone_and_all_that_stands() -> None:
    """Who says and removes without end holds no more than it says, some tombstones and a horizon."""
    engine = engine_with((b"stays", b"1"))
    for n in range(400):
        engine.put_fact(10.0 * n, T + 10_000 * n, b"%d" % n, b"v")
        engine.put_fact(10.0 * n, T + 10_000 * n, b"%d" % n, None)
        engine.handle_timer(10.0 * n + 1.0)
        assert len(engine.membership.facts) <= 2 * fact_keeper.TOMBSTONES_MIN
    assert own(engine) == {b"stays": b"1"}
    assert engine.membership.facts.get(ME.id, HORIZON_KEY) is not None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from((b"", b"1", b"2"))), max_size=80), st.randoms())
def test_observer_ends_with_what_stands_whatever_it_missed(deeds: list[tuple[int, bytes]], random: object) -> None:
    """Some of what was said reached it, in any order; then it hears what the owner holds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fact_keeper, "TOMBSTONES_MIN", 3)
        engine = engine_with()
        heard: list[Fact] = []
        for n, (key, value) in enumerate(deeds):
            heard += [fact for fact in taken(engine.put_fact(0.0, T + n, b"%d" % key, value or None)) if fact]
    random.shuffle(heard)  # type: ignore[attr-defined]
    observer = Facts(ViewHash())
    for fact in heard[: len(heard) // 2]:
        observer.merge(fact)
    for fact in engine.membership.facts:
        observer.merge(fact)
    assert {f.raw for f in observer} == {f.raw for f in engine.membership.facts}
    for fact in heard:
        assert observer.merge(fact) is not FactOutcome.NEWS


def test_compaction_never_lets_what_stands_vanish_at_an_observer() -> None:
    """Whoever hears the horizon before what was written anew would else hold a service gone that is there.

    News travels in no certain order, and of more than 256 facts written anew gossip drops the first: a horizon that is
    told while they are on their way takes down at observers what stands.
    """
    engine = engine_with(*((b"stays%d" % n, b"1") for n in range(20)))
    observer = started(PEER, None, ME.record())
    for fact in list(engine.membership.facts):
        tell(observer, 0.0, fact, sender=ME)
    horizon = None
    for n in range(200):
        engine.put_fact(0.0, T + n, b"%d" % n, b"v")
        for news in taken(engine.put_fact(0.0, T + n, b"%d" % n, None)):
            if news is not None and news.key == HORIZON_KEY:
                horizon = news
        if horizon is not None:
            break
    if horizon is not None:  # told at the moment of writing anew: it may arrive first
        tell(observer, 1.0, horizon, sender=ME)
    stands = {fact.key for fact in observer.membership.facts.of(ME.id).values() if fact.value}
    assert stands >= {b"stays%d" % n for n in range(20)}


def test_put_is_never_lost_in_silence_while_tombstones_fill_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator puts within the bounds stands, or is refused in a sentence: long keys leave large tombstones."""
    monkeypatch.setattr(fact_keeper, "OWN_FACTS_SIZE_MAX", 20_000)
    monkeypatch.setattr("protocol.swim.facts.FACTS_SIZE_MAX", 40_000)
    engine = engine_with(*((b"s%d" % n, bytes(130)) for n in range(80)))
    for n in range(79):
        key = b"%03d" % n + bytes(500)
        engine.put_fact(0.0, T, key, b"v")
        assert own(engine).get(key) == b"v", n
        engine.put_fact(0.0, T, key, None)


# --- met again --------------------------------------------------------------------------------------


def test_old_fact_that_stands_otherwise_is_said_again_above() -> None:
    """Disk kept, clock behind: others hold a later version of an earlier life."""
    engine = engine_with((b"web", b"80"))
    (fact,) = taken(tell(engine, 1.0, sign_fact(ME, b"web", T + 500, b"79")))
    assert fact is not None
    assert (fact.version, fact.value) == (T + 501, b"80")
    (later,) = taken(engine.put_fact(1.0, T + 10, b"other", b"v"))
    assert later is not None
    assert later.version == T + 502


def test_old_fact_that_does_not_stand_is_taken_back() -> None:
    """Disk lost: nobody goes on believing what this node does not know of."""
    engine = engine_with()
    (fact,) = taken(tell(engine, 1.0, sign_fact(ME, b"old", T + 500, b"79")))
    assert fact is not None
    assert (fact.key, fact.version, fact.value) == (b"old", T + 501, b"")


def test_old_tombstone_is_taken_over_and_an_older_one_answered() -> None:
    """What is gone is gone; what was said since is told."""
    engine = engine_with((b"web", b"80"))
    tombstone = sign_fact(ME, b"old", T - 500)
    assert taken(tell(engine, 1.0, tombstone)) == [tombstone]
    effects = tell(engine, 1.0, sign_fact(ME, b"web", T - 1))
    assert taken(effects) == []
    assert told(effects, PEER.id) == [engine.membership.facts.get(ME.id, b"web")]
    assert own(engine) == {b"web": b"80"}


def test_tombstone_above_what_stands_is_answered_above() -> None:
    """A removal of an earlier life does not take down what was put in this one."""
    engine = engine_with((b"web", b"80"))
    (fact,) = taken(tell(engine, 1.0, sign_fact(ME, b"web", T + 5)))
    assert fact is not None
    assert (fact.version, fact.value) == (T + 6, b"80")


def test_own_horizon_that_is_met_takes_down_nothing_that_stands() -> None:
    """All is said again above it, and it is drawn here too: what it takes away is not said again."""
    engine = engine_with((b"a", b"1"), (b"b", b"1"))
    engine.put_fact(0.0, T, b"b", None)
    horizon = sign_horizon(ME, T + 900)
    told_of = taken(tell(engine, 1.0, horizon))
    assert own(engine) == {b"a": b"1"}
    assert horizon in told_of
    assert set(engine.membership.facts.of(ME.id)) == {b"a", HORIZON_KEY}
    assert all(f.version > T + 900 for k, f in engine.membership.facts.of(ME.id).items() if k != HORIZON_KEY)


def test_own_horizon_below_all_that_stands_has_nothing_said_again() -> None:
    """A start with a right clock, after which the horizon of the last life is met: what stands is above it already."""
    engine = engine_with(*((b"%d" % n, b"v") for n in range(20)))
    horizon = sign_horizon(ME, T - 5_000)
    assert taken(tell(engine, 1.0, horizon)) == [horizon]


def test_own_fact_of_the_very_version_is_settled() -> None:
    """Two lives used one version, with other words: one of both is beaten, or it is said again above."""
    for salt in (b"", b"1", b"2", b"3", b"4", b"5"):
        engine = engine_with((b"web", b"80"))
        foreign = sign_fact(ME, b"web", T, b"79", salt=salt)
        observer = Facts(ViewHash())
        observer.merge(foreign)
        for fact in (*engine.membership.facts, *taken(tell(engine, 1.0, foreign))):
            assert fact is not None
            observer.merge(fact)
        held = observer.get(ME.id, b"web")
        assert held is not None
        assert held.value == b"80", salt


def test_own_fact_below_the_own_horizon_is_answered_with_it() -> None:
    """One that was away holds what went long ago: no new tombstone is made of each."""
    engine = engine_with((b"a", b"1"))
    horizon = sign_horizon(ME, T + 900)
    tell(engine, 1.0, horizon)
    before = len(engine.membership.facts)
    effects = tell(engine, 2.0, sign_fact(ME, b"long ago", T + 10, b"v"))
    assert taken(effects) == []
    assert told(effects, PEER.id) == [horizon]
    assert len(engine.membership.facts) == before


def serve(engine: Engine, since: float, until: float) -> None:
    """Let an engine's timers run on time."""
    now = since
    while (due := engine.next_deadline()) is not None and due <= until:
        now = max(now, due)
        engine.handle_timer(now)


def test_tombstones_of_what_is_taken_back_do_not_pile_up() -> None:
    """A disk was lost on which much was: what is taken back goes behind a horizon too."""
    engine = engine_with((b"a", b"1"))
    for n in range(600):
        tell(engine, 1.0, sign_fact(ME, b"%d" % n, T - 1_000 + n, b"v"))
    engine.put_fact(2.0, T + 10_000, b"b", b"1")
    engine.put_fact(2.0, T + 10_000, b"b", None)
    serve(engine, 2.0, 100.0)
    engine.put_fact(101.0, T + 20_000, b"b", b"1")
    engine.put_fact(101.0, T + 20_000, b"b", None)
    serve(engine, 101.0, 200.0)
    assert own(engine) == {b"a": b"1"}
    assert len(engine.membership.facts) <= 2 * fact_keeper.TOMBSTONES_MIN


def test_put_is_never_lost_in_silence_after_a_disk_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others hold as much of the earlier life as may be; what is put in this one stands all the same."""
    monkeypatch.setattr("protocol.swim.facts.FACTS_MAX", 300)
    engine = engine_with()
    for n in range(299):
        tell(engine, 1.0, sign_fact(ME, b"%d" % n, T - 1_000 + n, b"v"))
    for n in range(20):
        engine.put_fact(2.0, T + 10_000, b"new%d" % n, b"1")
    assert len(own(engine)) == 20


def test_put_is_never_lost_in_silence_because_others_say_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up owners fill the bound of all; what this node itself puts stands, or is refused in a sentence."""
    monkeypatch.setattr("protocol.swim.facts.FACTS_TOTAL_MAX", 50)
    engine = engine_with()
    for n in range(60):
        tell(engine, 1.0, sign_fact(PEER, b"%d" % n, T + n, b"v"))
    engine.put_fact(2.0, T, b"web", b"80")
    assert own(engine) == {b"web": b"80"}
