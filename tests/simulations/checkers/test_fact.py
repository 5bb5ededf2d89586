"""Checkers of what members say of themselves, each before an engine that breaks its law and no other."""

from collections.abc import Callable

import pytest

from protocol.swim import fact_keeper as keeper_module
from protocol.swim.core import Core
from protocol.swim.fact_keeper import FactKeeper
from protocol.swim.facts import FactOutcome, Facts
from protocol.swim.view_hash import ViewHash
from protocol.ulid import MemberId
from protocol.wire.fact import Fact, encode_fact
from protocol.wire.message import Claim
from simulations.attack.voice import own_voice
from simulations.world import Node
from tests.simulations.checkers.stage import Stage

merge, put, take_away = Facts.merge, Facts._put, Facts._take_away


def say(stage: Stage, index: int, key: bytes = b"web", value: bytes | None = b"80", run_s: float = 2.0) -> Fact | None:
    """Let a node say something, and all hear it; give what it says now."""
    node = stage.nodes[index]
    stage.world.put_fact(node, key, value)
    stage.world.run(run_s)
    return node.engine.membership.facts.get(node.id, key)


def held(stage: Stage, subject: Node) -> list[dict[bytes, bytes]]:
    """Give what each holds to stand of one."""
    facts = [node.engine.membership.facts.of(subject.id) for node in stage.nodes]
    return [{key: fact.value for key, fact in of.items() if fact.value} for of in facts]


def test_facts_that_come_change_and_go_break_no_law() -> None:
    """Through a crash, a start with the disk and one without, and a horizon."""
    stage = Stage()
    world, one = stage.world, stage.nodes[1]
    for n in range(100):
        say(stage, 1, b"%d" % n, b"v", 0.0)
    world.run(5.0)
    for n in range(90):
        say(stage, 1, b"%d" % n, None, 0.0)
    world.run(5.0)
    assert held(stage, one) == [{b"%d" % n: b"v" for n in range(90, 100)}] * 5
    for keep in (True, False):
        world.crash(one)
        world.run(0.5)
        world.restart(one, keep_disk=keep)
        world.join(one, stage.nodes[2])
        world.run(20.0)
        assert held(stage, one) == [one.disk.facts] * 5
    assert one.disk.facts == {}
    assert stage.complainers() == set()


def test_facts_said_reports_a_fact_that_its_owner_never_said() -> None:
    """It gets in past the door at which signatures are looked at."""
    stage = Stage()
    one, two = stage.nodes[:2]
    body = encode_fact(two.id, b"web", 5, b"80")
    stage.hear(stage.nodes[2], one, Claim(Fact(bytes(64) + body, two.id, b"web", 5, b"80")))
    assert stage.complainers() == {"facts-said", "genuine"}


def test_facts_said_reports_a_fact_that_a_key_signed_behind_its_engines_back() -> None:
    """The signature is good, and the owner's own engine never said it."""
    stage = Stage()
    one, two = stage.nodes[:2]
    stage.hear(stage.nodes[2], one, Claim(own_voice(stage.world, two).fact(b"web", 5, b"80")))
    assert stage.complainers() == {"facts-said"}


def test_facts_grow_reports_an_engine_that_believes_the_last_fact_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old value, told again, takes back a newer one."""

    def take_any(self: Facts, fact: Fact) -> FactOutcome:
        before = self.get(fact.owner, fact.key)
        if before is not None and before.raw != fact.raw:
            self._take_away(self._owned[fact.owner], before)
        return merge(self, fact)

    stage = Stage()
    first = say(stage, 1)
    say(stage, 1, value=b"81")
    monkeypatch.setattr(Facts, "merge", take_any)
    assert first is not None
    stage.hear(stage.nodes[2], stage.nodes[0], Claim(first))
    assert stage.complainers() == {"facts-grow"}


def test_facts_grow_reports_a_return_from_behind_the_horizon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who forgets the horizon believes what went."""
    monkeypatch.setattr(keeper_module, "TOMBSTONES_MIN", 1)
    monkeypatch.setattr(keeper_module, "HORIZON_INTERVALS", 1)
    stage = Stage()
    first = say(stage, 1)
    for n in range(3):
        say(stage, 1, b"%d" % n, b"v", 0.0)
    for n in range(3):
        say(stage, 1, b"%d" % n, None, 0.0)
    say(stage, 1, value=None, run_s=5.0)
    for n in range(3):
        say(stage, 1, b"%d" % n, b"v", 0.0)
        say(stage, 1, b"%d" % n, None, 3.0)
    assert first is not None
    assert first.key not in stage.nodes[0].engine.membership.facts.of(stage.nodes[1].id)
    monkeypatch.setattr(Facts, "beats", lambda self, fact: None)
    stage.hear(stage.nodes[2], stage.nodes[0], Claim(first))
    assert "facts-grow" in stage.complainers()


