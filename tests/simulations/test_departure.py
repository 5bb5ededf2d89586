"""Leaving, being made to leave, being forgotten, and coming back (swim.md's defects 11 to 14)."""

import pytest

from protocol.status import Status
from protocol.swim.effect import ChangeKind
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from simulations.world import Node, World
from tests.simulations.playbook import (
    HOUR_S,
    all_alive,
    all_see,
    changes,
    hand,
    local_cluster,
    sent,
    status,
)


def leave(world: World, node: Node) -> None:
    """Leave, and wait for the end."""
    world.act(node, node.engine.leave(world.now))
    assert world.run_until(lambda: node.leave_ended, 5.1) is not None


def force_leave(world: World, issuer: Node, subject: Node | MemberId, *, prune: bool = False) -> None:
    """Ask a node to force another out."""
    id = subject.id if isinstance(subject, Node) else subject
    world.act(issuer, issuer.engine.force_leave(world.now, id, prune=prune))


# --- leaving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 5, 50])
def test_defect_13_leaver_is_shown_as_left_never_as_failed(size: int) -> None:
    """The process is gone right after LeaveEnded, and everybody knows."""
    world, nodes = local_cluster(size)
    leave(world, nodes[1])
    world.crash(nodes[1])
    others = [nodes[0], *nodes[2:]]
    assert world.run_until(lambda: all_see(others, nodes[1], Status.LEFT), 5.0) is not None
    world.run(60.0)
    assert not [c for node in others for c in changes(node, ChangeKind.FAILED)]
    assert {len(changes(node, ChangeKind.LEAVE, nodes[1])) for node in others} == {1}


def test_leave_of_a_lone_node_ends_at_once() -> None:
    """N = 1: nobody to tell."""
    world = World(1, Settings.lan())
    node = world.add()
    world.act(node, node.engine.leave(world.now))
    assert node.leave_ended
    assert node.disk.left


def test_leave_nobody_answers_ends_within_5_s() -> None:
    """Cut off: it is over when the time is up."""
    world, nodes = local_cluster(5)
    world.network.cut(nodes[:1], nodes[1:])
    world.act(nodes[0], nodes[0].engine.leave(world.now))
    world.run(4.9)
    assert not nodes[0].leave_ended
    world.run(0.2)
    assert nodes[0].leave_ended


def test_leave_of_all_at_once_ends_for_all() -> None:
    """Nobody waits for one that is leaving too."""
    world, nodes = local_cluster(5)
    for node in nodes:
        world.act(node, node.engine.leave(world.now))
    assert world.run_until(lambda: all(node.leave_ended for node in nodes), 5.1) is not None


def test_join_while_leaving_ends_the_leave_and_returns() -> None:
    """Cut off, so that the leave takes its time; whoever waits for its end is not left waiting."""
    world, nodes = local_cluster(3)
    world.network.cut(nodes[:1], nodes[1:])
    world.act(nodes[0], nodes[0].engine.leave(world.now))
    world.run(1.0)
    ended = [nodes[0].leave_ended]
    world.network.heal()
    world.join(nodes[0], nodes[1])
    ended.append(nodes[0].leave_ended)
    assert ended == [False, True]
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None


def test_leave_with_stay_keeps_silent_and_never_refutes() -> None:
    """It answers when spoken to, and says nothing by itself for an hour."""
    world, nodes = local_cluster(3)
    leave(world, nodes[2])
    world.run(10.0)
    before = nodes[2].sent
    world.run(HOUR_S)
    assert nodes[2].sent == before
    assert all_see(nodes, nodes[2], Status.LEFT)
    assert nodes[2].engine.own_member.status is Status.LEFT
    assert nodes[2].engine.counters.refutations == 0


def test_defect_14_the_same_process_leaves_and_joins_again() -> None:
    """Three times over."""
    world, nodes = local_cluster(4)
    for _ in range(3):
        leave(world, nodes[3])
        assert nodes[3].disk.left
        world.run(2.0)
        assert all_see(nodes, nodes[3], Status.LEFT)
        nodes[3].leave_ended = False
        world.join(nodes[3], nodes[0])
        assert world.run_until(lambda: all_alive(nodes), 5.0) is not None
        assert not nodes[3].disk.left
    world.run(60.0)
    assert all_alive(nodes)


def test_node_that_left_and_starts_again_stays_out_until_it_joins() -> None:
    """The goodbye is on disk."""
    world, nodes = local_cluster(3)
    leave(world, nodes[2])
    world.crash(nodes[2])
    world.run(5.0)
    world.restart(nodes[2])
    before = nodes[2].sent
    world.run(60.0)
    assert all_see(nodes[:2], nodes[2], Status.LEFT)
    assert nodes[2].sent == before
    world.join(nodes[2], nodes[0])
    assert world.run_until(lambda: all_alive(nodes), 5.0) is not None


