"""Where a cluster lives: in a network of its own, else on free ports of this machine."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from benchmarks.compare.private_network import PrivateNetwork, why_no_network
from simulations.processes.port_block import free_port

FIRST_PORT = 20_000


class Place:
    """Two ports for each node."""

    def __init__(self, network: PrivateNetwork | None) -> None:
        self._network = network
        self._ports: dict[int, tuple[int, int]] = {}

    @property
    def is_private(self) -> bool:
        """Whether all that its loopback carries is the cluster's."""
        return self._network is not None

    def ports(self, number: int) -> tuple[int, int]:
        """Give a node's ports, the same each time: the cluster's and the other."""
        if number not in self._ports:
            first = FIRST_PORT + 2 * number
            self._ports[number] = (first, first + 1) if self.is_private else (free_port(), free_port())
        return self._ports[number]

    def inside(self) -> AbstractContextManager[None]:
        """Be there, for the processes that are started while the block lasts."""
        return self._network.inside() if self._network is not None else nullcontext()


@contextmanager
def open_place() -> Iterator[Place]:
    """Make a place for one cluster."""
    if why_no_network():
        yield Place(None)
        return
    with PrivateNetwork() as network:
        yield Place(network)
