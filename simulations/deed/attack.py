"""What a member does that holds the cluster key and means harm."""

from typing import Literal

from simulations.attack import ATTACKERS, Gauge
from simulations.attack.attacker import FOCUS
from simulations.attack.mask import Mask
from simulations.deed.process import OfNode
from simulations.world import Node, World

AttackKind = Literal["boaster", "equivocator", "flooder", "forger", "liar", "replayer", "slow_stream", "stubborn"]


class Attack(OfNode, frozen=True):
    """Let a member's process speak wrongly for a time."""

    kind: AttackKind
    for_s: float
    pace: float = 100.0
    """Datagrams, or streams, a second."""
    focus: int = FOCUS
    """How many others it is after at a time."""

    def do_to(self, world: World, node: Node) -> None:
        """Begin, if the process runs and does not attack yet; it ends by itself, or with the process."""
        if not node.running or isinstance(node.engine, Mask):
            return
        attacker = ATTACKERS[self.kind](world, node, self.for_s, self.pace, self.focus)
        Gauge.of(world).enter(attacker)
        world.tell("attack", node, self.kind)
        attacker.begin()

    @property
    def lasts_s(self) -> float:
        """As long as it speaks."""
        return self.for_s

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} is a {self.kind.replace('_', ' ')} for {self.for_s:g} s, {self.pace:g} datagrams a second"
