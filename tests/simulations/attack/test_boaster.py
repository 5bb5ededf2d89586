"""The boaster: what stands against one that says too much of itself, two things at once, and others' words."""

import pytest

from protocol.swim import facts as facts_module
from protocol.swim.facts import FACTS_MAX, FactOutcome, Facts
from protocol.wire.fact import Fact
from simulations.attack.boaster import Boaster
from simulations.world import Node, World
from tests.simulations.attack.arena import Arena

merge = Facts.merge


def views_of(nodes: list[Node], owner: Node) -> set[frozenset[bytes]]:
    """Give the different stores that are held of one."""
    return {frozenset(f.raw for f in node.engine.membership.facts.of(owner.id).values()) for node in nodes}


def forgeries_held(arena: Arena) -> int:
    """Count facts at healthy nodes that their owner did not sign."""
    return sum(fact.raw in arena.gauge.forged for node in arena.healthy for fact in node.engine.membership.facts)


def test_boaster_harms_nobody_and_others_are_heard() -> None:
    """No forged word is held, who relays one is muted, and what an honest one says meanwhile reaches all."""
    arena = Arena("boaster")
    attacker = arena.begin(20.0, 100.0)
    world, honest = arena.world, arena.nodes[2]
    for turn in range(10):
        world.put_fact(honest, b"web", b"%d" % turn)
        world.run(2.0)
    assert attacker.told["forged_facts"] > 20
    assert attacker.told["boasts"] > 1_000
    assert attacker.told["pairs_of_facts"] > 500
    assert world.convictions >= attacker.told["forged_facts"]
    assert (arena.gauge.harms, arena.gauge.suspicions, forgeries_held(arena)) == ([], 0, 0)
    world.run(20.0)
    assert all(dict(n.engine.membership.facts.of(honest.id))[b"web"].value == b"9" for n in arena.healthy)


def equivocate(arena: Arena) -> None:
    """Let it tell each half its word, once, and time pass."""
    attacker = arena.begin(60.0, 0.0)
    assert isinstance(attacker, Boaster)
    attacker._equivocate()
    arena.world.run(20.0)


def test_boasters_two_words_of_one_version_end_as_one() -> None:
    """The larger digest counts at all."""
    arena = Arena("boaster")
    equivocate(arena)
    assert len(views_of(arena.healthy, arena.nodes[0])) == 1
    assert len(arena.nodes[1].engine.membership.facts) == 1


def test_boaster_that_is_honest_again_takes_all_back() -> None:
    """Its own engine meets what was said behind its back."""
    arena = Arena("boaster")
    arena.attack(5.0, 60.0)
    arena.world.run(30.0)
    assert len(views_of(arena.healthy, arena.nodes[0])) == 1
    assert len({node.engine.membership.hash.root for node in arena.nodes}) == 1
    assert not any(fact.value for fact in arena.nodes[1].engine.membership.facts)


def test_boaster_is_not_heard_beyond_its_bounds() -> None:
    """However long it speaks."""
    arena = Arena("boaster", 3)
    arena.attack(60.0, 200.0)
    arena.world.run(10.0)
    assert max(len(node.engine.membership.facts.of(arena.nodes[0].id)) for node in arena.healthy) <= FACTS_MAX


def syncs_of(world: World, nodes: list[Node]) -> int:
    """Count the syncs that some began."""
    return sum(node.engine.counters.syncs for node in nodes)


def syncs_of_a_minute(arena: Arena, changes: int) -> int:
    """Count the syncs of the healthy while one of them changes a fact every ten seconds."""
    before = syncs_of(arena.world, arena.healthy)
    for turn in range(changes):
        arena.world.put_fact(arena.nodes[2], b"web", b"%d" % turn)
        arena.world.run(10.0)
    return syncs_of(arena.world, arena.healthy) - before


def test_boaster_at_its_bounds_costs_no_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    """All hold the same of it: a change of another's costs at most the one sync of whoever hears it last."""
    monkeypatch.setattr(facts_module, "FACTS_MAX", 200)
    quiet, arena = Arena("boaster", 6), Arena("boaster", 6)
    quiet.world.run(75.1)
    arena.attack(15.0, 100.0)
    arena.world.run(60.0)
    usual, syncs = syncs_of_a_minute(quiet, 6), syncs_of_a_minute(arena, 6)
    views = len(views_of(arena.healthy, arena.nodes[0]))
    assert (views, syncs <= usual + 6) == (1, True), f"{views} views, {syncs} syncs of 5 nodes; {usual} without it"


def test_boaster_has_its_two_words_believed_where_the_larger_digest_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the first of two words of one version stays, each half holds its own."""

    def first_heard(self: Facts, fact: Fact) -> FactOutcome:
        held = self.get(fact.owner, fact.key)
        if held is not None and held.version == fact.version:
            return FactOutcome.KNOWN
        return merge(self, fact)

    monkeypatch.setattr(Facts, "merge", first_heard)
    arena = Arena("boaster")
    equivocate(arena)
    assert len(views_of(arena.healthy, arena.nodes[0])) > 1


def test_boaster_has_its_forgeries_believed_where_signatures_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is they that stand against it."""
    arena = Arena("boaster")
    monkeypatch.setattr(arena.world.ledger, "is_genuine", lambda statement: True)
    attacker = arena.begin(3.0, 60.0)
    seen = 0
    for _ in range(30):
        arena.world.run(0.1)
        seen = max(seen, forgeries_held(arena))
    assert isinstance(attacker, Boaster)
    assert seen > 0
