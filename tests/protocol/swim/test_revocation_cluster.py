"""Engines among themselves: a member is put out, stays out, and comes back; seats are raced for, and halves meet."""

import pytest

from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.effect import ChangeKind, Expelled, SteppedDown
from protocol.swim.settings import Settings
from simulations.world import Node, World
from tests.simulations.playbook import all_alive, all_see, changes, lan_cluster, local_cluster, status


def knows(viewers: list[Node], subject: Node, *, out: bool) -> bool:
    """Tell whether all hold the same newest word about a node."""
    words = {viewer.engine.membership.revocations.get(subject.id) for viewer in viewers}
    return len(words) == 1 and all(viewer.engine.membership.revocations.bars(subject.id) == out for viewer in viewers)


def put_out(size: int = 5, seed: int = 1) -> tuple[World, list[Node], Node]:
    """Give a cluster, and the member that was put out of it."""
    world, nodes = local_cluster(size, seed)
    out = nodes.pop()
    world.revoke(nodes[0], out.id)
    world.run(5.0)
    return world, nodes, out


@pytest.mark.parametrize("seed", range(4))
def test_revoked_member_is_off_every_list_and_falls_silent(seed: int) -> None:
    """Within seconds; nobody is suspected for it, and it sends nothing more."""
    world, nodes, out = put_out(seed=seed)
    assert all_see(nodes, out, None)
    assert all_alive(nodes)
    assert knows(nodes, out, out=True)
    assert [type(effect) for effect in out.refusals] == [Expelled]
    sent = out.sent
    world.run(120.0)
    assert out.sent == sent
    assert all_see(nodes, out, None)
    assert not [change for node in nodes for change in changes(node, ChangeKind.SUSPECT)]
    (left,) = changes(nodes[2], ChangeKind.LEAVE, out)
    assert left.evidence is not None
    assert left.evidence.by == nodes[0].id


def test_revocation_reaches_fifty_members() -> None:
    """By gossip alone, in seconds."""
    world, nodes = lan_cluster(50)
    world.revoke(nodes[7], nodes[20].id)
    world.run(4.0)
    others = [node for node in nodes if node is not nodes[20]]
    assert all_see(others, nodes[20], None)
    assert knows(others, nodes[20], out=True)
    assert nodes[20].refusals


def test_revocation_reaches_one_that_was_away() -> None:
    """It has the revoked one on no list when it comes back, though it never heard a word of gossip about it."""
    world, nodes = local_cluster(5)
    away, out = nodes[1], nodes[4]
    world.crash(away)
    world.revoke(nodes[0], out.id)
    world.run(30.0)
    world.restart(away)
    world.run(30.0)
    assert all_see([*nodes[:4]], out, None)
    assert all_alive(nodes[:4])
    assert knows(nodes[:4], out, out=True)


def test_revoked_member_stays_out_at_its_start() -> None:
    """With its revocation on disk it neither sends nor is listed; told to join, it hears why not, and stays silent."""
    world, nodes, out = put_out()
    world.crash(out)
    world.run(1.0)
    world.restart(out)
    sent = out.sent
    world.run(60.0)
    assert out.sent == sent
    world.join(out, nodes[1])
    world.run(10.0)
    assert out.joins[-1].refusal is Refusal.REVOKED
    assert all_see(nodes, out, None)
    assert out.engine.core.silent


def test_revoked_member_that_lost_its_disk_is_refused() -> None:
    """The others know its id."""
    world, nodes, out = put_out()
    world.crash(out)
    world.restart(out, keep_disk=False)
    world.join(out, nodes[2])
    world.run(30.0)
    assert out.joins[-1].refusal is Refusal.REVOKED
    assert all_see(nodes, out, None)


@pytest.mark.parametrize("inviter", [0, 2])
@pytest.mark.parametrize("restarted", [True, False])
def test_reinstated_member_that_is_asked_in_comes_back(restarted: bool, inviter: int) -> None:
    """By whoever asks it; all have it again, and it knows that it is in."""
    world, nodes, out = put_out()
    if restarted:
        world.crash(out)
        world.restart(out)
    world.revoke(nodes[1], out.id, revoked=False)
    world.run(5.0)
    assert all_see(nodes, out, None)
    world.invite(nodes[inviter], out)
    world.run(40.0)
    assert nodes[inviter].joins[-1].peer == out.id
    assert all_alive([*nodes, out])
    assert knows([*nodes, out], out, out=False)
    assert not out.disk.left


def test_revoked_member_that_is_asked_in_is_refused() -> None:
    """Nobody took the word back."""
    world, nodes, out = put_out()
    world.invite(nodes[1], out)
    world.run(10.0)
    end = nodes[1].joins[-1]
    assert (end.peer, end.refusal, end.met, end.was_live) == (None, Refusal.REVOKED, out.id, False)
    assert all_see(nodes, out, None)
    assert out.engine.core.silent