def test_node_that_left_and_joins_by_a_dead_seed_finds_the_others_by_its_contacts() -> None:
    """It has said that it is back, so it must not stay alone until its next start."""
    world, nodes = local_cluster(3)
    leave(world, nodes[2])
    world.crash(nodes[2])
    world.run(5.0)
    world.restart(nodes[2])
    world.crash(nodes[0])
    world.join(nodes[2], nodes[0])
    assert world.run_until(lambda: all_alive(nodes[1:]), 10.0) is not None


def test_join_through_oneself_is_no_join() -> None:
    """Lists of seeds often name the node itself."""
    world = World(1, Settings.lan())
    node = world.add()
    world.join(node, node)
    world.run(5.0)
    assert node.joins[-1].peer is None
    assert node.joins[-1].own_echo
    assert node.engine.next_deadline() is None


# --- force-leave --------------------------------------------------------------------------------


def test_defect_13_force_leave_of_a_failed_member_makes_it_left_everywhere() -> None:
    """And one event tells it, with the issuer."""
    world, nodes = local_cluster(5)
    world.crash(nodes[4])
    assert world.run_until(lambda: all_see(nodes[:4], nodes[4], Status.FAILED), 30.0) is not None
    force_leave(world, nodes[1], nodes[4])
    assert world.run_until(lambda: all_see(nodes[:4], nodes[4], Status.LEFT), 3.0) is not None
    for node in nodes[:4]:
        (event,) = changes(node, ChangeKind.LEAVE, nodes[4])
        assert event.evidence is not None
        assert event.evidence.by == nodes[1].id


def test_force_leave_of_an_alive_member_shows_nowhere_and_is_refuted() -> None:
    """It stays, at a higher incarnation."""
    world, nodes = local_cluster(4)
    incarnation = nodes[3].engine.local.incarnation
    force_leave(world, nodes[0], nodes[3])
    world.run(5.0)
    assert all_alive(nodes)
    assert nodes[3].engine.local.incarnation == incarnation + 1
    assert not [c for node in nodes for c in node.changes if c.kind is ChangeKind.LEAVE]


def test_force_leave_of_a_suspect_member_makes_it_left_when_its_time_is_up() -> None:
    """Dead, accused, not yet failed: it goes from suspect to left."""
    world, nodes = local_cluster(4)
    world.crash(nodes[3])
    assert world.run_until(lambda: status(nodes[0], nodes[3]) is Status.SUSPECT, 10.0) is not None
    force_leave(world, nodes[0], nodes[3])
    assert status(nodes[0], nodes[3]) is Status.SUSPECT
    assert world.run_until(lambda: all_see(nodes[:3], nodes[3], Status.LEFT), 30.0) is not None
    assert not changes(nodes[0], ChangeKind.FAILED)


def test_force_leave_of_nobody_or_oneself_changes_nothing() -> None:
    """No effect, no exception."""
    world, nodes = local_cluster(2)
    assert nodes[0].engine.force_leave(world.now, MemberId(bytes(16)), prune=True) == []
    assert nodes[0].engine.force_leave(world.now, nodes[0].id, prune=False) == []
    assert all_alive(nodes)


def test_force_left_member_that_was_alive_after_all_returns() -> None:
    """A partition, a hasty operator: it refutes and is alive again."""
    world, nodes = local_cluster(4)
    world.network.cut(nodes[:3], nodes[3:])
    world.run(30.0)
    force_leave(world, nodes[0], nodes[3])
    world.run(5.0)
    assert all_see(nodes[:3], nodes[3], Status.LEFT)
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None


# --- prune and reap -----------------------------------------------------------------------------


def test_defect_12_pruned_member_is_gone_everywhere_and_stays_gone() -> None:
    """Off all lists at once, out of every address book, and not brought back by its old record."""
    world, nodes = local_cluster(5)
    old = nodes[4].engine.local.record
    world.crash(nodes[4])
    assert world.run_until(lambda: all_see(nodes[:4], nodes[4], Status.FAILED), 30.0) is not None
    force_leave(world, nodes[0], nodes[4], prune=True)
    assert world.run_until(lambda: all_see(nodes[:4], nodes[4], None), 3.0) is not None
    hand(world, nodes[1], nodes[0], Claim(old))
    world.run(120.0)
    assert all_see(nodes[:4], nodes[4], None)
    assert all(nodes[4].id not in node.disk.contacts for node in nodes[:4])
    assert len({node.engine.membership.hash.root for node in nodes[:4]}) == 1


