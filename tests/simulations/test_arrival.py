"""Coming in: whoever joins is known to all at once, not after some rounds of gossip."""

import pytest

from protocol.status import Status
from protocol.swim.local import ANNOUNCE_FANOUT
from protocol.swim.settings import Settings
from simulations.world import Node, World
from tests.simulations.playbook import all_alive, all_see

LONGEST_TRIP_S = 0.002
"""Of a datagram, in the world as it is unless told otherwise."""


def arrivals(seed: int, size: int, gap_s: float) -> tuple[World, list[Node]]:
    """Start nodes one after the other, each of which joins through the first; the last has been let in."""
    world = World(seed, Settings.lan())
    nodes = [world.add()]
    for _ in range(size - 1):
        world.run(gap_s)
        nodes.append(world.add())
        world.join(nodes[-1], nodes[0])
    newcomer = nodes[-1]
    assert world.run_until(lambda: bool(newcomer.joins), 5.0, 0.001) is not None
    assert newcomer.engine.membership.live_count == size
    return world, nodes


@pytest.mark.parametrize(("size", "gap_s"), [(20, 0.16), (20, 0.02), (50, 0.16), (50, 0.02)])
def test_all_know_all_once_the_last_is_in(size: int, gap_s: float) -> None:
    """However closely they follow each other: no record waits its turn behind those of the others."""
    for seed in (1, 2, 3):
        world, nodes = arrivals(seed, size, gap_s)
        assert world.run_until(lambda nodes=nodes: all_alive(nodes), 5 * LONGEST_TRIP_S, 0.001) is not None  # type: ignore[misc]


def test_newcomer_of_a_large_cluster_tells_some_and_gossip_the_rest() -> None:
    """What one join sends is bounded."""
    world, nodes = arrivals(1, 2 * ANNOUNCE_FANOUT, 0.02)
    newcomer = nodes[-1]
    world.run(2 * LONGEST_TRIP_S)
    knowing = [node for node in nodes[:-1] if node.engine.membership.get(newcomer.id) is not None]
    assert ANNOUNCE_FANOUT <= len(knowing) < len(nodes) - 1
    assert newcomer.sent <= ANNOUNCE_FANOUT + 16
    assert world.run_until(lambda: all_see(nodes, newcomer, Status.ALIVE), 5.0) is not None
