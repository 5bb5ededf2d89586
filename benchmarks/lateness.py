"""How late a node's timers were served, each of them kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from benchmarks.figure import Figure, figure
from node.driver import Lateness


@dataclass(slots=True)
class RecordingLateness(Lateness):
    """Keeps every sample beside the histogram's counts."""

    samples: list[float] = field(default_factory=list)
    """Seconds."""

    def add(self, late_s: float) -> None:
        """Count one timer."""
        Lateness.add(self, late_s)
        self.samples.append(max(0.0, late_s))


def lateness_figures(samples: Sequence[float], where: str = "") -> Iterator[Figure]:
    """Give median, 99th percentile and largest of at least two samples, which are seconds; of fewer, nothing."""
    if len(samples) < 2:
        return
    late_ms = sorted(1e3 * late for late in samples)
    cuts = quantiles(late_ms, n=100, method="inclusive")
    note = f"of {len(late_ms)} timers"
    yield figure(f"timer lateness{where}, median", "ms", [cuts[49]], note=note)
    yield figure(f"timer lateness{where}, 99th percentile", "ms", [cuts[98]], note=note)
    yield figure(f"timer lateness{where}, largest", "ms", [late_ms[-1]], note=note)
