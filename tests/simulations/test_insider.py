"""What one who holds a valid key can do, and cannot (swim.md's defect 18 and the limits on insiders)."""

from protocol.address import Address
from protocol.status import Status
from protocol.swim.effect import ChangeKind
from protocol.wire.message import Claim, Forgotten, Packet
from tests.protocol.wire.sample import author
from tests.simulations.playbook import (
    accusation,
    all_alive,
    all_see,
    failures,
    hand,
    lan_cluster,
    local_cluster,
    sent,
)

MINUTES_10_S = 600


def test_insider_lone_accuser_who_never_stops_ends_nobody() -> None:
    """Each 10 ms for ten minutes, always at the newest incarnation: no failure, and bounded refutations."""
    world, nodes = lan_cluster(5)
    evil, victim = nodes[4], nodes[1]
    packets = sent(nodes)
    for turn in range(MINUTES_10_S * 100):
        hand(world, evil, nodes[turn % 4], accusation(evil, victim, victim.engine.local.incarnation))
        world.run(0.01)
    assert failures(nodes) == []
    assert victim.engine.counters.refutations <= 2 * MINUTES_10_S + 40
    assert sent(nodes) - packets <= 5 * MINUTES_10_S * 40
    world.run(60.0)
    assert all_alive(nodes)


def test_insider_who_says_forgotten_without_end_costs_bounded_refutations() -> None:
    """Nobody rises without end because somebody claims to have pruned it."""
    world, nodes = lan_cluster(3)
    victim = nodes[1]
    for _ in range(6_000):
        notice = Forgotten(victim.id, victim.engine.local.incarnation)
        hand(world, nodes[2], victim, packet=Packet((notice,)))
        world.run(0.01)
    assert victim.engine.counters.refutations <= 2 * 60 + 40
    assert failures(nodes) == []


def test_insider_who_evicts_without_end_ends_nobody() -> None:
    """An eviction shows nowhere on an alive member, and is refuted at a bounded pace."""
    world, nodes = lan_cluster(4)
    victim, evil = nodes[1], nodes[3]
    for turn in range(6_000):
        member = evil.engine.membership.get(victim.id)
        assert member is not None
        hand(world, evil, nodes[turn % 3], evil.engine.verdicts.evict(world.now, member, prune=True))
        world.run(0.01)
    world.run(10.0)
    assert all_alive(nodes)
    assert victim.engine.counters.refutations <= 2 * 70 + 40
    assert not [c for node in nodes for c in node.changes if c.kind in (ChangeKind.LEAVE, ChangeKind.REAP)]


def test_insider_many_accusers_at_once_never_shorten_below_the_shortest() -> None:
    """A hundred identities accuse a member that is cut off: it still has alpha * interval."""
    world, nodes = lan_cluster(4)
    victim = nodes[3]
    world.network.cut(nodes[:3], [victim])
    began = world.now
    incarnation = victim.engine.local.incarnation
    for index in range(1, 101):
        hand(world, nodes[1], nodes[0], Claim(author(index).accuse(victim.id, incarnation)))
    world.run(3.9)
    assert failures(nodes, victim) == []
    world.run(0.3)
    assert [round(change.at - began, 3) for change in failures(nodes[:1], victim)] == [4.0]


def test_insider_a_hundred_accusers_without_end_end_nobody() -> None:
    """Identities cost nothing: each 10 ms another one accuses, at the newest incarnation, for a minute."""
    world, nodes = lan_cluster(5)
    victim, crowd = nodes[1], [author(100 + index) for index in range(100)]
    for turn in range(6_000):
        charge = crowd[turn % 100].accuse(victim.id, victim.engine.local.incarnation)
        hand(world, nodes[4], nodes[turn % 4], Claim(charge))
        world.run(0.01)
    assert failures(nodes) == []
    assert victim.engine.counters.refutations <= 2 * 60 + 40
    world.run(10.0)
    assert all_alive(nodes)


