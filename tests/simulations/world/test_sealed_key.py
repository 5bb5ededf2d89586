"""Rotating the cluster's keys in a world of sealed bytes."""

import pytest

from protocol.error import InvalidRequest
from protocol.refusal import Refusal
from protocol.security.keyring import derive_key_id
from protocol.swim.settings import Settings
from simulations.world import Node, World
from simulations.world.sealed_transport import SealedTransport
from tests.simulations.playbook import all_alive, all_see, failures
from tests.simulations.world.sealed_cluster import sealed_cluster

ALL = (0, 1, 2, 3, 4)


def rotate(world: World, transport: SealedTransport, node: Node) -> bytes:
    """Add a key, and use it as soon as all have shown it; gives the id of the one used before."""
    former = transport.keyring(node).primary
    key_id = transport.add_key(node)
    assert world.run_until(lambda: not transport.keys.not_shown_by(node, key_id), 30.0) is not None
    transport.use_key(node, key_id)
    return former


def test_sealed_key_rotation_reaches_all_under_loss() -> None:
    """Add, use, retire with one in five datagrams lost: nobody falls out, and the old key is gone everywhere."""
    world, transport, nodes = sealed_cluster()
    world.network.loss = 0.2
    former = rotate(world, transport, nodes[1])
    present = transport.keyring(nodes[1]).primary
    assert present != former
    in_use = [transport.keyring(node) for node in nodes]
    assert world.run_until(lambda: {keyring.primary for keyring in in_use} == {present}, 30.0) is not None
    assert transport.key_holders() == {present: ALL, former: ALL}
    transport.retire_key(nodes[2], former)
    assert world.run_until(lambda: transport.key_holders() == {present: ALL}, 30.0) is not None
    world.network.loss = 0.0
    world.run(60.0)
    assert all_alive(nodes)
    assert failures(nodes) == []


def test_sealed_key_is_not_used_before_all_have_shown_it() -> None:
    """One that is away holds it up; the operator may insist."""
    world, transport, nodes = sealed_cluster()
    world.pause(nodes[4], 1.0)
    key_id = transport.add_key(nodes[0], bytes(range(32)))
    assert key_id == derive_key_id(bytes(range(32)))
    world.run(0.5)
    with pytest.raises(InvalidRequest, match="1 of 5 live members have not shown key"):
        transport.use_key(nodes[0], key_id)
    assert transport.key_holders()[key_id] == (0, 1, 2, 3)
    transport.use_key(nodes[0], key_id, force=True)
    world.run(20.0)
    assert {transport.keyring(node).primary for node in nodes} == {key_id}
    assert all_alive(nodes)


def test_sealed_key_survives_a_restart_on_the_disk() -> None:
    """And a member that was away for a rotation comes back by the key it still holds."""
    world, transport, nodes = sealed_cluster()
    world.crash(nodes[4])
    world.run(0.1)
    assert world.run_until(lambda: all_see(nodes[:4], nodes[4], nodes[0].changes[-1].status), 60.0) is not None
    world.run(30.0)
    rotate(world, transport, nodes[0])
    present = transport.keyring(nodes[0]).primary
    world.restart(nodes[4])
    assert transport.keyring(nodes[4]).primary != present
    assert world.run_until(lambda: all_alive(nodes), 60.0) is not None
    assert world.run_until(lambda: transport.keyring(nodes[4]).primary == present, 60.0) is not None
    world.crash(nodes[4])
    world.restart(nodes[4])
    keyring = transport.keyring(nodes[4])
    assert keyring.primary == present
    assert nodes[4].engine.streams.keyring == (keyring.encode_offer(), keyring.digest)


def test_sealed_key_that_was_added_is_soon_shown_by_all() -> None:
    """Who added it asks, instead of waiting until a probe of each comes by."""
    world = World(1, Settings.lan(), transport=SealedTransport)
    nodes = world.cluster(20)
    world.run(20.0)
    transport = world.transport
    assert isinstance(transport, SealedTransport)
    key_id = transport.add_key(nodes[0])
    assert world.run_until(lambda: not transport.keys.not_shown_by(nodes[0], key_id), 3.0) is not None


def test_sealed_key_retired_while_a_member_was_away_locks_it_out() -> None:
    """It holds nothing that the others hold; with a new key file it joins."""
    world, transport, nodes = sealed_cluster()
    world.crash(nodes[4])
    world.run(30.0)
    transport.retire_key(nodes[0], rotate(world, transport, nodes[0]))
    world.run(5.0)
    world.restart(nodes[4])
    world.join(nodes[4], nodes[0])
    world.run(5.0)
    assert nodes[4].joins[-1].refusal is Refusal.UNKNOWN_KEY
    world.crash(nodes[4])
    world.restart(nodes[4], keep_disk=False)
    world.join(nodes[4], nodes[0])
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None


def test_sealed_key_stamped_in_the_far_future_is_refused() -> None:
    """A node whose clock is two days ahead changes only its own keyring."""
    world, transport, nodes = sealed_cluster()
    nodes[3].clock.wall_offset_s = 2 * 86_400.0
    key_id = transport.add_key(nodes[3])
    world.run(20.0)
    assert transport.key_holders()[key_id] == (3,)
    assert transport.keys.counts["refused"] > 0
    assert all_alive(nodes)


def test_sealed_key_is_changed_only_where_a_process_runs() -> None:
    """Nothing is changed on the disk of a dead one."""
    world, transport, nodes = sealed_cluster(2)
    world.crash(nodes[1])
    with pytest.raises(InvalidRequest, match="n1 does not run"):
        transport.add_key(nodes[1])
    assert transport.keyring(nodes[1]).digest == transport.keyring(nodes[0]).digest
