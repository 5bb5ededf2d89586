"""What attackers reached once, each with the plan that reached it: none does any more."""

import pytest

from protocol.status import Status
from protocol.wire.message import Claim, PingReq
from simulations.attack.attacker import Attacker
from simulations.run import Run
from simulations.scenarios import SCENARIOS
from simulations.world import Node, World
from tests.simulations.playbook import status

LONG_AGO_S = 10**9


class Puppet(Attacker):
    """An attacker that says only what a test lets it say."""

    kind = "puppet"

    def speak(self) -> None:
        """Say nothing by itself."""


def settled(size: int, seed: int) -> tuple[World, list[Node], Puppet]:
    """Give a settled cluster whose first member is an attacker."""
    world = World(seed)
    nodes = world.settled(size)
    world.run(3.0)
    puppet = Puppet(world, nodes[0], 600.0, 1.0)
    puppet.begin()
    return world, nodes, puppet


@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_charge_that_its_subject_cannot_read_is_refuted_all_the_same(loss: float) -> None:
    """The victim was made to forget the accusers, so it holds no key of theirs; it was held failed for good."""
    world, nodes, puppet = settled(10, 1)
    victim, others = nodes[3], [node for node in nodes[1:] if node is not nodes[3]]
    crowd = [puppet.make_up(index) for index in range(1, 4)]
    for one in crowd:
        goodbye = one.record(one.incarnation + 1, goodbye=True)
        puppet.tell(victim, [Claim(one.record(one.incarnation)), Claim(goodbye, LONG_AGO_S)])
    world.run(1.0)
    for other in others:
        puppet.tell(other, [Claim(one.record(one.incarnation)) for one in crowd])
    world.run(0.5)
    assert victim.engine.public_key(crowd[0].id) is None
    for other in others:
        puppet.tell(other, [Claim(one.accuse(victim.id, victim.engine.local.incarnation)) for one in crowd])
    world.network.loss = loss
    world.run(60.0)
    assert victim.engine.counters.refutations > 0
    assert all(status(other, victim) is Status.ALIVE for other in others)


@pytest.mark.parametrize(("nodes", "seed"), [(10, 1), (13, 4)])
def test_newcomer_is_not_made_to_hold_healthy_members_failed(nodes: int, seed: int) -> None:
    """It was told of old accusations while datagrams were lost, and one lost ping was verdict enough."""
    plan = SCENARIOS["liar"].plan(seed, nodes, {"loss": "0.05"})
    assert Run(plan, SCENARIOS["liar"]).carry_out("").violations == ()


def test_full_pinger_lets_nobody_take_a_name() -> None:
    """A doorkeeper that could not ask the holder took that for silence, and signed against the holder."""
    world, nodes, puppet = settled(5, 1)
    target, victim = nodes[1], nodes[2]
    fill_pinger(world, puppet, target)
    newcomer = world.add(victim.name)
    world.join(newcomer, target)
    world.run(2.0)
    assert newcomer.joins
    assert newcomer.joins[0].peer is None
    assert not target.engine.core.charges(target.now(world.now), victim.id)


def fill_pinger(world: World, puppet: Puppet, target: Node) -> None:
    """Have members that answer nobody asked for, until one more ping could not be sent."""
    silent = puppet.make_up(1_000)
    crowd = [puppet.make_up(index + 1) for index in range(64)]
    for one in crowd:
        puppet.tell(target, [Claim(one.record(one.incarnation))], (), one)
    puppet.tell(target, [Claim(silent.record(silent.incarnation))])
    world.run(0.2)
    pinger = target.engine.pinger
    while not pinger.is_busy:
        pinger.ask(target.now(world.now), silent.id, 30.0, lambda now, answered: None)
    for one in crowd:
        puppet.tell(target, [], (PingReq(world.rng.getrandbits(32), silent.id, 60_000),), one)
    assert pinger.is_busy


def test_name_reuse_after_a_partition_is_an_event_on_both_sides() -> None:
    """Who returned to find its name taken was no `member-conflict` where it had been held failed."""
    for seed, nodes in ((5, 5), (12, 15)):
        assert Run(SCENARIOS["name_reuse"].plan(seed, nodes), SCENARIOS["name_reuse"]).carry_out("").violations == ()


def test_rotation_reaches_all_though_chance_is_against_one() -> None:
    """A keyring was told as often as a claim, and no hash in an ack shows that one member missed it."""
    assert Run(SCENARIOS["key_rotation"].plan(496, 8), SCENARIOS["key_rotation"]).carry_out("").violations == ()


@pytest.mark.parametrize(
    ("scenario", "seed"),
    [("stalled_process", 30), ("stalled_process", 1021), ("slow_member", 7), ("slow_member", 1031)],
)
def test_stalls_neither_accuse_nor_starve(scenario: str, seed: int) -> None:
    """A probe lost its second half to a stall, and a stutter kept every timer from being served."""
    one = SCENARIOS[scenario]
    assert Run(one.plan(seed, one.size(seed)), one).carry_out("").violations == ()
