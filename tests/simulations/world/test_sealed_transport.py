"""Sealed datagrams between engines: what every cluster must do, and what becomes of bytes that are not right."""

from random import Random

import pytest

from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.status import Status
from protocol.swim.settings import Settings
from protocol.wire.message import Claim, Packet, Ping
from protocol.wire.statement import Accusation, Record, encode_accusation
from simulations.world import Clock, Node, World
from simulations.world.object_transport import ObjectTransport
from simulations.world.sealed_transport import SealedTransport
from tests.simulations.playbook import all_alive, all_see, failures, status
from tests.simulations.world.sealed_cluster import sealed_cluster, sealed_world

SEALED, INTRODUCTION = 1, 2


def forged(accuser: Node, subject: Node) -> Claim:
    """Accuse in another's name, without its key."""
    incarnation = subject.engine.local.incarnation
    body = encode_accusation(accuser.id, subject.id, incarnation)
    return Claim(Accusation(bytes(64) + body, accuser.id, subject.id, incarnation))


def recorded(transport: SealedTransport) -> list[tuple[Node, Node, bytes]]:
    """Keep all datagrams from now on."""
    seen: list[tuple[Node, Node, bytes]] = []
    transport.tap = lambda source, target, datagram: seen.append((source, target, datagram))
    return seen


def test_sealed_cluster_of_five_joins_and_nothing_is_dropped() -> None:
    """All see all, and every datagram opened."""
    _, transport, nodes = sealed_cluster()
    assert all_alive(nodes)
    assert [node.joins[-1].peer for node in nodes[1:]] == [nodes[0].id] * 4
    assert not transport.drops
    assert sum(node.sent for node in nodes) > 50


def test_sealed_ids_grow_with_the_number() -> None:
    """Nodes sort as they were made."""
    world, _ = sealed_world()
    ids = [world.add().id for _ in range(12)]
    assert ids == sorted(ids)


def test_sealed_crash_is_detected_and_a_restart_comes_back() -> None:
    """With its disk, by itself."""
    world, _, nodes = sealed_cluster()
    world.crash(nodes[4])
    assert world.run_until(lambda: all_see(nodes[:4], nodes[4], Status.FAILED), 30.0) is not None
    world.restart(nodes[4])
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None


def test_sealed_quick_restart_is_heard_at_once() -> None:
    """Peers still hold the former life's keys and counters; the new one introduces itself."""
    world, _, nodes = sealed_cluster()
    world.crash(nodes[4])
    world.run(0.5)
    world.restart(nodes[4])
    assert world.run_until(lambda: all_alive(nodes), 5.0) is not None
    world.run(20.0)
    assert all_alive(nodes)
    assert failures(nodes) == []


def test_sealed_restart_behind_its_former_start_counts_anew() -> None:
    """Without disk and with a clock set back, its datagrams are older than those remembered until it is told."""
    world, transport, nodes = sealed_cluster()
    world.crash(nodes[4])
    nodes[4].clock = Clock(wall_offset_s=-86_400.0)
    world.restart(nodes[4], keep_disk=False)
    world.join(nodes[4], nodes[0])
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None
    stale = transport.drops["replayed"]
    assert stale > 0
    world.run(20.0)
    assert all_alive(nodes)
    assert transport.drops["replayed"] == stale


def test_sealed_goodbye_is_shown_as_left() -> None:
    """And the process may stay, and return."""
    world, _, nodes = sealed_cluster()
    world.leave(nodes[4])
    assert world.run_until(lambda: all_see(nodes[:4], nodes[4], Status.LEFT), 5.0) is not None
    world.join(nodes[4], nodes[0])
    assert world.run_until(lambda: all_alive(nodes), 10.0) is not None


def test_sealed_partition_heals() -> None:
    """Both sides hold the other failed, and find together again."""
    world, _, nodes = sealed_cluster(6)
    world.network.cut(nodes[:3], nodes[3:])
    assert world.run_until(lambda: status(nodes[0], nodes[5]) is Status.FAILED, 60.0) is not None
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 60.0) is not None


def test_sealed_pause_is_outlived_and_what_waited_is_opened() -> None:
    """A short stop of the process costs nobody its place."""
    world, transport, nodes = sealed_cluster()
    world.pause(nodes[2], 1.5)
    world.block(nodes[3], 1.0)
    world.run(20.0)
    assert all_alive(nodes)
    assert failures(nodes) == []
    assert not transport.drops


def test_sealed_loss_duplicates_and_disorder_harm_nobody() -> None:
    """A datagram that comes twice is dropped the second time."""
    world, transport, nodes = sealed_cluster()
    world.network.loss = 0.1
    world.network.duplicate(0.2)
    world.network.disorder(0.2, 0.05)
    world.run(30.0)
    world.network.calm()
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None
    assert transport.drops["replayed"] >= world.network.counts["duplicated"] // 2 > 0


