"""How much is measured at each size."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extent:
    """Seconds and repetitions; those of the simulator are virtual."""

    settle_s: float
    """Until a cluster counts as idle: its gossip ends, and after 10 s Trio's idle threads."""
    idle_s: float
    changes: int
    kills: int
    """At least one member in two outlives them."""
    simulated_settle_s: float
    simulated_cpu_s: float
    """Without anybody watching."""
    simulated_wire_s: float
    """While every datagram is measured."""

    @classmethod
    def full(cls) -> "Extent":
        """Give what figures are reported with."""
        return cls(15.0, 30.0, 5, 3, 5.0, 10.0, 30.0)

    @classmethod
    def tiny(cls) -> "Extent":
        """Give what shows in half a minute that everything runs; its figures are worth nothing."""
        return cls(0.5, 1.0, 1, 1, 1.0, 2.0, 4.0)

    def kills_of(self, nodes: int) -> int:
        """Give how many of so many members are killed, one after the other."""
        return min(self.kills, max(1, nodes // 5))
