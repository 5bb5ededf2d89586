"""How long and how large each part of a comparison is."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds, and counts of nodes."""

    settle_s: float = 12.0
    """From the end of a start to the idle window: retransmissions have ended."""
    idle_s: float = 20.0
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
        """Show that it runs; the figures mean nothing."""
        return cls(settle_s=1.0, idle_s=1.0, pause_s=0.5, hog_nodes=3, slice_s=2.0)

    def with_idle(self, idle_s: float | None) -> "Scale":
        """Take another idle window, if one is given."""
        return self if idle_s is None else replace(self, idle_s=idle_s)
