"""A cluster of one product: its processes, and all they have said."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.compare.hearing import ClusterBroke, Hearing
from benchmarks.compare.loopback import Carried, read_bound_ports, read_carried
from benchmarks.compare.node_process import NodeProcess
from benchmarks.compare.place import Place, open_place
from benchmarks.compare.product import Product, Seat
from benchmarks.compare.story import Story

KEY_SIZE = 32
LISTEN_MAX_S = 60.0
"""For all of a cluster; fifty interpreters on two busy cores take ten."""
LISTEN_LOOK_S = 0.003


class Cluster:
    """Nodes n1, n2 and so on; the others join through the first."""

    def __init__(self, product: Product, node_count: int, directory: Path, place: Place, key: bytes) -> None:
        self.product = product
        self.story = Story()
        self.hearing = Hearing(self.story, product.read)
        self.names = [f"n{number}" for number in range(1, node_count + 1)]
        self.place = place
        seed_port, _ = place.ports(1)
        self._seats = {
            name: Seat(number, *place.ports(number), seed_port, directory, key)
            for number, name in enumerate(self.names, 1)
        }
        self.nodes: dict[str, NodeProcess] = {}
        """The present process of each node, or the last one."""
        self.listening_at: dict[str, float] = {}
        """On the monotonic clock, of the present process."""

    @property
    def up(self) -> list[str]:
        """The names of those that listen, in order of their numbers."""
        return [name for name in self.names if name in self.listening_at]

    def has_http(self, name: str) -> bool:
        """Tell whether a node serves HTTP."""
        return self.product.has_http(self._seats[name].number)

    def start(self) -> float:
        """Start the first node, and when it listens the others at once; the time when the last one listens.

        Raises:
            ClusterBroke: one does not.
            OSError: one cannot be started.
        """
        first, *others = self.names
        self.start_nodes([first])
        return self.start_nodes(others) if others else self.listening_at[first]

    def start_nodes(self, names: Iterable[str]) -> float:
        """Start some nodes, at once; the time when the last of them listens. Raises as `start`."""
        names = list(names)
        with self.place.inside():
            for name in names:
                command, environ = self.product.command(self._seats[name]), self.product.environ()
                self.nodes[name] = NodeProcess(name, command, environ)
        for name in names:
            self.hearing.attend(self.nodes[name])
        if not self.hearing.until(lambda: self._all_listen(names), LISTEN_MAX_S, LISTEN_LOOK_S):
            silent = ", ".join(name for name in names if name not in self.listening_at)
            raise ClusterBroke(f"not within {LISTEN_MAX_S:g} s: {silent} listens on UDP")
        return max(self.listening_at[name] for name in names)

    def _all_listen(self, names: list[str]) -> bool:
        """Look once; who is seen to listen for the first time is up."""
        bound = read_bound_ports(self._inhabitant())
        at = time.monotonic()
        for name in names:
            if name not in self.listening_at and self._seats[name].port in bound:
                self.listening_at[name] = at
                self.story.put_up(name)
        return all(name in self.listening_at for name in names)

    def _inhabitant(self) -> int:
        """Give a process in the cluster's network."""
        return next(node.pid for node in self.nodes.values() if not node.has_ended())

    def read_carried(self) -> Carried:
        """Read what the cluster's network has carried; it is the cluster's alone only if its place is private."""
        return read_carried(self._inhabitant())

    def kill(self, name: str) -> float:
        """Kill -9; the time just before."""
        return self._end(name, signal.SIGKILL)

    def tell_to_leave(self, name: str) -> float:
        """Send the signal upon which a node leaves gracefully; the time just before."""
        return self._end(name, self.product.leave_signal)

    def _end(self, name: str, number: signal.Signals) -> float:
        self.story.put_down(name)
        self.listening_at.pop(name, None)
        return self.nodes[name].send_signal(number)

    def restart(self, name: str) -> tuple[float, float]:
        """Start a killed node again as it was; the times of its exec and of its listening. Raises as `start`."""
        self._clear_away(self.nodes[name])
        listening_at = self.start_nodes([name])
        return self.nodes[name].started_at, listening_at

    def _clear_away(self, node: NodeProcess) -> None:
        self.hearing.leave(node)
        node.close()

    def close(self) -> None:
        """Kill all."""
        for node in self.nodes.values():
            if not node.has_ended():
                node.send_signal(signal.SIGKILL)  # all at once, so that nobody works on the others' failures
        self.hearing.close()
        for node in self.nodes.values():
            node.close()


@contextmanager
def open_cluster(product: Product, node_count: int, *, is_encrypted: bool = True) -> Iterator[Cluster]:
    """Make a cluster whose nodes are still to be started; nothing of it is left when the block ends."""
    key = os.urandom(KEY_SIZE) if is_encrypted else b""
    with TemporaryDirectory(prefix="compare-") as folder, open_place() as place:
        product.prepare(Path(folder), key)
        cluster = Cluster(product, node_count, Path(folder), place, key)
        try:
            yield cluster
        finally:
            cluster.close()
