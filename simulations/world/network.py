"""The network: how long what is sent takes in each direction, and whether it arrives.

Conditions add up and are taken away one by one: two cuts of one link need two mendings. Chance comes from
the world's seeded generator, and no draw is made while nothing is wrong but the one for the latency.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

from simulations.world.node import Node

Cut = tuple[frozenset[int], frozenset[int]]
"""Nothing gets from any node of the first set to any of the second."""

RETRANSMIT_FIRST_S = 0.2
"""TCP's shortest retransmission timeout (Linux); doubles with each loss."""
RETRANSMITS_MAX = 8
"""Losses in a row after which a stream counts as broken: 51 s, beyond every stream timeout here."""


class Latency:
    """A distribution of one-way delays, as points (share of packets, seconds) with straight lines between.

    No logarithm or exponential is in it, so that it draws the same on every machine.
    """

    def __init__(self, *points: tuple[float, float]) -> None:
        """Take points with growing shares, the first at 0.0 and the last at 1.0."""
        if len(points) < 2 or points[0][0] != 0.0 or points[-1][0] != 1.0:
            raise ValueError("a latency needs points from share 0.0 to share 1.0")
        self.points = points
        self._pieces = [
            (high, begin, (end - begin) / (high - low), low) for (low, begin), (high, end) in pairwise(points)
        ]

    @classmethod
    def uniform(cls, low_s: float, high_s: float) -> "Latency":
        """Give delays that are equally likely between two bounds."""
        return cls((0.0, low_s), (1.0, high_s))

    @classmethod
    def tail(cls, typical_s: float, longest_s: float) -> "Latency":
        """Give delays around a typical one, of which one in a hundred is much longer."""
        return cls((0.0, typical_s / 2), (0.5, typical_s), (0.99, typical_s * 3), (1.0, longest_s))

    def draw(self, rng: Random) -> float:
        """Draw one delay, seconds."""
        share = rng.random()
        for high, begin, slope, low in self._pieces:
            if share <= high:
                return begin + slope * (share - low)
        return self.points[-1][1]