def test_left_member_comes_back_by_an_invitation_not_by_a_join_through_it() -> None:
    """Whoever joins through one that left does not call it back; who asks it in does."""
    world, nodes = local_cluster(3)
    left = nodes[2]
    world.leave(left)
    world.run(10.0)
    newcomer = world.add()
    world.join(newcomer, left)
    world.run(10.0)
    assert left.engine.core.silent
    assert all_see(nodes[:2], left, Status.LEFT)
    world.invite(nodes[0], left)
    world.run(30.0)
    assert all_see(nodes[:2], left, Status.ALIVE)
    assert status(left, nodes[0]) is Status.ALIVE
    assert not left.disk.left


def test_invitation_of_a_stranger_makes_it_a_member() -> None:
    """Two nodes alone; and who is asked in again was live already."""
    world = World(1, Settings.local())
    one, other = world.add(), world.add()
    for was_live in (False, True):
        world.invite(one, other)
        world.run(5.0)
        assert (one.joins[-1].peer, one.joins[-1].was_live) == (other.id, was_live)
        assert all_alive([one, other])


def test_revoked_while_it_was_down_is_told_at_its_return() -> None:
    """Its members will not hear it; it does not go on for ever as if they had all failed."""
    world, nodes = local_cluster(5)
    out = nodes.pop()
    world.crash(out)
    world.revoke(nodes[0], out.id)
    world.run(5.0)
    world.restart(out)
    world.run(120.0)
    assert all_see(nodes, out, None)
    assert out.refusals


# --- seats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_race_for_the_last_seat_has_one_winner(seed: int) -> None:
    """Three join at one moment through different members: one view at the end, and no more members than seats."""
    world = World(seed, Settings.local(seats=5))
    nodes = world.cluster(4)
    guests = [world.add() for _ in range(3)]
    for guest, seed_ in zip(guests, nodes, strict=False):
        world.join(guest, seed_)
    world.run(60.0)
    inside = [guest for guest in guests if not guest.engine.core.silent and guest.joins[-1].peer is not None]
    assert len(inside) == 1
    assert all_alive([*nodes, *inside])
    for guest in guests:
        if guest not in inside:
            stepped = [effect for effect in guest.refusals if isinstance(effect, SteppedDown)]
            assert stepped or guest.joins[-1].peer is None


def test_failed_member_keeps_its_seat() -> None:
    """A newcomer is refused while it may come back, and let in once an operator has it leave."""
    world = World(1, Settings.local(seats=3))
    nodes = world.cluster(3)
    world.crash(nodes[2])
    world.run(30.0)
    extra = world.add()
    world.join(extra, nodes[0])
    world.run(5.0)
    assert extra.joins[-1].refusal is Refusal.NODE_LIMIT
    world.act(nodes[0], nodes[0].engine.force_leave(nodes[0].now(world.now), nodes[2].id, prune=False))
    world.run(5.0)
    world.join(extra, nodes[0])
    world.run(10.0)
    assert all_alive([*nodes[:2], extra])


def test_partition_whose_lost_half_was_replaced_heals() -> None:
    """Both halves gave up the others' seats, and let newcomers in: at the end all are members, beyond the limit."""
    world = World(1, Settings.local(seats=4))
    nodes = world.cluster(4)
    halves = [nodes[:2], nodes[2:]]
    world.network.cut(*halves)
    world.run(30.0)
    for half, lost in ((halves[0], nodes[2:]), (halves[1], nodes[:2])):
        for member in lost:
            world.act(half[0], half[0].engine.force_leave(half[0].now(world.now), member.id, prune=False))
    world.run(5.0)
    newcomers = [world.add(), world.add()]
    world.network.cut([*halves[0], newcomers[0]], [*halves[1], newcomers[1]])
    for newcomer, half in zip(newcomers, halves, strict=True):
        world.join(newcomer, half[0])
    world.run(10.0)
    assert all_alive([*halves[0], newcomers[0]])
    assert all_alive([*halves[1], newcomers[1]])
    world.network.heal()
    world.run(180.0)
    assert all_alive([*nodes, *newcomers])


def test_one_that_left_long_ago_joins_those_who_came_since() -> None:
    """It remembers members that are gone, and a license that they fill: it is the others that count."""
    world = World(1, Settings.local(seats=3))
    first, second, left = world.cluster(3)
    world.leave(left)
    world.run(10.0)
    newcomer = world.add()
    world.join(newcomer, first)
    world.run(5.0)
    for gone in (first, second):
        world.crash(gone)
        world.run(30.0)
        world.act(newcomer, newcomer.engine.force_leave(newcomer.now(world.now), gone.id, prune=False))
        world.run(5.0)
    assert newcomer.engine.membership.seats_taken == 1
    world.join(left, newcomer)
    world.run(60.0)
    assert all_see([newcomer], left, Status.ALIVE)
    assert all_see([left], newcomer, Status.ALIVE)
