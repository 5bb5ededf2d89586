"""Adds the ladder up per configuration, and sets it beside the paper's table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from simulations.lifeguard.experiment import Outcome

PAPER: dict[str, tuple[int, int]] = {
    "SWIM": (339_002, 1_326),
    "LHA-Probe": (229_574, 436),
    "LHA-Suspicion": (10_174, 89),
    "Buddy": (318_935, 591),
    "Lifeguard": (5_193, 25),
}
"""FP and FP- of the paper's aggregate, alpha 5 and beta 6."""
NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration over the whole ladder."""

    configuration: str
    false_alarms: int
    healthy_false_alarms: int
    datagrams: int
    bytes: int
    false_share: float | None
    """Of the FP of SWIM alone; None where that is 0."""
    healthy_share: float | None
    healthy_interval: tuple[float, float] | None
    """95 % interval of the FP- share, with the cells as the independent samples."""
    datagrams_share: float
    bytes_share: float
    paper_false_share: float | None
    paper_healthy_share: float | None


def add_up(outcomes: Sequence[Outcome], order: Sequence[str]) -> list[Row]:
    """Give a row per configuration, in the given order; the first is what the others are compared with."""
    by_name = {name: [outcome for outcome in outcomes if outcome.configuration == name] for name in order}
    first = by_name[order[0]]
    return [_row(name, by_name[name], first) for name in order if by_name[name]]


def _row(name: str, own: list[Outcome], first: list[Outcome]) -> Row:
    false, healthy = sum(o.false_alarms for o in own), sum(o.healthy_false_alarms for o in own)
    base_false, base_healthy = sum(o.false_alarms for o in first), sum(o.healthy_false_alarms for o in first)
    paper, paper_base = PAPER.get(name), PAPER["SWIM"]
    return Row(
        name,
        false,
        healthy,
        sum(o.datagrams for o in own),
        sum(o.bytes for o in own),
        false / base_false if base_false else None,
        healthy / base_healthy if base_healthy else None,
        _interval(own, first) if base_healthy else None,
        sum(o.datagrams for o in own) / max(1, sum(o.datagrams for o in first)),
        sum(o.bytes for o in own) / max(1, sum(o.bytes for o in first)),
        paper[0] / paper_base[0] if paper else None,
        paper[1] / paper_base[1] if paper else None,
    )


def _interval(own: list[Outcome], first: list[Outcome]) -> tuple[float, float]:
    """Give the 95 % interval of a ratio of sums over paired cells (the delta method for a ratio estimator)."""
    pairs = [(one.healthy_false_alarms, base.healthy_false_alarms) for one, base in zip(own, first, strict=True)]
    base_sum = sum(base for _, base in pairs)
    ratio = sum(one for one, _ in pairs) / base_sum
    count = len(pairs)
    if count < 2:
        return 0.0, 1.0
    spread = sum((one - ratio * base) ** 2 for one, base in pairs) * count / (count - 1)
    half = NORMAL_95 * sqrt(spread) / base_sum
    return max(0.0, ratio - half), ratio + half