class Network:
    """Latency, loss, duplicates, disorder and cuts, per direction."""

    def __init__(self, rng: Random, latency: Latency | None = None) -> None:
        self._rng = rng
        self.latency = latency or Latency.uniform(0.0005, 0.002)
        self.counts: Counter[str] = Counter()
        """What was done to packets: `cut`, `lost`, `blocked`, `duplicated`, `delayed`."""
        self._cuts: list[Cut] = []
        self._blocked: dict[int, float] = {}
        self._loss = 0.0
        self._loss_from: Counter[int] = Counter()
        self._loss_to: Counter[int] = Counter()
        self._duplicates = 0.0
        self._disorder = (0.0, 0.0)
        self._calm = True

    @property
    def is_calm(self) -> bool:
        """Whether every packet arrives once, after a draw of the latency."""
        return self._calm

    # --- what is wrong --------------------------------------------------------------------------

    def cut(self, sources: Sequence[Node], targets: Sequence[Node], *, both_ways: bool = True) -> None:
        """Stop everything from each source to each target."""
        self._cuts += _cuts(sources, targets, both_ways)
        self._look()

    def mend(self, sources: Sequence[Node], targets: Sequence[Node], *, both_ways: bool = True) -> None:
        """Undo one such cut."""
        for cut in _cuts(sources, targets, both_ways):
            if cut in self._cuts:
                self._cuts.remove(cut)
        self._look()

    def heal(self) -> None:
        """Undo all cuts."""
        self._cuts.clear()
        self._look()

    def calm(self) -> None:
        """Undo everything that is wrong."""
        self._cuts.clear()
        self._blocked.clear()
        self._loss_from.clear()
        self._loss_to.clear()
        self._loss, self._duplicates, self._disorder, self._calm = 0.0, 0.0, (0.0, 0.0), True

    @property
    def loss(self) -> float:
        """The share of datagrams lost everywhere."""
        return self._loss

    @loss.setter
    def loss(self, share: float) -> None:
        self._loss = share
        self._look()

    def lose(self, node: Node, share: float, *, arriving: bool = True, leaving: bool = True) -> None:
        """Lose a further share of what arrives at a node, or leaves it; a negative share takes it back."""
        change = round(share * 1_000_000)
        for applies, losses in ((arriving, self._loss_to), (leaving, self._loss_from)):
            if applies:
                losses[node.index] += change
                if not losses[node.index]:
                    del losses[node.index]
        self._look()

    def duplicate(self, share: float) -> None:
        """Deliver a share of all datagrams twice."""
        self._duplicates = share
        self._look()

    def disorder(self, share: float, longest_s: float) -> None:
        """Hold a share of all datagrams up by as much as some seconds, so that later ones overtake them."""
        self._disorder = (share, longest_s)
        self._look()

    def block_datagrams(self, node: Node, share: float = 1.0) -> None:
        """Drop all datagrams from and to a node, or a share of them; its streams go on."""
        self._blocked[node.index] = share
        self._look()

    def unblock_datagrams(self, node: Node) -> None:
        """Let them through again."""
        self._blocked.pop(node.index, None)
        self._look()

    def _look(self) -> None:
        self._calm = not (
            self._cuts
            or self._blocked
            or self._loss
            or self._loss_from
            or self._loss_to
            or self._duplicates
            or self._disorder[0]
        )

    # --- what becomes of what is sent -----------------------------------------------------------

    def is_cut(self, source: Node, target: Node) -> bool:
        """Tell whether nothing gets from one to the other."""
        one, other = source.index, target.index
        return any(one in sources and other in targets for sources, targets in self._cuts)

    def _is_blocked(self, source: Node, target: Node) -> bool:
        share = max(self._blocked.get(source.index, 0.0), self._blocked.get(target.index, 0.0))
        return share >= 1.0 or (share > 0.0 and self._rng.random() < share)

    def loss_between(self, source: Node, target: Node) -> float:
        """Give the share of datagrams lost on a way, cuts aside."""
        arriving = 1.0 - min(1.0, self._loss_to[target.index] / 1_000_000)
        leaving = 1.0 - min(1.0, self._loss_from[source.index] / 1_000_000)
        return 1.0 - (1.0 - self._loss) * arriving * leaving

    def datagram_delays(self, source: Node, target: Node) -> tuple[float, ...]:
        """Draw when a datagram arrives: not at all, once, or twice; seconds from now."""
        rng, draw = self._rng, self.latency.draw
        if self._calm:
            return (draw(rng),)
        if self.is_cut(source, target):
            self.counts["cut"] += 1
            return ()
        if self._blocked and self._is_blocked(source, target):
            self.counts["blocked"] += 1
            return ()
        loss = self.loss_between(source, target)
        if loss and rng.random() < loss:
            self.counts["lost"] += 1
            return ()
        delay_s = draw(rng)
        if self._disorder[0] and rng.random() < self._disorder[0]:
            self.counts["delayed"] += 1
            delay_s += rng.random() * self._disorder[1]
        if self._duplicates and rng.random() < self._duplicates:
            self.counts["duplicated"] += 1
            return (delay_s, delay_s + draw(rng))
        return (delay_s,)

    def stream_delay_s(self, source: Node, target: Node) -> float | None:
        """Draw how long bytes of a stream take, retransmissions included; None if they never arrive."""
        if self.is_cut(source, target):
            self.counts["cut"] += 1
            return None
        delay_s, wait_s = self.latency.draw(self._rng), RETRANSMIT_FIRST_S
        if not self._calm:
            loss = self.loss_between(source, target)
            for _ in range(RETRANSMITS_MAX):
                if not loss or self._rng.random() >= loss:
                    return delay_s
                delay_s += wait_s
                wait_s *= 2
            return None if loss else delay_s
        return delay_s


def _cuts(sources: Sequence[Node], targets: Sequence[Node], both_ways: bool) -> list[Cut]:
    one, other = frozenset(node.index for node in sources), frozenset(node.index for node in targets)
    return [(one, other), (other, one)] if both_ways else [(one, other)]