def test_insider_two_processes_of_one_identity_find_out() -> None:
    """A copied data directory: one of the two is told to stop, within seconds."""
    world, nodes = local_cluster(4)
    twin = world.twin(nodes[3], Address("10.9.9.9", 7_000))
    assert world.run_until(lambda: nodes[3].cloned or twin.cloned, 30.0) is not None


def test_insider_accuser_hardly_anybody_knows_is_refuted_like_any() -> None:
    """Only one member has met it; the subject hears of both, and answers."""
    world, nodes = local_cluster(4)
    charge = Claim(author(9).accuse(nodes[2].id, nodes[2].engine.local.incarnation))
    hand(world, nodes[1], nodes[0], Claim(author(9).record(5)), charge)
    world.run(5.0)
    assert all_alive(nodes)
    assert nodes[2].engine.counters.refutations == 1


def test_insider_accusation_of_an_incarnation_nobody_signed_is_nothing() -> None:
    """Neither above nor below; and about nobody we know."""
    world, nodes = local_cluster(4)
    began, incarnation = world.now, nodes[2].engine.local.incarnation
    for strange in (incarnation - 1, incarnation + 1, incarnation + 10**9):
        hand(world, nodes[1], nodes[0], accusation(nodes[1], nodes[2], strange))
    hand(world, nodes[1], nodes[0], accusation(nodes[1], author(9).id, 1))
    world.run(10.0)
    assert not [change for node in nodes for change in node.changes if change.at >= began]
    assert nodes[2].engine.counters.refutations == 0


def test_insider_claims_of_any_age_do_not_end_a_live_member() -> None:
    """An accusation said to be a day old, or an hour, is an accusation."""
    world, nodes = local_cluster(4)
    victim = nodes[2]
    for age_s in (3_600, 86_399, 86_400, 10**9):
        claim = accusation(nodes[1], victim, victim.engine.local.incarnation)
        hand(world, nodes[1], nodes[0], Claim(claim.statement, age_s))
        world.run(5.0)
    assert failures(nodes) == []
    assert all_alive(nodes)


def test_insider_equivocator_converges() -> None:
    """Two records of one incarnation, told to two halves: all end with the same one."""
    world, nodes = local_cluster(6)
    world.run(10.0)
    liar = author(200)
    one = liar.record(7, name="liar", tags={"say": "one"})
    two = liar.record(7, name="liar", tags={"say": "two"}, start=2)
    hand(world, nodes[1], nodes[0], Claim(one))
    hand(world, nodes[3], nodes[5], Claim(two))
    assert world.run_until(lambda: len({node.engine.membership.hash.root for node in nodes}) == 1, 60.0) is not None
    held = {node.engine.membership.get(liar.id).record.raw for node in nodes}  # type: ignore[union-attr]
    assert len(held) == 1


def test_insider_corrections_to_one_sender_are_bounded() -> None:
    """A thousand stale claims in a second are answered at most twice."""
    world, nodes = local_cluster(3)
    stale = nodes[2].engine.local.record
    world.act(nodes[2], nodes[2].engine.set_tags(world.now, {"a": "b"}, ()))
    world.run(2.0)
    before = nodes[0].engine.counters.corrections
    for _ in range(1_000):
        hand(world, nodes[1], nodes[0], Claim(stale))
        world.run(0.001)
    assert 1 <= nodes[0].engine.counters.corrections - before <= 2


def test_insider_who_replays_the_victims_past_is_corrected_not_believed() -> None:
    """Old records and old accusations of a member that refuted."""
    world, nodes = local_cluster(4)
    old = nodes[2].engine.local.record
    charge = accusation(nodes[1], nodes[2], old.incarnation)
    hand(world, nodes[1], nodes[0], charge)
    world.run(3.0)
    began = world.now
    for claim in (Claim(old), charge):
        hand(world, nodes[1], nodes[3], claim)
    world.run(3.0)
    assert not [change for node in nodes for change in node.changes if change.at >= began]
    assert all_see(nodes, nodes[2], Status.ALIVE)
