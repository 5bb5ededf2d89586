"""The curves: what is measured at each size of the cluster, and what it is held against."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from math import nan
from typing import Literal

from benchmarks.figure import Figure
from benchmarks.growth import formula
from protocol.swim.settings import Settings

Source = Literal["real", "simulated"]
SETTINGS = Settings.lan()

Found = tuple[str, Figure]
"""A curve's key, and what was measured for it."""
Founds = Generator[Found, None, None]
"""As they come; closed, it ends what it started."""
Formula = Callable[[int, Settings], float]


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity as the cluster grows."""

    key: str
    title: str
    unit: str
    says: str
    """The formula in words and symbols."""
    formula: Formula | None = None
    """None: theory gives no number, only how it grows. Then the smallest size of its source sets the level."""
    falls: bool = False
    """Where there is no formula: whether the level falls with 1/n, or stays."""

    def expected(self, nodes: int, least: "Point | None") -> float:
        """Give the formula's value at a size; `least` is the measured point of the smallest size."""
        if self.formula is not None:
            return self.formula(nodes, SETTINGS)
        if least is None:
            return nan
        return least.figure.median * (least.nodes / nodes if self.falls else 1.0)


@dataclass(frozen=True, slots=True)
class Point:
    """One measured size of one curve."""

    curve: Curve
    source: Source
    nodes: int
    figure: Figure


@dataclass(frozen=True, slots=True)
class Row:
    """A point beside the formula's value there."""

    point: Point
    expected: float

    @property
    def ratio(self) -> float:
        """Measured through expected."""
        return self.point.figure.median / self.expected if self.expected else nan

    def as_json(self) -> dict[str, object]:
        """Give it for a machine to read; there are no infinities in it."""
        point = self.point
        return {
            "source": point.source,
            "nodes": point.nodes,
            **point.figure.as_json(),
            "formula": None if self.expected != self.expected else self.expected,
            "ratio": None if self.ratio != self.ratio else self.ratio,
        }


CURVES = (
    Curve("cpu", "CPU of an idle node, HTTP off", "ms/s", "constant, at the level of the fewest nodes"),
    Curve("rss", "RSS of a node, HTTP off", "MiB", "constant, at the level of the fewest nodes"),
    Curve("pss", "PSS of a node, HTTP off", "MiB", "constant, at the level of the fewest nodes"),
    Curve("simulator-cpu", "the simulator's CPU per idle node", "ms/s", "constant, at the level of the fewest nodes"),
    Curve(
        "simulator-memory",
        "the simulator's memory per node and known member",
        "B",
        "as 1/n, from the level of the fewest nodes: members share records",
        falls=True,
    ),
    Curve(
        "bytes",
        "sent by an idle node, IP headers included",
        "B/s",
        "constant: a ping and an ack per probe interval; and a sync per ten sync periods",
        formula.idle_bytes_per_s,
    ),
    Curve(
        "packets",
        "packets sent by an idle node",
        "1/s",
        "constant: 2 datagrams per probe interval; and a sync's segments per ten sync periods",
        formula.idle_packets_per_s,
    ),
    Curve(
        "suspicion",
        "kill -9 to the first suspicion",
        "s",
        "probe interval / (1 - (1 - 1/(n-1))^(n-1)): e/(e-1) in the limit",
        formula.first_suspicion_s,
    ),
    Curve(
        "first",
        "kill -9 to the first verdict",
        "s",
        "first suspicion + alpha * max(1, log10 n) * probe interval",
        formula.first_verdict_s,
    ),
    Curve("last", "kill -9 to the last verdict", "s", "first verdict + dissemination", formula.last_verdict_s),
    Curve(
        "change",
        "a change of tags to all",
        "s",
        "dissemination: 2 ln n / fan-out * gossip interval",
        formula.dissemination_s,
    ),
)
BY_KEY = {curve.key: curve for curve in CURVES}


class Growth:
    """All that was measured so far."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def add(self, point: Point) -> Row:
        """Take a point; sizes of one source come in growing order."""
        self.points.append(point)
        return self._row(point)

    def rows(self, curve: Curve) -> list[Row]:
        """Give a curve's points, real ones first."""
        return [self._row(point) for point in self._points(curve, "real") + self._points(curve, "simulated")]

    def least(self, curve: Curve, source: Source) -> Point | None:
        """Give the point of the smallest size; None where nothing was measured."""
        return next(iter(self._points(curve, source)), None)

    def _points(self, curve: Curve, source: Source) -> list[Point]:
        mine = [point for point in self.points if point.curve is curve and point.source == source]
        return sorted(mine, key=lambda point: point.nodes)

    def _row(self, point: Point) -> Row:
        return Row(point, point.curve.expected(point.nodes, self.least(point.curve, point.source)))
