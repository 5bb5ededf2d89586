"""Each part of Lifeguard, and what is ours beyond it, changes something when it is switched off."""

from dataclasses import replace
from math import log10

import pytest

from protocol.status import Status
from protocol.swim.deadline import Timer
from protocol.swim.settings import Settings
from protocol.wire.message import Packet
from protocol.wire.statement import Accusation
from simulations.world import Node, World
from tests.protocol.swim.bench import ME, started, tell
from tests.protocol.wire.sample import author
from tests.simulations.playbook import accusation, failures, lan_cluster, status


def verdict_after_s(settings: Settings, accusers: int) -> float:
    """Let some of eleven others accuse one; tell how long it has."""
    people = [author(index) for index in range(2, 13)]
    engine = started(ME, replace(settings, second_look=False), *(who.record(5) for who in people))
    victim = people[0]
    for accuser in people[1 : 1 + accusers]:
        tell(engine, 0.0, accuser.accuse(victim.id, 5))
    deadline = engine.core.timers.deadline(Timer.SUSPICION, victim.id)
    assert deadline is not None
    return deadline


def test_lifeguard_suspicion_shrinks_with_confirmations() -> None:
    """Twelve alive: 25.9 s alone, 4.3 s with two that confirm; without it 4.3 s whoever confirms."""
    shortest = 4 * log10(12)
    assert verdict_after_s(Settings.lan(), 1) == pytest.approx(6 * shortest)
    assert shortest < verdict_after_s(Settings.lan(), 2) < 6 * shortest
    assert verdict_after_s(Settings.lan(), 3) == pytest.approx(shortest)
    assert verdict_after_s(Settings.lan(), 9) == pytest.approx(shortest)
    assert verdict_after_s(Settings.lan(lha_suspicion=False), 1) == pytest.approx(shortest)


def isolate(settings: Settings) -> tuple[World, list[Node]]:
    """Cut one of eight off for 40 s."""
    world, nodes = lan_cluster(8, settings=settings)
    world.network.cut(nodes[:1], nodes[1:])
    world.run(40.0)
    return world, nodes


def test_lifeguard_probe_slows_one_that_doubts_itself() -> None:
    """With local health a cut-off node probes less, and fails fewer of the healthy."""
    _, doubting = isolate(Settings.lan())
    _, sure = isolate(Settings.lan(lha_probe=False))
    assert doubting[0].engine.core.awareness.score > 0
    assert sure[0].engine.core.awareness.score == 0
    assert doubting[0].engine.counters.probe_failures < sure[0].engine.counters.probe_failures
    assert len(failures(doubting[:1])) < len(failures(sure[:1]))


def charges_on_pings(settings: Settings) -> bool:
    """Tell whether an accused member hears the accusation with the next ping that comes to it."""
    world, nodes = lan_cluster(3, settings=settings)
    judge, victim = nodes[0], nodes[2]
    charge = accusation(nodes[1], victim, victim.engine.local.incarnation)
    judge.engine.handle_packet(world.now, nodes[1].id, Packet((), (charge,)))
    judge.engine.core.rumors.drop(victim.id)
    member = judge.engine.membership.get(victim.id)
    assert member is not None
    judge.engine.prober._begin(world.now, victim.id, 1)
    packets = [effect.packet for effect in judge.engine.core.drain() if hasattr(effect, "packet")]
    return any(isinstance(claim.statement, Accusation) for packet in packets for claim in packet.claims)


def test_lifeguard_buddy_tells_the_accused_with_the_ping() -> None:
    """Switched off, it is left to gossip."""
    assert charges_on_pings(Settings.lan())
    assert not charges_on_pings(Settings.lan(buddy=False))


def test_stream_fallback_switched_off_fails_one_whose_datagrams_are_blocked() -> None:
    """Plain SWIM knows datagrams only."""
    world, nodes = lan_cluster(4, settings=Settings.lan(stream_fallback=False))
    world.network.block_datagrams(nodes[3])
    assert world.run_until(lambda: status(nodes[0], nodes[3]) is Status.FAILED, 60.0) is not None


def test_lifeguard_fails_fewer_healthy_members_than_swim_under_stress() -> None:
    """Three of ten are cut off for 8 s and free for 1 s, again and again: the paper's experiment, small."""
    counts = []
    for settings in (
        Settings.lan(suspicion_alpha=5),
        Settings.lan(suspicion_alpha=5, lha_probe=False, lha_suspicion=False, buddy=False),
    ):
        world, nodes = lan_cluster(10, settings=settings)
        for _ in range(10):
            world.network.cut(nodes[:3], nodes)
            world.run(8.0)
            world.network.heal()
            world.run(1.0)
        counts.append(len([c for c in failures(nodes) if c.id not in {node.id for node in nodes[:3]}]))
    lifeguard, swim = counts
    assert swim > 0
    assert lifeguard < swim / 4