def test_defect_12_pruned_member_that_starts_again_returns() -> None:
    """It finds the others from its own disk, at a higher incarnation."""
    world, nodes = local_cluster(4)
    world.crash(nodes[3])
    world.run(30.0)
    force_leave(world, nodes[0], nodes[3], prune=True)
    world.run(5.0)
    world.restart(nodes[3])
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None


def test_pruned_member_that_never_died_returns() -> None:
    """Cut off, pruned, healed: it is told that it was forgotten, and rises above that."""
    world, nodes = local_cluster(4)
    world.network.cut(nodes[:3], nodes[3:])
    world.run(30.0)
    force_leave(world, nodes[0], nodes[3], prune=True)
    world.run(5.0)
    assert all_see(nodes[:3], nodes[3], None)
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 90.0) is not None


def test_prune_reaches_one_who_was_away() -> None:
    """A node cut off during the prune learns of it by sync, and does not bring the member back."""
    world, nodes = local_cluster(5)
    world.crash(nodes[4])
    world.run(30.0)
    world.network.cut(nodes[:3], [nodes[3]])
    force_leave(world, nodes[0], nodes[4], prune=True)
    world.run(60.0)
    world.network.heal()
    assert world.run_until(lambda: all_see(nodes[:4], nodes[4], None), 60.0) is not None
    world.run(60.0)
    assert all_see(nodes[:4], nodes[4], None)
    assert all_alive(nodes[:4])


def test_defect_11_left_and_failed_members_are_reaped() -> None:
    """After the reap time they are off every list, with one event each; nothing brings them back."""
    world, nodes = local_cluster(5, settings=Settings.local(reap_after_s=300.0))
    records = [nodes[index].engine.local.record for index in (3, 4)]
    leave(world, nodes[3])
    world.crash(nodes[3])
    world.crash(nodes[4])
    world.run(250.0)
    assert all_see(nodes[:3], nodes[4], Status.FAILED)
    world.run(100.0)
    for node in nodes[:3]:
        assert len(node.engine.membership) == 3
        assert len(changes(node, ChangeKind.REAP)) == 2
    for record in records:
        hand(world, nodes[1], nodes[0], Claim(record))
    world.run(60.0)
    assert all(len(node.engine.membership) == 3 for node in nodes[:3])


def test_reaped_member_returns_when_it_comes_itself() -> None:
    """From its disk, though all others forgot it."""
    world, nodes = local_cluster(4, settings=Settings.local(reap_after_s=300.0))
    world.crash(nodes[3])
    world.run(400.0)
    assert all_see(nodes[:3], nodes[3], None)
    world.restart(nodes[3])
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None


def test_defect_11_members_that_left_do_not_fill_the_list() -> None:
    """At most three may be alive; twenty come and go, one after the other, and each finds a seat."""
    world = World(1, Settings.local(members_max=3))
    nodes = world.cluster(2)
    for number in range(20):
        guest = world.add(f"guest{number}")
        world.join(guest, nodes[0])
        world.run(3.0)
        assert guest.joins[-1].peer == nodes[0].id
        leave(world, guest)
        world.crash(guest)
        world.run(3.0)
    assert len(nodes[0].engine.membership) <= 2 + 2 * 3 + 20


def test_newcomer_learns_of_old_failures_as_failed() -> None:
    """A member failed an hour ago is failed, not alive, to a newcomer within seconds."""
    world, nodes = local_cluster(5)
    world.crash(nodes[4])
    world.run(HOUR_S)
    newcomer = world.add()
    world.join(newcomer, nodes[0])
    assert world.run_until(lambda: status(newcomer, nodes[4]) is Status.FAILED, 5.0) is not None
    member = newcomer.engine.membership.get(nodes[4].id)
    assert member is not None
    assert member.age_s(world.now) >= HOUR_S - 60


def test_eviction_news_cost_no_storm() -> None:
    """A minute after a force-leave the cluster is as quiet as before it."""
    world, nodes = local_cluster(5)
    world.crash(nodes[4])
    world.run(60.0)
    force_leave(world, nodes[0], nodes[4])
    world.run(60.0)
    before, syncs = sent(nodes), sum(node.engine.counters.syncs for node in nodes)
    world.run(60.0)
    assert sent(nodes) - before <= 4 * 60 * 3
    assert sum(node.engine.counters.syncs for node in nodes) - syncs <= 4 * 9