def test_sealed_false_statement_mutes_its_sender_for_a_minute() -> None:
    """The receiver takes nothing of the packet, and nothing of its sender until the minute is over."""
    world, transport, nodes = sealed_cluster()
    evil, target, victim = nodes[4], nodes[0], nodes[2]
    probes = len(target.changes)
    transport.inject(evil, target, Packet((Ping(7),), (forged(nodes[1], victim),)))
    world.run(1.0)
    assert transport.drops["bad_signature"] == world.convictions == 1
    assert world.is_muted(target, evil.id)
    assert [change for change in target.changes[probes:] if change.id == victim.id] == []
    transport.inject(evil, target, Packet((Ping(8),), ()))
    world.run(0.1)
    muted = transport.drops["muted"]
    assert muted > 0
    assert status(nodes[1], victim) is Status.ALIVE
    world.crash(evil)
    world.run(60.0)
    dropped = transport.drops.total()
    transport.inject(evil, target, Packet((Ping(9),), ()))
    world.run(0.1)
    assert transport.drops.total() == dropped


def test_sealed_false_record_in_an_introduction_mutes_nobody() -> None:
    """Whoever holds a cluster key can write any sender's id there."""
    world, transport, nodes = sealed_cluster()
    own = nodes[4].engine.local.record
    false = Record(
        bytes(64) + own.raw[64:], *(getattr(own, name) for name in own.__dataclass_fields__ if name != "raw")
    )
    transport.inject(nodes[4], nodes[0], Packet((Ping(7),), ()), false)
    world.run(0.1)
    assert transport.drops == {"bad_signature": 1}
    assert not world.convictions


def test_sealed_replayed_datagram_is_dropped() -> None:
    """Recorded on the wire and sent again from elsewhere: at its address it is old, elsewhere it does not open."""
    world, transport, nodes = sealed_cluster()
    seen = recorded(transport)
    world.run(3.0)
    transport.tap = None
    source, target, datagram = next(row for row in seen if row[2][1] == SEALED)
    tapper = next(node for node in nodes if node not in (source, target))
    transport.inject_bytes(tapper, target, datagram)
    world.run(0.1)
    assert transport.drops == {"replayed": 1}
    transport.inject_bytes(tapper, next(node for node in nodes if node not in (source, target, tapper)), datagram)
    world.run(0.1)
    assert transport.drops == {"replayed": 1, "not_opened": 1}
    transport.inject_bytes(tapper, source, datagram)
    world.run(0.1)
    assert transport.drops == {"replayed": 1, "not_opened": 1, "own_echo": 1}


def test_sealed_noise_is_dropped_and_counted() -> None:
    """Any bytes: none of them opens, none of them harms."""
    world, transport, nodes = sealed_cluster()
    rng = Random(5)
    for size in (0, 1, 81, 82, 512, 1_400, 1_401):
        transport.inject_bytes(nodes[4], nodes[0], rng.randbytes(size))
        transport.inject_bytes(nodes[4], nodes[0], b"\xd1\x01" + rng.randbytes(size))
    world.run(1.0)
    assert transport.drops.total() == 14
    assert set(transport.drops) <= {"too_short", "too_long", "version", "unknown_sender"}
    assert all_alive(nodes)


def test_sealed_datagrams_reach_whoever_has_the_address() -> None:
    """A dead member's address given to another: what was meant for the first does not open there."""
    world, transport, nodes = sealed_cluster()
    world.crash(nodes[4])
    world.add("other", address=nodes[4].address)
    seen = recorded(transport)
    world.run(20.0)
    assert {target.name for _, target, _ in seen} >= {"other"}
    assert transport.drops["not_opened"] > 0
    assert all_see(nodes[:4], nodes[4], Status.FAILED)


def test_sealed_injection_that_is_too_long_is_refused() -> None:
    """As any sender's would be."""
    _, transport, nodes = sealed_cluster(2)
    claims = tuple(forged(nodes[1], nodes[0]) for _ in range(20))
    with pytest.raises(InvalidRequest, match="a payload of"):
        transport.inject(nodes[1], nodes[0], Packet((), claims))


def test_sealed_twin_is_found_out() -> None:
    """Two processes of one identity, with a keyring each."""
    world, transport, nodes = sealed_cluster(4)
    twin = world.twin(nodes[3], Address("10.9.9.9", 7_000))
    assert transport.keyring(twin) is not transport.keyring(nodes[3])
    assert world.run_until(lambda: nodes[3].cloned or twin.cloned, 30.0) is not None


def views(world: World) -> dict[tuple[int, int], Status | None]:
    """Give what each running node thinks of each, by number."""
    running = [node for node in world.nodes if node.running]
    return {(one.index, other.index): status(one, other) for one in running for other in world.nodes}


def test_sealed_and_objects_end_in_the_same_views() -> None:
    """One plan, both ways: a cluster of five of which one crashes, one leaves and one restarts."""
    ends = []
    for transport in (ObjectTransport, SealedTransport):
        world = World(3, Settings.local(), transport=transport)
        nodes = world.cluster(5)
        world.crash(nodes[4])
        world.leave(nodes[3])
        world.run(2.0)
        world.crash(nodes[2])
        world.run(1.0)
        world.restart(nodes[2])
        world.run(40.0)
        ends.append(views(world))
    assert ends[0] == ends[1]
    assert set(ends[1].values()) == {Status.ALIVE, Status.LEFT, Status.FAILED}
