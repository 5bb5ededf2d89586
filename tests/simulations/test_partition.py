"""Partitions of any length heal by themselves (defects 3, 4 and 5 of the project's list)."""

import pytest

from protocol.status import Status
from protocol.swim.settings import Settings
from simulations.world import World
from tests.simulations.playbook import HOUR_S, all_alive, all_see, lan_cluster, local_cluster, sent, status

RETRY_CAP_S = 60.0
"""The longest pause between two tries at a contact that is off the list, at an interval of 1 s."""


@pytest.mark.parametrize("size", [2, 3, 6])
@pytest.mark.parametrize("seed", [1, 2])
def test_defect_04_partition_of_a_minute_heals_within_30_s(size: int, seed: int) -> None:
    """Each half holds the other failed; then one cluster again, in one view."""
    world, nodes = local_cluster(size, seed)
    left, right = nodes[: size // 2], nodes[size // 2 :]
    world.network.cut(left, right)
    world.run(60.0)
    assert all(all_see(left, node, Status.FAILED) for node in right)
    assert all(all_see(right, node, Status.FAILED) for node in left)
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None
    world.run(30.0)
    assert all_alive(nodes)


def test_defect_04_partition_of_sixty_heals_in_seconds_and_nobody_thinks_it_stalled() -> None:
    """A confirmation that came late was once taken for lateness of our own: 60 nodes then took 41 s, not 5."""
    world, nodes = lan_cluster(60)
    world.network.cut(nodes[:30], nodes[30:])
    world.run(60.0)
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 15.0) is not None
    assert sum(node.engine.counters.stalls for node in nodes) == 0


def test_defect_04_partition_of_an_hour_heals_within_30_s() -> None:
    """Still on the list as failed."""
    world, nodes = local_cluster(4)
    world.network.cut(nodes[:2], nodes[2:])
    world.run(HOUR_S)
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None


def test_defect_04_partition_of_25_hours_heals_though_both_were_reaped() -> None:
    """Off the list, never out of the address book."""
    world, nodes = local_cluster(2)
    world.network.cut(nodes[:1], nodes[1:])
    world.run(25 * HOUR_S)
    assert status(nodes[0], nodes[1]) is None
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), RETRY_CAP_S + 30.0) is not None


def test_defect_04_halves_that_reaped_each_other_heal() -> None:
    """Eight nodes and a reap time of ten minutes: each is told by the other half that it was forgotten."""
    world, nodes = local_cluster(8, settings=Settings.local(reap_after_s=600.0))
    world.network.cut(nodes[:4], nodes[4:])
    world.run(1_500.0)
    assert all(all_see(nodes[:4], node, None) for node in nodes[4:])
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), RETRY_CAP_S + 30.0) is not None


def test_defect_03_all_five_crash_and_restart_from_disks_without_join() -> None:
    """Kill -9 of all at once."""
    world, nodes = local_cluster(5)
    for node in nodes:
        world.crash(node)
    world.run(1.0)
    for node in nodes:
        world.restart(node)
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None


def test_healed_cluster_comes_to_rest() -> None:
    """A minute after healing no sync is started by differing views, and traffic is that of probes."""
    world, nodes = local_cluster(6)
    world.network.cut(nodes[:3], nodes[3:])
    world.run(60.0)
    world.network.heal()
    world.run(60.0)
    packets, syncs = sent(nodes), sum(node.engine.counters.syncs for node in nodes)
    world.run(60.0)
    assert sent(nodes) - packets <= 6 * 60 * 2 + 60
    assert sum(node.engine.counters.syncs for node in nodes) - syncs <= 6 * (60 / 7.5 + 1)


def test_flapping_partition_ends_in_one_view() -> None:
    """Cut and healed every 10 s for five minutes, at other places each time."""
    world, nodes = local_cluster(6)
    for turn in range(30):
        if turn % 2:
            world.network.heal()
        else:
            middle = 1 + turn % 5
            world.network.cut(nodes[:middle], nodes[middle:])
        world.run(10.0)
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 60.0) is not None


def test_loss_of_a_third_of_all_datagrams_fails_nobody() -> None:
    """Relays, a second ping and the stream make up for it."""
    world = World(2, Settings.lan())
    nodes = world.cluster(8)
    world.network.loss = 0.33
    world.run(300.0)
    assert not [change for node in nodes for change in node.changes if change.status is Status.FAILED]


def test_defect_03_fifty_joins_through_one_seed_at_once() -> None:
    """All see all within ten seconds, and every join ends well."""
    world = World(3, Settings.lan())
    nodes = [world.add() for _ in range(50)]
    for node in nodes[1:]:
        world.join(node, nodes[0])
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None
    assert all(node.joins[-1].peer == nodes[0].id for node in nodes[1:])
    world.run(60.0)
    assert not [change for node in nodes for change in node.changes if change.status is Status.FAILED]
