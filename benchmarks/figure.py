"""A figure: a median with its spread, a unit, and the target it is held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a report. Low and high are the quartiles of the samples, or their ends below four."""

    name: str
    unit: str
    median: float
    low: float
    high: float
    sample_count: int
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the median keeps to the target; None without one."""
        if self.at_most is not None:
            return self.median <= self.at_most
        return None if self.at_least is None else self.median >= self.at_least

    def as_json(self) -> dict[str, Any]:
        """Give it for a machine to read."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "low": self.low,
            "high": self.high,
            "sample_count": self.sample_count,
            "at_most": self.at_most,
            "at_least": self.at_least,
            "is_met": self.is_met,
            "note": self.note,
        }


def figure(
    name: str,
    unit: str,
    samples: Sequence[float],
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    note: str = "",
) -> Figure:
    """Make a figure of at least one sample."""
    if len(samples) < 4:
        low, high = min(samples), max(samples)
    else:
        low, _, high = quantiles(samples, n=4)
    return Figure(name, unit, median(samples), low, high, len(samples), at_most, at_least, note)


def format_figures(figures: Sequence[Figure]) -> str:
    """Lay figures out as lines: name, median, unit, spread, target."""
    width = max(len(one.name) for one in figures)
    return "\n".join(_format(one, width) for one in figures)


def _format(one: Figure, width: int) -> str:
    spread = f"[{_number(one.low)} .. {_number(one.high)}] of {one.sample_count}" if one.sample_count > 1 else ""
    line = f"{one.name:<{width}}  {_number(one.median):>10} {one.unit:<10} {spread:<28}"
    target = one.at_most if one.at_most is not None else one.at_least
    if target is not None:
        sign = "<=" if one.at_most is not None else ">="
        line += f" target {sign} {_number(target)}: {'met' if one.is_met else 'MISSED'}"
    return f"{line}  {one.note}".rstrip()


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"
