"""The field's defects of detection (numbers of the project's list), each shown not to be here."""

from random import Random

import pytest

from protocol.status import Status
from protocol.swim.effect import ChangeKind
from protocol.swim.evidence import PathKind, PathResult
from protocol.swim.settings import Settings
from protocol.wire.message import Claim
from simulations.world import World
from tests.simulations.playbook import (
    accusation,
    all_alive,
    all_see,
    changes,
    failures,
    hand,
    lan_cluster,
    local_cluster,
    sent,
    status,
)


def test_defect_01_nack_in_time_healthy_prober_of_dead_node_keeps_awareness() -> None:
    """Relays say nack before the prober's time is up, so nobody blames itself for a dead member."""
    world, nodes = lan_cluster(5)
    world.crash(nodes[4])
    scores = set()
    while world.now < 40.0:
        world.run(0.1)
        scores |= {node.engine.core.awareness.score for node in nodes[:4]}
    assert scores == {0}
    assert all_see(nodes[:4], nodes[4], Status.FAILED)
    relayed = [
        path.result
        for node in nodes[:4]
        for note in node.engine.membership.get(nodes[4].id).evidence  # type: ignore[union-attr]
        for path in note.paths
        if path.kind is PathKind.RELAY
    ]
    assert relayed
    assert set(relayed) == {PathResult.NACK}


def test_defect_02_stale_record_does_not_bring_back_the_dead() -> None:
    """The last record of a failed member, told again, changes nothing; nor does an older one."""
    world, nodes = local_cluster(4)
    older = nodes[3].engine.local.record
    world.act(nodes[3], nodes[3].engine.set_tags(world.now, {"a": "b"}, ()))
    world.run(2.0)
    last = nodes[3].engine.local.record
    world.crash(nodes[3])
    assert world.run_until(lambda: all_see(nodes[:3], nodes[3], Status.FAILED), 30.0)
    began = world.now
    for stale in (older, last):
        hand(world, nodes[1], nodes[0], Claim(stale))
        world.run(5.0)
    assert all_see(nodes[:3], nodes[3], Status.FAILED)
    assert not [change for node in nodes[:3] for change in node.changes if change.at >= began]


def test_defect_03_mass_restart_leaves_nobody_dead() -> None:
    """Twenty crash at once and start from their disks, without a join; all see all."""
    world, nodes = lan_cluster(20)
    for node in nodes:
        world.crash(node)
    world.run(30.0)
    for node in nodes:
        world.restart(node)
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None


def test_defect_05_node_that_held_all_others_failed_finds_them_again_after_a_restart() -> None:
    """The disk keeps every contact, not only those that were alive."""
    world, nodes = local_cluster(5)
    world.network.cut(nodes[:1], nodes[1:])
    assert world.run_until(lambda: all(status(nodes[0], node) is Status.FAILED for node in nodes[1:]), 120.0)
    world.crash(nodes[0])
    world.network.heal()
    world.restart(nodes[0])
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None


def test_defect_06_partially_reachable_node_makes_nobody_else_fail() -> None:
    """One node is cut off from half of the others for five minutes; the rest stay alive to each other."""
    world, nodes = lan_cluster(9)
    world.network.cut(nodes[:1], nodes[1:5])
    world.run(300.0)
    assert {change.id for change in failures(nodes[1:])} <= {nodes[0].id}
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None


def test_defect_06_node_that_loses_most_datagrams_makes_nobody_else_fail() -> None:
    """Nine of ten datagrams to and from one node are lost; streams still carry its word, and it stays."""
    world, nodes = lan_cluster(6)
    world.network.block_datagrams(nodes[0], 0.9)
    world.run(300.0)
    assert failures(nodes) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_defect_07_starved_nodes_do_not_flap(seed: int) -> None:
    """Every node is stopped for half a second to a second again and again: nobody is failed."""
    world, nodes = lan_cluster(8, seed)
    rng = Random(seed)
    for _ in range(200):
        world.pause(rng.choice(nodes), 0.4 + 0.6 * rng.random())
        world.run(0.5)
    assert failures(nodes) == []
    world.run(10.0)
    assert all_alive(nodes)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_defect_07_stall_of_0_7_s_accuses_nobody(size: int) -> None:
    """Neither the sleeper, on waking, nor the others."""
    world, nodes = local_cluster(size)
    for _ in range(20):
        world.pause(nodes[1], 0.7)
        world.run(3.3)
    assert not [change for node in nodes for change in changes(node, ChangeKind.FAILED)]
    assert not changes(nodes[1], ChangeKind.SUSPECT)
    assert nodes[1].engine.counters.stalls > 0


@pytest.mark.parametrize("size", [2, 3, 5])
def test_defect_07_stall_of_20_s_accuses_nobody_and_is_alive_within_5_s(size: int) -> None:
    """The others rightly fail it; on waking it accuses nobody, and is alive everywhere at once."""
    world, nodes = local_cluster(size)
    began = world.now
    world.pause(nodes[1], 20.0)
    world.run(20.0)
    assert all_see(nodes, nodes[1], Status.FAILED)
    took = world.run_until(lambda: all_alive(nodes), 5.0)
    assert took is not None
    world.run(60.0)
    assert all_alive(nodes)
    assert not changes(nodes[1], ChangeKind.SUSPECT, since=began)
    assert not [c for node in nodes for c in changes(node, ChangeKind.SUSPECT, since=began) if c.id != nodes[1].id]


def test_defect_07_a_stall_feeds_the_sleepers_own_awareness() -> None:
    """It doubts itself, not the others."""
    world, nodes = local_cluster(3)
    world.pause(nodes[0], 20.0)
    world.run(20.0)
    assert nodes[0].engine.core.awareness.score > 0


