"""A settled cluster, one attacker in it, and what that came to."""

from protocol.swim.settings import Settings
from simulations.attack import ATTACKERS, Attacker, Gauge
from simulations.world import Node, World

ATTACKER = 0
"""The index of the node that attacks."""


class Arena:
    """A world of a few nodes that know each other; the first of them attacks."""

    def __init__(self, kind: str, size: int = 5, *, seed: int = 1, settings: Settings | None = None) -> None:
        self.world = World(seed, settings or Settings.lan())
        self.nodes = self.world.cluster(size)
        self.world.run(3.0)
        self.gauge = Gauge.of(self.world)
        self.kind = kind
        self.attacker: Attacker | None = None

    def attack(self, for_s: float, pace: float) -> Attacker:
        """Let the attacker begin, and its time pass."""
        attacker = self.begin(for_s, pace)
        self.world.run(for_s + 0.1)
        return attacker

    def begin(self, for_s: float, pace: float) -> Attacker:
        """Let the attacker begin."""
        attacker = ATTACKERS[self.kind](self.world, self.nodes[ATTACKER], for_s, pace)
        self.gauge.enter(attacker)
        attacker.begin()
        return attacker

    @property
    def healthy(self) -> list[Node]:
        """All the others."""
        return self.nodes[1:]

    def forgeries_held(self) -> int:
        """Count the rows at healthy nodes that rest on a forged record."""
        forged = self.gauge.forged
        return sum(member.record.raw in forged for node in self.healthy for member in node.engine.membership)
