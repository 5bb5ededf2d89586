"""Quantiles and distributions of plain lists of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


def quantile(ordered: Sequence[float], share: float) -> float:
    """Give the least value of an ordered, non-empty list up to which a share of it lies.

    Always one that was measured (type 1 of Hyndman and Fan, 1996), so it stands on the steps of the ECDF.
    """
    rank = ceil(round(share * len(ordered), 9))  # 0.99 * 100 may be a hair above 99
    return ordered[max(rank, 1) - 1]


@dataclass(frozen=True, slots=True)
class Spread:
    """What is said of a distribution."""

    count: int
    least: float
    p1: float
    p25: float
    median: float
    p75: float
    p99: float
    most: float


def measure_spread(values: Sequence[float]) -> Spread | None:
    """Measure a distribution; None where there is no value."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(
        count=len(ordered),
        least=ordered[0],
        p1=quantile(ordered, 0.01),
        p25=quantile(ordered, 0.25),
        median=quantile(ordered, 0.5),
        p75=quantile(ordered, 0.75),
        p99=quantile(ordered, 0.99),
        most=ordered[-1],
    )


def draw_ecdf(values: Sequence[float], points_max: int) -> tuple[list[float], list[float]]:
    """Give the steps of the empirical distribution: value, and share of values up to it.

    Of more than `points_max` values, that many evenly spread by rank; the least and the most stay.
    """
    ordered = sorted(values)
    last = len(ordered) - 1
    ranks = range(len(ordered))
    chosen = ranks if len(ordered) <= points_max else sorted({i * last // (points_max - 1) for i in range(points_max)})
    return [ordered[rank] for rank in chosen], [(rank + 1) / len(ordered) for rank in chosen]