def test_facts_grow_reports_an_engine_that_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a fact, and whoever listens is not told."""

    def take(self: FactKeeper, now: float, fact: Fact) -> None:
        self._core.membership.facts.merge(fact)

    stage = Stage()
    monkeypatch.setattr(FactKeeper, "take", take)
    say(stage, 1)
    assert stage.complainers() == {"facts-grow"}


def test_facts_grow_reports_a_fact_that_is_lost() -> None:
    """Told, and not held any more; the hash was kept right."""
    stage = Stage()
    fact = say(stage, 1)
    facts = stage.nodes[0].engine.membership.facts
    assert fact is not None
    facts._take_away(facts._owned[fact.owner], fact)
    assert stage.complainers() == {"facts-grow"}


def _forget_size(self: Facts, owned: object, fact: Fact) -> None:
    put(self, owned, fact)  # type: ignore[arg-type]
    owned.size -= 1  # type: ignore[attr-defined]


def _forget_to_count(self: Facts, owned: object, fact: Fact) -> None:
    put(self, owned, fact)  # type: ignore[arg-type]
    self._count += 1


def _leave_what_is_below(self: Facts, owned: object, fact: Fact) -> None:
    if self.get(fact.owner, b"") is None:
        take_away(self, owned, fact)  # type: ignore[arg-type]


replace = ViewHash.replace


def _hash_no_fact(self: ViewHash, id: MemberId, old_mark: int, new_mark: int) -> None:
    if id[:1] == b"\x01":  # ids of members begin with their time, which is of this age
        replace(self, id, old_mark, new_mark)


DEFECTS: dict[str, tuple[type, str, Callable[..., object]]] = {
    "bytes are counted wrongly": (Facts, "_put", _forget_size),
    "facts are counted wrongly": (Facts, "_put", _forget_to_count),
    "horizons take nothing away": (Facts, "_take_away", _leave_what_is_below),
    "facts have no share of the hash": (ViewHash, "replace", _hash_no_fact),
    "facts outlive their owner": (Facts, "drop", lambda self, owner: None),
}


@pytest.mark.parametrize(("part", "method", "defect"), DEFECTS.values(), ids=DEFECTS)
def test_parts_agree_reports_facts_that_are_kept_wrongly(
    monkeypatch: pytest.MonkeyPatch, part: type, method: str, defect: Callable[..., object]
) -> None:
    """Counts, shares of the hash, horizons, and facts of those who are gone."""
    monkeypatch.setattr(keeper_module, "TOMBSTONES_MIN", 1)
    monkeypatch.setattr(keeper_module, "HORIZON_INTERVALS", 0)
    stage = Stage()
    monkeypatch.setattr(part, method, defect)
    for n in range(6):
        say(stage, 1, b"%d" % n, b"v" * n + b"1", 0.2)
    for n in range(5):
        say(stage, 1, b"%d" % n, None, 0.2)
    stage.world.revoke(stage.nodes[0], stage.nodes[1].id)
    stage.world.run(3.0)
    assert "parts-agree" in stage.complainers()


def test_bounds_reports_more_fact_rumors_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue without an end."""
    stage = Stage()
    monkeypatch.setattr(Core, "arm_gossip", lambda self, now: None)
    core = stage.nodes[1].engine.core
    core.fact_rumors._rumors_max = 10_000
    for n in range(300):
        say(stage, 1, b"%d" % n, b"v", 0.0)
    assert "bounds" in stage.complainers()


def test_bounds_reports_an_owner_that_is_heard_beyond_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The constant that the engine goes by is not the one that is measured."""
    monkeypatch.setattr("simulations.checkers.bound.FACTS_MAX", 20)
    stage = Stage()
    for n in range(30):
        say(stage, 1, b"%d" % n, b"v", 0.0)
    assert stage.complainers() == {"bounds"}
