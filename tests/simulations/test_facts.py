"""What members say of themselves, in whole clusters: how it spreads, what it must not hinder, what nobody sees."""

import pytest

from protocol.status import Status
from protocol.swim import fact_keeper as keeper_module
from protocol.swim import facts as facts_module
from protocol.swim.effect import FactTaken, Send
from protocol.swim.settings import Settings
from protocol.wire.fact import HORIZON_KEY
from simulations.world import Node, Step, World
from simulations.world.object_transport import ObjectTransport
from simulations.world.sealed_transport import SealedTransport
from simulations.world.transport import Transport
from tests.simulations.playbook import lan_cluster

LARGE = bytes(range(1, 251)) * 10
"""2,500 bytes: no datagram holds it."""


def stands(node: Node, owner: Node) -> dict[bytes, bytes]:
    """Give what a node holds to stand of another."""
    return {key: fact.value for key, fact in node.engine.membership.facts.of(owner.id).items() if fact.value}


def all_hold(nodes: list[Node], owner: Node) -> bool:
    """Tell whether all hold what one says."""
    return all(stands(node, owner) == owner.disk.facts for node in nodes)


def churn(world: World, nodes: list[Node], each_s: float = 1.0) -> None:
    """Let small facts change for ever, at one node after the other."""
    turn = 0

    def change() -> None:
        nonlocal turn
        turn += 1
        world.put_fact(nodes[turn % len(nodes)], b"check", b"%d" % turn)
        world.after(each_s, change)

    change()


def test_small_fact_is_known_to_all_within_a_second() -> None:
    """By gossip alone; and so are its change and its end."""
    world, nodes = lan_cluster(20)
    syncs = sum(node.engine.counters.syncs for node in nodes)
    for value in (b"80", b"81", None):
        world.put_fact(nodes[3], b"web", value)
        assert world.run_until(lambda: all_hold(nodes, nodes[3]), 1.0, 0.05) is not None
    assert sum(node.engine.counters.syncs for node in nodes) == syncs


def test_large_fact_is_known_to_all_by_syncs() -> None:
    """No datagram ever holds it."""
    world, nodes = lan_cluster(12)
    sizes: list[int] = []

    class Sizes:
        def see_step(self, step: Step) -> None:
            for effect in step.effects:
                if isinstance(effect, Send):
                    sizes.extend(len(claim.statement.raw) for claim in effect.packet.claims)

        def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
            pass

    world.watch(Sizes(), routine=True)
    world.put_fact(nodes[3], b"web", LARGE)
    assert world.run_until(lambda: all_hold(nodes, nodes[3]), 10.0, 0.05) is not None
    assert max(sizes, default=0) < len(LARGE)


def test_large_fact_is_known_to_all_while_small_ones_change() -> None:
    """One small change a second, anywhere in the cluster, is an ordinary day: it must not hold up the repair."""
    world, nodes = lan_cluster(12)
    churn(world, nodes)
    world.run(5.0)
    world.put_fact(nodes[3], b"web", LARGE)
    took = world.run_until(lambda: all(stands(node, nodes[3]).get(b"web") == LARGE for node in nodes), 60.0, 0.1)
    assert took is not None
    assert took < 10.0


def test_missed_word_about_a_member_is_repaired_while_facts_change() -> None:
    """One misses a change of tags in a cut too short to be noticed; facts that change do not hold up the repair."""
    world, nodes = lan_cluster(12)
    churn(world, nodes[:4], 0.25)
    world.run(5.0)
    world.network.cut([nodes[11]], nodes[:11], both_ways=True)
    world.do(nodes[5], "tags", nodes[5].engine.set_tags(nodes[5].now(world.now), {"role": "db"}, ()))
    world.run(2.5)
    world.network.mend([nodes[11]], nodes[:11], both_ways=True)

    def knows() -> bool:
        member = nodes[11].engine.membership.get(nodes[5].id)
        return member is not None and dict(member.record.tags).get("role") == "db"

    assert not knows()
    took = world.run_until(knows, 60.0, 0.1)
    assert took is not None
    assert took < 10.0


def test_burst_of_facts_does_not_delay_a_word_about_a_member() -> None:
    """Rumors about members go first, whatever else there is to tell."""
    world, nodes = lan_cluster(20)
    for node in nodes:
        for n in range(60):
            world.put_fact(node, b"%d" % n, bytes(range(1, 201)))
    began = world.now
    world.do(nodes[5], "tags", nodes[5].engine.set_tags(nodes[5].now(began), {"role": "db"}, ()))

    def all_know() -> bool:
        rows = [node.engine.membership.get(nodes[5].id) for node in nodes]
        return all(row is not None and dict(row.record.tags).get("role") == "db" for row in rows)

    assert world.run_until(all_know, 5.0, 0.05) is not None
    assert world.now - began < 1.0


@pytest.mark.parametrize("transport", [ObjectTransport, SealedTransport])
def test_newcomer_knows_all_facts_when_it_has_joined(transport: type[Transport]) -> None:
    """Whoever asks it at that moment what services there are gets the answer that the others give."""
    world = World(1, Settings.lan(), transport=transport)
    nodes = world.cluster(5)
    for node in nodes:
        for n in range(3):
            world.put_fact(node, b"%d" % n, b"v" * 100)
    world.run(10.0)
    newcomer = world.add()
    world.join(newcomer, nodes[2])
    assert world.run_until(lambda: any(join.peer for join in newcomer.joins), 5.0, 0.001) is not None
    assert len(newcomer.engine.membership.facts) == 15


