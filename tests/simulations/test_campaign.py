"""Random troubles, many seeds: what must always hold holds at each event, and afterwards all views are equal."""

from random import Random

import pytest

from protocol.address import Address
from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from simulations.world import Node, World
from tests.simulations.playbook import all_alive, changes

STEPS = 40
DEEDS = ("crash", "restart", "pause", "cut", "half", "heal", "leave", "join", "force", "prune", "loss", "tags")


def trouble(world: World, nodes: list[Node], rng: Random) -> None:
    """Do one harmful, or helpful, thing."""
    one, other = rng.sample(nodes, 2)
    deed = rng.choice(DEEDS)
    if deed == "restart" and not one.running:
        world.restart(one)
    elif deed == "heal":
        world.network.heal()
    elif deed == "loss":
        world.network.loss = rng.choice([0.0, 0.0, 0.2, 0.5])
    elif deed == "half":
        shuffled = rng.sample(nodes, len(nodes))
        world.network.cut(shuffled[:3], shuffled[3:])
    elif deed == "cut":
        world.network.cut([one], rng.sample(nodes, 3), both_ways=rng.random() < 0.5)
    elif not one.running:
        return
    elif deed == "crash":
        world.crash(one)
    elif deed == "pause" and world.now >= one.paused_until:
        world.pause(one, rng.choice([0.3, 1.0, 5.0, 25.0]))
    elif deed == "leave":
        world.act(one, one.engine.leave(world.now))
    elif deed == "join":
        world.join(one, other)
    elif deed in ("force", "prune"):
        world.act(one, one.engine.force_leave(world.now, other.id, prune=deed == "prune"))
    elif deed == "tags":
        world.act(one, one.engine.set_tags(world.now, {"at": f"{world.now}"}, ()))


def check_story(told: list[Change], starts: list[float]) -> None:
    """One observer's events: incarnations never fall, and nobody rises from the dead without a higher one."""
    held: dict[MemberId, Change] = {}
    for change in told:
        if starts and change.at >= starts[0]:
            starts.pop(0)
            held.clear()
        before = held.get(change.id)
        if before is not None:
            assert change.incarnation >= before.incarnation
            if before.status in (Status.FAILED, Status.LEFT) and change.status in (Status.ALIVE, Status.SUSPECT):
                assert change.incarnation > before.incarnation
        held[change.id] = change


def told(status: Status, incarnation: int) -> Change:
    """Give one event of a story."""
    return Change(ChangeKind.UPDATE, MemberId(bytes(16)), "n", Address("10.0.0.1", 1), incarnation, status, 1.0)


@pytest.mark.parametrize(
    "story",
    [
        [told(Status.ALIVE, 5), told(Status.ALIVE, 4)],
        [told(Status.FAILED, 5), told(Status.ALIVE, 5)],
        [told(Status.LEFT, 5), told(Status.SUSPECT, 5)],
    ],
)
def test_campaign_checker_sees_a_broken_story(story: list[Change]) -> None:
    """Else the campaign would prove nothing."""
    with pytest.raises(AssertionError):
        check_story(story, [])


@pytest.mark.parametrize("seed", range(12))
def test_campaign_after_any_troubles_all_views_are_equal(seed: int) -> None:
    """Seven nodes, forty troubles; then the network is whole, all run, those that left join again."""
    rng = Random(seed)
    world = World(seed, rng.choice([Settings.local(), Settings.lan(), Settings.local(reap_after_s=120.0)]))
    nodes = world.cluster(7)
    starts: dict[int, list[float]] = {node.index: [] for node in nodes}
    for _ in range(STEPS):
        lives = [node.life for node in nodes]
        trouble(world, nodes, rng)
        world.run(rng.choice([0.05, 1.0, 5.0, 20.0, 60.0]))
        for node, life in zip(nodes, lives, strict=True):
            if node.life != life:
                starts[node.index].append(world.now)
            if node.running:
                expected = Status.LEFT if node.engine.local.goodbye else Status.ALIVE
                assert node.engine.own_member.status is expected
                assert len(node.engine.membership) <= len(nodes)
    world.network.heal()
    world.network.loss = 0.0
    world.run(30.0)
    for node in nodes:
        if not node.running:
            starts[node.index].append(world.now)
            world.restart(node)
    for node in nodes:
        if node.engine.local.goodbye:
            world.join(node, nodes[0] if node is not nodes[0] else nodes[1])
            world.run(1.0)
    assert world.run_until(lambda: all_alive(nodes), 90.0) is not None, f"seed {seed}"
    assert not any(node.cloned for node in nodes)
    for node in nodes:
        check_story(node.changes, starts[node.index])
    assert sum(len(changes(node, ChangeKind.FAILED)) for node in nodes) > 0
    assert sum(node.engine.counters.refutations for node in nodes) > 0
