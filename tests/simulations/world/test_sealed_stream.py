"""Sealed streams between engines: real handshakes, and each way in which they end."""

import pytest

from protocol.address import Address
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.keyring import Keyring
from protocol.swim.effect import Dial, JoinEnded, StreamClose
from simulations.world import EPOCH_MS, Node, World
from tests.simulations.playbook import all_alive, all_see
from tests.simulations.world.sealed_cluster import sealed_cluster

ELSEWHERE = Address("10.9.9.9", 7_000)


def join(world: World, newcomer: Node, seed: Node) -> JoinEnded:
    """Join, and wait for the end."""
    ended = len(newcomer.joins)
    world.join(newcomer, seed)
    assert world.run_until(lambda: len(newcomer.joins) > ended, 130.0) is not None
    return newcomer.joins[-1]


def stranger(world: World, keyring: Keyring) -> Node:
    """Start a node with another key file."""
    node = world.add("stranger")
    world.crash(node)
    node.disk.keyring = keyring
    world.restart(node)
    return node


def test_sealed_streams_all_end() -> None:
    """What was opened for joins and syncs is closed at both ends, in order."""
    world, transport, nodes = sealed_cluster()
    world.run(600.0)
    assert [transport.open_streams(node) for node in nodes] == [0] * 5
    assert set(transport.streams.handshakes) == {"ok"}
    assert transport.streams.handshakes["ok"] >= 16


def test_sealed_name_in_use_is_refused_at_both_ends() -> None:
    """The responder's word reaches the newcomer under the seal."""
    world, transport, nodes = sealed_cluster()
    newcomer = world.add("n3", address=ELSEWHERE)
    assert join(world, newcomer, nodes[0]).refusal is Refusal.NAME_IN_USE
    world.run(1.0)
    assert transport.streams.handshakes["name_in_use"] == 2
    assert all_see(nodes, newcomer, None)
    assert all_alive(nodes)


def test_sealed_wrong_cluster_key_never_joins() -> None:
    """Its hello is not read; it is told so in clear, and no datagram of its opens."""
    world, transport, nodes = sealed_cluster()
    own = transport.keyring(nodes[0])
    newcomer = stranger(world, Keyring.from_keys(own.cluster_id, [(EPOCH_MS, bytes(32))], 0, EPOCH_MS))
    for _ in range(3):
        assert join(world, newcomer, nodes[0]).refusal is Refusal.UNKNOWN_KEY
    world.run(60.0)
    assert all_see([*nodes, newcomer], newcomer, None)
    assert len(newcomer.engine.membership) == 1
    assert all_alive(nodes)


def test_sealed_other_cluster_with_the_same_key_never_joins() -> None:
    """The id of the cluster is part of what is sealed."""
    world, transport, nodes = sealed_cluster()
    own = transport.keyring(nodes[0])
    key = own.key_for(own.primary)
    assert key is not None
    other = Keyring.generate(EPOCH_MS, bytes)
    newcomer = stranger(world, Keyring.from_keys(other.cluster_id, [(EPOCH_MS, key)], 0, EPOCH_MS))
    assert join(world, newcomer, nodes[0]).refusal is Refusal.CLUSTER_MISMATCH
    assert all_see(nodes, newcomer, None)


def test_sealed_own_echo_is_told() -> None:
    """A node that joins through its own address meets itself."""
    world, transport, nodes = sealed_cluster(2)
    ended = join(world, nodes[1], nodes[1])
    assert ended.own_echo
    assert ended.refusal is None
    assert transport.open_streams(nodes[1]) == 0


def test_sealed_dial_to_a_dead_process_is_refused_and_to_a_cut_one_times_out() -> None:
    """As a socket would say."""
    world, _, nodes = sealed_cluster(3)
    world.crash(nodes[2])
    assert join(world, nodes[1], nodes[2]).reason == "connection refused"
    newcomer = world.add()
    world.network.cut([newcomer], [nodes[0]])
    began = world.now
    assert join(world, newcomer, nodes[0]).reason == "timed out"
    assert world.now - began >= newcomer.settings.stream_timeout_s


@pytest.mark.parametrize("after_s", [0.0005, 0.002, 0.004, 0.006, 0.008, 0.010, 0.011])
def test_sealed_crash_of_a_seed_ends_the_join(after_s: float) -> None:
    """Whatever had been said by then: while connecting, in the handshake, or behind it."""
    world, transport, nodes = sealed_cluster(2)
    newcomer = world.add()
    world.join(newcomer, nodes[0])
    world.run(after_s)
    world.crash(nodes[0])
    assert world.run_until(lambda: bool(newcomer.joins), 10.0) is not None
    assert newcomer.joins[-1].peer is None
    assert newcomer.joins[-1].reason in {
        "connection refused",
        "the peer broke the connection during the handshake",
        "the connection broke",
    }
    assert transport.open_streams(newcomer) == 0


