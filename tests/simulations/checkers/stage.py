"""A small world before all checkers, and how what they said is asked for."""

from protocol.swim.settings import Settings
from protocol.wire.message import Claim, Packet
from simulations.checkers import ALL_CHECKERS, Watch
from simulations.world import Node, World


class Stage:
    """A cluster of the lan profile that every checker watches from the first step."""

    def __init__(self, size: int = 5, seed: int = 1, settings: Settings | None = None) -> None:
        self.world = World(seed, settings or Settings.lan())
        self.watch = Watch(self.world, ALL_CHECKERS)
        self.world.watch(self.watch, routine=True)
        self.nodes = self.world.cluster(size)
        """They have known each other for some seconds."""

    def complainers(self) -> set[str]:
        """Give the names of all checkers that reported something; the run is over."""
        return {violation.checker for violation in self.watch.finish()}

    def crash(self, node: Node, run_s: float = 40.0) -> None:
        """Let a node die, and the others find out."""
        self.world.crash(node)
        self.world.run(run_s)

    def hear(self, sender: Node, target: Node, *claims: Claim) -> None:
        """Let a node hear claims in a datagram, without a look at their signatures."""
        packet = Packet((), claims)
        effects = target.engine.handle_packet(target.now(self.world.now), sender.id, packet)
        self.world.do(target, "packet", effects, claims, packet)