def test_facts_of_a_failed_and_of_a_left_member_stay_until_it_is_reaped() -> None:
    """Whoever reads them sees by its status what they are worth."""
    world, nodes = lan_cluster(5)
    for node in nodes[3:]:
        world.put_fact(node, b"web", b"80")
    world.run(2.0)
    world.crash(nodes[3])
    world.leave(nodes[4])
    world.run(40.0)
    one = nodes[0]
    assert [one.engine.membership.get(n.id).status for n in nodes[3:]] == [Status.FAILED, Status.LEFT]  # type: ignore[union-attr]
    assert [stands(one, node) for node in nodes[3:]] == [{b"web": b"80"}] * 2
    world.crash(nodes[4])
    world.run(one.settings.reap_after_s + 100.0)
    assert [stands(node, gone) for node in nodes[:3] for gone in nodes[3:]] == [{}] * 6
    assert len(one.engine.membership.facts) == 0


def test_facts_of_a_pruned_and_of_a_revoked_member_go_at_once() -> None:
    """And whoever listens is told that all of it is gone."""
    gone: list[tuple[int, bytes]] = []

    class Gone:
        def see_step(self, step: Step) -> None:
            gone.extend((step.node.index, e.owner) for e in step.effects if isinstance(e, FactTaken) and e.fact is None)

        def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
            pass

    world, nodes = lan_cluster(5)
    for node in nodes[3:]:
        world.put_fact(node, b"web", b"80")
    world.run(2.0)
    world.watch(Gone())
    world.crash(nodes[3])
    world.run(30.0)
    world.do(nodes[0], "force-leave", nodes[0].engine.force_leave(world.now, nodes[3].id, prune=True))
    world.revoke(nodes[1], nodes[4].id)
    world.run(3.0)
    assert all(len(node.engine.membership.facts) == 0 for node in nodes[:3])
    assert set(gone) >= {(index, owner.id) for index in range(3) for owner in nodes[3:]}
    assert len(gone) == len(set(gone))


def test_revoked_one_that_is_taken_in_again_brings_its_facts() -> None:
    """It still says what it said."""
    world, nodes = lan_cluster(5)
    world.put_fact(nodes[4], b"web", b"80")
    world.run(1.0)
    world.revoke(nodes[0], nodes[4].id)
    world.run(3.0)
    assert stands(nodes[0], nodes[4]) == {}
    world.revoke(nodes[0], nodes[4].id, revoked=False)
    world.invite(nodes[0], nodes[4])
    assert world.run_until(lambda: all_hold(nodes, nodes[4]), 20.0, 0.1) is not None


def test_one_that_was_away_brings_nothing_back() -> None:
    """It missed the removal, the horizon, and the owner's life and disk."""
    world, nodes = lan_cluster(6)
    owner, away = nodes[1], nodes[5]
    for n in range(80):
        world.put_fact(owner, b"%d" % n, b"v")
    world.run(8.0)
    assert all_hold(nodes, owner)
    world.network.cut([away], nodes[:5], both_ways=True)
    for n in range(80):
        world.put_fact(owner, b"%d" % n, None)
    world.run(30.0)
    world.crash(owner)
    world.run(1.0)
    world.restart(owner, keep_disk=False)
    world.join(owner, nodes[0])
    world.run(10.0)
    assert len(stands(away, owner)) == 80
    world.network.mend([away], nodes[:5], both_ways=True)
    assert world.run_until(lambda: stands(away, owner) == {}, 90.0, 0.5) is not None
    world.run(30.0)
    assert all_hold(nodes, owner)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_stands_never_vanishes_at_an_observer(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """An owner that writes anew what stands, to be rid of tombstones, removed none of it: nobody may see it gone."""
    monkeypatch.setattr(keeper_module, "TOMBSTONES_MIN", 8)
    blinks: list[str] = []

    class Blinks:
        def see_step(self, step: Step) -> None:
            for effect in step.effects:
                if isinstance(effect, FactTaken) and effect.fact is not None and effect.fact.key == HORIZON_KEY:
                    lost = set(owner.disk.facts) - set(stands(step.node, owner)) - {b"fresh"}
                    blinks.extend(f"{step.at:.3f}: {key!r} is gone at {step.node.name}" for key in sorted(lost))

        def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
            pass

    world, nodes = lan_cluster(12, seed)
    owner = nodes[3]
    for n in range(20):
        world.put_fact(owner, b"service %d" % n, bytes(range(1, 201)))
    world.run(10.0)
    assert all_hold(nodes, owner)
    world.network.loss = 0.02
    world.watch(Blinks())
    for _ in range(160):
        world.put_fact(owner, b"fresh", b"v")
        world.put_fact(owner, b"fresh", None)
        world.put_fact(owner, b"f%d" % int(world.now * 1_000), b"v")
        world.put_fact(owner, b"f%d" % int(world.now * 1_000), None)
        world.run(0.5)
    assert owner.engine.membership.facts.get(owner.id, HORIZON_KEY) is not None
    assert blinks == []


def test_views_agree_about_one_that_says_more_than_anybody_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code was changed. All hold the same part of it, else syncs never end."""
    world, nodes = lan_cluster(6)
    monkeypatch.setattr(keeper_module, "OWN_FACTS_MAX", 1_000)
    monkeypatch.setattr(facts_module, "FACTS_MAX", 1_000)
    for n in range(100):
        world.put_fact(nodes[0], b"%d" % n, b"v")
    monkeypatch.setattr(facts_module, "FACTS_MAX", 60)
    world.run(30.0)
    before = sum(node.engine.counters.syncs for node in nodes)
    world.put_fact(nodes[2], b"web", b"80")
    world.run(30.0)
    others = {frozenset(f.raw for f in node.engine.membership.facts.of(nodes[0].id).values()) for node in nodes[1:]}
    syncs = sum(node.engine.counters.syncs for node in nodes) - before
    assert len(others) == 1, f"{len(others)} different views, {syncs} syncs in 30 s after one change of another's"