def test_defect_16_datagrams_blocked_but_streams_work_nobody_fails() -> None:
    """For five minutes one node can use streams only; news reach it all the same."""
    world, nodes = local_cluster(5)
    world.network.block_datagrams(nodes[2])
    world.run(300.0)
    assert failures(nodes) == []
    assert not [change for node in nodes for change in changes(node, ChangeKind.SUSPECT)]
    world.act(nodes[0], nodes[0].engine.set_tags(world.now, {"a": "b"}, ()))
    assert world.run_until(lambda: all_alive(nodes), 20.0) is not None


def test_defect_20_restart_faster_than_detection_is_an_event() -> None:
    """Nobody noticed that it was gone; all hear that it is another process."""
    world, nodes = local_cluster(4)
    world.crash(nodes[3])
    world.restart(nodes[3])
    world.run(2.0)
    for node in nodes[:3]:
        assert len(changes(node, ChangeKind.RESTART, nodes[3])) == 1
        assert not changes(node, ChangeKind.FAILED)


def test_defect_21_dead_members_are_not_gossiped_for_ever() -> None:
    """Two minutes after a death nothing is queued, and no round of gossip runs."""
    world, nodes = local_cluster(5)
    world.crash(nodes[4])
    world.run(120.0)
    assert [len(node.engine.core.rumors) for node in nodes[:4]] == [0] * 4
    rounds = [node.engine.counters.gossip_rounds for node in nodes[:4]]
    world.run(600.0)
    assert [node.engine.counters.gossip_rounds for node in nodes[:4]] == rounds


def test_defect_22_two_nodes_that_hold_each_other_failed_stay_quiet() -> None:
    """While cut off they retry at a bounded pace; once healed they make up in a handful of packets."""
    world, nodes = local_cluster(2)
    world.network.cut(nodes[:1], nodes[1:])
    world.run(60.0)
    assert all_see(nodes, nodes[0], Status.FAILED)
    assert all_see(nodes, nodes[1], Status.FAILED)
    before = sent(nodes)
    world.run(100.0)
    assert sent(nodes) - before <= 2 * (100 / 10 + 1)
    world.network.heal()
    before = sent(nodes)
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None
    world.run(5.0)
    assert sent(nodes) - before <= 80


def test_defect_22_one_way_cut_does_not_flood() -> None:
    """One hears the other but cannot answer: what they send stays at the pace of probes and retries."""
    world, nodes = local_cluster(2)
    world.network.cut(nodes[:1], nodes[1:], both_ways=False)
    world.run(60.0)
    before = sent(nodes)
    world.run(300.0)
    assert sent(nodes) - before <= 2 * 300
    assert max(node.engine.counters.refutations for node in nodes) <= 60
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None


def test_defect_23_node_that_lost_its_network_doubts_itself() -> None:
    """Its own interface is down: awareness rises to its bound."""
    world, nodes = lan_cluster(5)
    world.network.cut(nodes[:1], nodes[1:])
    scores = set()
    for _ in range(300):
        world.run(0.1)
        scores.add(nodes[0].engine.core.awareness.score)
    assert max(scores) == 7


def test_defect_24_evidence_says_who_accused_and_how_it_was_tried() -> None:
    """Both at the subject that refuted, and at those who failed a member."""
    world, nodes = local_cluster(4)
    hand(world, nodes[1], nodes[0], accusation(nodes[1], nodes[0], nodes[0].engine.local.incarnation))
    assert [(note.event, note.by) for note in nodes[0].engine.own_member.evidence] == [("refuted", nodes[1].id)]
    world.crash(nodes[3])
    world.run(30.0)
    for node in nodes[:3]:
        member = node.engine.membership.get(nodes[3].id)
        assert member is not None
        events = {note.event for note in member.evidence}
        assert {"member-suspect", "member-failed"} <= events
    tried = [
        path.kind
        for node in nodes[:3]
        for note in node.engine.membership.get(nodes[3].id).evidence  # type: ignore[union-attr]
        for path in note.paths
    ]
    assert set(tried) == {PathKind.DIRECT, PathKind.RELAY, PathKind.STREAM}


@pytest.mark.parametrize(
    ("profile", "longest_s"), [(Settings.local(), 8.0), (Settings.lan(), 10.0)], ids=["local", "lan"]
)
@pytest.mark.parametrize("seed", range(6))
def test_crash_of_one_of_five_is_seen_in_time(profile: Settings, longest_s: float, seed: int) -> None:
    """Failed on all others within 10 s, 8 s in the local profile; and alive within 3 s of its return."""
    world = World(seed, profile)
    nodes = world.cluster(5)
    world.run(seed * 1.37)
    world.crash(nodes[2])
    others = [*nodes[:2], *nodes[3:]]
    assert world.run_until(lambda: all_see(others, nodes[2], Status.FAILED), longest_s) is not None
    world.restart(nodes[2])
    assert world.run_until(lambda: all_alive(nodes), 3.0) is not None


def test_lone_node_lives_without_timers() -> None:
    """N = 1: it is alive to itself, sends nothing, and has nothing to wait for."""
    world = World(1, Settings.lan())
    node = world.add()
    world.run(60.0)
    assert node.engine.own_member.status is Status.ALIVE
    assert node.sent == 0
    assert node.engine.next_deadline() is None


@pytest.mark.parametrize("size", [2, 3])
def test_tiny_cluster_sees_a_death_in_the_shortest_suspicion(size: int) -> None:
    """N = 2 and 3: nobody could confirm, so nobody is waited for."""
    world, nodes = lan_cluster(size)
    world.crash(nodes[0])
    longest = 4.0 + (2 * size - 1) * 1.0 + 2.0
    assert world.run_until(lambda: all_see(nodes[1:], nodes[0], Status.FAILED), longest) is not None
