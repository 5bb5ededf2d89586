"""Seats of a license: who gets the last one, who gives it back, and what a partition may do to the count."""

import pytest

from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.admission import Terms
from protocol.swim.effect import SteppedDown
from protocol.swim.settings import Settings
from simulations.run import Run
from simulations.scenarios import SCENARIOS
from simulations.world import Node, World
from tests.simulations.playbook import all_alive, all_see, status

SEATS = 5


def full_cluster(seats: int = SEATS, seed: int = 1, *, free: int = 0) -> tuple[World, list[Node]]:
    """Give a cluster of a license with some seats free, whose members joined a minute ago."""
    world = World(seed, Settings.local(seats=seats))
    nodes = world.cluster(seats - free)
    world.run(60.0)
    return world, nodes


def gave_way(node: Node) -> bool:
    """Tell whether a node stepped down."""
    return any(isinstance(refusal, SteppedDown) for refusal in node.refusals)


@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize("count", [2, 4])
def test_last_seat_wanted_by_several_at_once_is_given_to_one(count: int, seed: int) -> None:
    """Through different members, in one moment; all end with one view, and the others were told."""
    world, nodes = full_cluster(seed=seed, free=1)
    newcomers = [world.add() for _ in range(count)]
    for newcomer, member in zip(newcomers, nodes, strict=False):
        world.join(newcomer, member)
    world.run(20.0)
    inside = [node for node in newcomers if status(nodes[0], node) is Status.ALIVE]
    assert len(inside) == 1
    assert all_alive([*nodes, *inside])
    for loser in newcomers:
        if loser not in inside and not gave_way(loser):
            world.join(loser, nodes[0])  # its stream may have been closed when the seat went, for it to ask again
            world.run(2.0)
            assert loser.joins[-1].refusal is Refusal.NODE_LIMIT
    assert not any(gave_way(node) for node in nodes)


def test_seat_of_one_that_failed_is_taken_until_it_is_force_left() -> None:
    """It may come back."""
    world, nodes = full_cluster()
    world.crash(nodes[4])
    world.run(30.0)
    newcomer = world.add()
    world.join(newcomer, nodes[0])
    world.run(3.0)
    assert newcomer.joins[-1].refusal is Refusal.NODE_LIMIT
    world.act(nodes[0], nodes[0].engine.force_leave(world.now, nodes[4].id, prune=False))
    world.run(3.0)
    world.join(newcomer, nodes[0])
    assert world.run_until(lambda: all_alive([*nodes[:4], newcomer]), 5.0) is not None


def test_seat_of_one_that_is_revoked_is_free_at_once() -> None:
    """And when it is reinstated and asked in, there may be none for it."""
    world, nodes = full_cluster()
    world.revoke(nodes[0], nodes[4].id)
    world.run(1.0)
    newcomer = world.add()
    world.join(newcomer, nodes[1])
    assert world.run_until(lambda: all_alive([*nodes[:4], newcomer]), 5.0) is not None
    world.revoke(nodes[0], nodes[4].id, revoked=False)
    world.run(2.0)
    world.invite(nodes[1], nodes[4])
    world.run(5.0)
    assert nodes[1].joins[-1].refusal is Refusal.NODE_LIMIT
    assert all_alive([*nodes[:4], newcomer])


def test_newcomers_that_take_the_seats_of_the_force_left_one_after_the_other_stay() -> None:
    """Each still finds out for itself that the force-left are gone, while the next one comes."""
    world, nodes = full_cluster(7)
    for node in nodes[5:]:
        world.crash(node)
    world.run(60.0)
    for node in nodes[5:]:
        world.act(nodes[0], nodes[0].engine.force_leave(world.now, node.id, prune=False))
    world.run(3.0)
    newcomers = []
    for place in range(2):
        newcomers.append(world.add())
        world.join(newcomers[-1], nodes[place + 1])
        world.run(2.0)
    world.run(60.0)
    assert not any(gave_way(node) for node in newcomers)
    assert all_alive([*nodes[:5], *newcomers])


def test_partition_that_gave_seats_away_heals_with_more_members_than_seats() -> None:
    """Nobody is removed, and the door is shut until there are seats again."""
    world, nodes = full_cluster()
    left, right = nodes[:3], nodes[3:]
    world.network.cut(left, right)
    world.run(60.0)
    for node in right:
        world.act(nodes[0], nodes[0].engine.force_leave(world.now, node.id, prune=False))
    world.run(5.0)
    newcomers = [world.add(), world.add()]
    world.network.cut(newcomers, right)
    for newcomer in newcomers:
        world.join(newcomer, nodes[0])
    world.run(30.0)
    assert all_alive([*left, *newcomers])
    world.network.heal()
    everybody = [*nodes, *newcomers]
    assert world.run_until(lambda: all_alive(everybody), 60.0) is not None
    assert {node.engine.membership.admission.excess for node in everybody} == {2}
    late = world.add()
    for turn in range(12):
        world.join(late, everybody[turn % len(everybody)])
        world.run(5.0)
        assert late.joins[-1].refusal is Refusal.NODE_LIMIT
    assert all_alive(everybody)
    for node in (newcomers[0], nodes[4], nodes[3]):
        world.leave(node)
    world.run(10.0)
    world.join(late, nodes[0])
    world.run(5.0)
    assert all_alive([*nodes[:3], newcomers[1], late])


def test_renewed_license_lets_in_and_an_expired_one_does_not() -> None:
    """Known members go on, whatever the license says."""
    world, nodes = full_cluster()
    late = world.add()
    for terms, refusal in ((Terms("", SEATS + 1, expired=True), Refusal.LICENSE_EXPIRED), (Terms("", SEATS + 1), None)):
        for node in (*nodes, late):
            node.engine.change_terms(terms)
        world.join(late, nodes[1])
        world.run(5.0)
        assert late.joins[-1].refusal is refusal
    assert all_alive([*nodes, late])
    for node in nodes:
        node.engine.change_terms(Terms("", SEATS + 1, expired=True))
    world.crash(nodes[2])
    world.run(30.0)
    world.restart(nodes[2])
    assert world.run_until(lambda: all_alive([*nodes, late]), 20.0) is not None
    assert not all_see(nodes, late, None)


@pytest.mark.parametrize(
    ("scenario", "seed", "nodes"),
    [
        ("last_seat", 1, 9),
        ("last_seat", 5, 11),
        ("last_seat", 73, 13),
        ("last_seat", 264, 11),
        ("seats_partition", 8, 7),
        ("seats_partition", 26, 11),
        ("revocation", 12, 16),
        ("revocation", 3, 16),
    ],
)
def test_plan_that_once_went_wrong_goes_well(scenario: str, seed: int, nodes: int) -> None:
    """Losers of a race were sought among those that had left, or told by one that was joining itself, or too early."""
    one = SCENARIOS[scenario]
    assert Run(one.plan(seed, nodes), one).carry_out("").violations == ()
