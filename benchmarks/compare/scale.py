"""How long and how large each part of a comparison is."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds, and counts of nodes."""

    settle_s: float = 12.0
    """From the end of a start to what follows: retransmissions have ended."""
    rest_s: float = 60.0
    """The same before an idle window. memberlist's first push-pulls come 30 to 60 s after a node's start, so a window
    that opens sooner sees none and counts 60 B/s too few."""
    idle_s: float = 30.0
    """One period of Serf's push-pulls (below 32 nodes), so that each node does one in it."""
    pause_s: float = 3.0
    """Between a restart and the leave that follows."""
    hog_nodes: int = 20
    slice_s: float = 60.0
    """A product's turn under load."""
    complete_s: float = 5.0
    """A start that takes longer is late."""
    start_max_s: float = 30.0
    """Beyond `complete_s`; a start that takes longer still is stuck, and counts as that long."""
    detect_max_s: float = 60.0
    return_max_s: float = 30.0
    leave_max_s: float = 30.0

    @classmethod
    def tiny(cls) -> Self:
        """Show that it runs; the figures mean nothing. A node may sleep for two seconds between two probes."""
        return cls(settle_s=1.0, rest_s=1.0, idle_s=2.5, pause_s=0.5, hog_nodes=3, slice_s=2.0)

    def with_idle(self, rest_s: float | None, idle_s: float | None) -> "Scale":
        """Take another rest and another idle window, where they are given."""
        return replace(
            self,
            rest_s=self.rest_s if rest_s is None else rest_s,
            idle_s=self.idle_s if idle_s is None else idle_s,
        )
