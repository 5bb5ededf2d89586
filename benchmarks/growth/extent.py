"""How much is measured at each size."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extent:
    """Seconds and repetitions. The simulator's idle time is one sync period of its cluster, whatever stands here."""

    settle_s: float
    """Until a cluster counts as idle: its gossip ends, after 10 s Trio's idle threads do, and within two sync intervals
    the syncs of those that met while they grew."""
    idle_s: float
    changes: int
    kills: int
    """At least one member in two outlives them."""

    @classmethod
    def full(cls) -> "Extent":
        """Give what figures are reported with."""
        return cls(60.0, 30.0, 5, 3)

    @classmethod
    def tiny(cls) -> "Extent":
        """Give what shows in half a minute that everything runs; its figures are worth nothing."""
        return cls(0.5, 2.5, 1, 1)

    def kills_of(self, nodes: int) -> int:
        """Give how many of so many members are killed, one after the other."""
        return min(self.kills, max(1, nodes // 5))
