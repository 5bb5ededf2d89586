"""Clusters whose messages are sealed, for the tests of this folder."""

from protocol.swim.settings import Settings
from simulations.world import Node, World
from simulations.world.sealed_transport import SealedTransport


def sealed_world(seed: int = 1) -> tuple[World, SealedTransport]:
    """Give an empty world of the local profile, and what carries its messages."""
    world = World(seed, Settings.local(), transport=SealedTransport)
    transport = world.transport
    assert isinstance(transport, SealedTransport)
    return world, transport


def sealed_cluster(size: int = 5, seed: int = 1) -> tuple[World, SealedTransport, list[Node]]:
    """Give a settled cluster too."""
    world, transport = sealed_world(seed)
    return world, transport, world.cluster(size)