def test_sealed_process_that_stands_still_is_given_up() -> None:
    """The kernel accepts for it, and nobody answers the hello."""
    world, transport, nodes = sealed_cluster(2)
    newcomer = world.add()
    timeout_s = newcomer.settings.stream_timeout_s
    world.pause(nodes[0], 3 * timeout_s)
    assert join(world, newcomer, nodes[0]).reason == f"the peer did not finish the handshake within {timeout_s:g} s"
    world.run(3 * timeout_s)
    assert transport.open_streams(nodes[0]) == 0
    assert join(world, newcomer, nodes[0]).peer == nodes[0].id


@pytest.mark.parametrize("after_s", [0.002, 0.004, 0.006, 0.008])
@pytest.mark.parametrize("is_dialler_deaf", [False, True])
def test_sealed_stream_cut_midway_ends_at_both_ends(after_s: float, is_dialler_deaf: bool) -> None:
    """Silence is not waited for without end, on whichever side it is."""
    world, transport, nodes = sealed_cluster(2)
    newcomer = world.add()
    world.join(newcomer, nodes[0])
    world.run(after_s)
    ends = ([nodes[0]], [newcomer]) if is_dialler_deaf else ([newcomer], [nodes[0]])
    world.network.cut(*ends, both_ways=False)
    assert world.run_until(lambda: bool(newcomer.joins), 10.0) is not None
    world.run(20.0)
    world.network.heal()
    world.run(10.0)
    assert transport.open_streams(newcomer) == transport.open_streams(nodes[0]) == 0


def test_sealed_other_member_than_the_one_dialled_is_left() -> None:
    """The dialler says who it wants, and the other proves that it is not."""
    world, transport, nodes = sealed_cluster(3)
    transport.dial(nodes[0], Dial(999, nodes[1].id, nodes[2].address, Purpose.SYNC))
    world.run(1.0)
    assert transport.streams.handshakes["failed"] == 2
    assert all_alive(nodes)


@pytest.mark.parametrize("after_s", [0.001, 0.003, 0.005, 0.006, 0.007])
def test_sealed_stream_closed_before_it_is_open_ends_at_both_ends(after_s: float) -> None:
    """Within the handshake's time and the peer's patience; nobody waits for a word on it longer than that."""
    world, transport, nodes = sealed_cluster(2)
    transport.dial(nodes[0], Dial(999, nodes[1].id, nodes[1].address, Purpose.SYNC))
    world.run(after_s)
    transport.hang_up(nodes[0], StreamClose(999))
    assert transport.open_streams(nodes[0]) == 0
    world.run(2.5 * nodes[0].settings.stream_timeout_s)
    assert transport.open_streams(nodes[1]) == 0
    assert all_alive(nodes)


def test_sealed_streams_beyond_what_a_node_serves_end_early() -> None:
    """Of eighty joins in one moment those beyond 64 take the places of the eldest, or hear that it is busy."""
    world, transport, nodes = sealed_cluster(1)
    crowd = [world.add() for _ in range(80)]
    for newcomer in crowd:
        world.join(newcomer, nodes[0])
    world.run(10.0)
    handshakes = transport.streams.handshakes
    refused = handshakes["displaced"] + handshakes["busy"]
    assert refused > 0
    assert sum(newcomer.joins[-1].peer is not None for newcomer in crowd) >= 64 - refused
    assert transport.open_streams(nodes[0]) == 0


def test_sealed_streams_survive_loss() -> None:
    """TCP sends again what is lost, so all join under a loss of one in five."""
    world, _, nodes = sealed_cluster(1)
    world.network.loss = 0.2
    nodes += [world.add() for _ in range(4)]
    for node in nodes[1:]:
        world.join(node, nodes[0])
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None


def test_sealed_process_whose_messages_stand_still_goes_on_later() -> None:
    """Both ways, in order, once they move again."""
    world, transport, nodes = sealed_cluster(2)
    newcomer = world.add()
    world.join(newcomer, nodes[0])
    world.run(0.003)
    world.block(newcomer, 0.6)
    world.block(nodes[0], 0.3)
    assert world.run_until(lambda: bool(newcomer.joins), 10.0) is not None
    assert newcomer.joins[-1].peer == nodes[0].id
    assert world.now > 5.6
    world.run(2.0)
    assert transport.open_streams(nodes[0]) == 0
