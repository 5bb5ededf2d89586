"""All readings of a run, and what they say: medians, spreads, ratios, and whether an aim is met."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.compare.row import ROWS, Row
from benchmarks.figure import Figure, figure

OURS = "shoal"


@dataclass(frozen=True, slots=True)
class Held:
    """Our figure held against a peer's."""

    ratio: float | None
    """Ours / theirs; None for counts, and where theirs is 0."""
    aim: str
    """Such as "<= 0.8"; empty without one."""
    is_met: bool | None
    """None without an aim."""

    def as_json(self) -> dict[str, Any]:
        """Give it for a machine to read."""
        return {"ratio": self.ratio, "aim": self.aim, "is_met": self.is_met}


@dataclass(frozen=True, slots=True)
class Line:
    """One row for one size of cluster."""

    row: Row
    node_count: int
    figures: Mapping[str, Figure]
    """By product; who did not give it is not there. Of a count, the median is the sum."""
    samples: Mapping[str, Sequence[float]]
    held: Mapping[str, Held]
    """By peer."""

    def as_json(self) -> dict[str, Any]:
        """Give it for a machine to read."""
        return {
            "key": self.row.key,
            "our_key": self.row.our_key,
            "title": self.row.title,
            "unit": self.row.unit,
            "stage": self.row.stage,
            "is_count": self.row.is_count,
            "node_count": self.node_count,
            "figures": {product: one.as_json() for product, one in self.figures.items()},
            "samples": {product: list(samples) for product, samples in self.samples.items()},
            "against": {peer: held.as_json() for peer, held in self.held.items()},
        }


class Tally:
    """Readings by product and size of cluster."""

    def __init__(self, products: Sequence[str]) -> None:
        self._products = products
        self._samples: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, product: str, node_count: int, readings: Mapping[str, float]) -> None:
        """Take what one cluster gave."""
        for key, value in readings.items():
            self._samples[product, node_count][key].append(value)

    @property
    def node_counts(self) -> list[int]:
        """The sizes of clusters there were, the smallest first."""
        return sorted({node_count for _, node_count in self._samples})

    def lines(self, node_count: int) -> list[Line]:
        """Give the rows of which something was measured, in their order."""
        return [line for row in ROWS if (line := self._line(row, node_count)).figures]

    def _line(self, row: Row, node_count: int) -> Line:
        samples = {
            product: values
            for product in self._products
            if (values := self._values(product, node_count, row.our_key if product == OURS else row.key))
        }
        if row.stage == "plain" and {*samples} == {OURS}:
            samples = {}  # nothing to be held against
        figures = {product: _figure(row, values) for product, values in samples.items()}
        held = {
            peer: hold(row, node_count, peer, figures[OURS], figures[peer])
            for peer in figures
            if peer != OURS and OURS in figures
        }
        return Line(row, node_count, figures, samples, held)

    def _values(self, product: str, node_count: int, key: str) -> list[float]:
        return self._samples.get((product, node_count), {}).get(key, [])


def _figure(row: Row, samples: Sequence[float]) -> Figure:
    if not row.is_count:
        return figure(row.title, row.unit, samples)
    total = sum(samples)
    return Figure(row.title, row.unit, total, total, total, len(samples))


def hold(row: Row, node_count: int, peer: str, ours: Figure, theirs: Figure) -> Held:
    """Hold our figure against a peer's."""
    if row.is_count:
        if row.is_to_be_none:
            return Held(None, "0, and no more", ours.median == 0 and ours.median <= theirs.median)
        return Held(None, "no more", ours.median <= theirs.median) if row.is_to_be_no_more else Held(None, "", None)
    ratio = ours.median / theirs.median if theirs.median else None
    at_most = row.at_most.get(peer)
    if at_most is None or ratio is None or (row.node_counts and node_count not in row.node_counts):
        return Held(ratio, "", None)
    return Held(ratio, f"<= {at_most:g}", ratio <= at_most)
