"""Where on the timeline a moment stands. Long stretches in which nothing happened are cut out."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, floor

from simulations.report.wording import DAY_S, HOUR_S, MINUTE_S, clock
from simulations.result import Result

IDLE_SHARE = 0.5
"""A stretch without a moment is cut out where it is more than this share of what is drawn. A partition of a
week has a minute at either end that is worth looking at."""
CUTS_MAX = 4
CUT_WIDTH = 34.0
MARGIN_SHARE = 0.06
"""What stays on either side of a cut, of the time drawn without it."""
TICKS_WANTED = 9
TICK_SPACE = 58.0
"""Least distance of two ticks: a label of eight characters, and air."""
STEPS_S = (
    *(base * scale for scale in (0.001, 0.01, 0.1, 1.0) for base in (1, 2, 5)),
    10, 20, 30, *(minutes * MINUTE_S for minutes in (1, 2, 5, 10, 20, 30)),
    *(hours * HOUR_S for hours in (1, 2, 6, 12)), *(days * DAY_S for days in (1, 2, 7, 30, 365)),
)  # fmt: skip
DRAWN_MIN_S = 1e-9
"""Less is not drawn to scale: a page through next to nothing is more than a float can hold."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the time with its place on the page."""

    begin: float
    end: float
    left: float
    right: float
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Stretches that follow each other without a gap, in time and on the page."""

    stretches: tuple[Stretch, ...]

    def place(self, at: float) -> float:
        """Give the x of a moment; what lies outside the axis is put at its end."""
        index = max(bisect_right([stretch.begin for stretch in self.stretches], at) - 1, 0)
        stretch = self.stretches[index]
        length = stretch.end - stretch.begin
        share = min(max((at - stretch.begin) / length, 0.0), 1.0) if length > 0 else 0.0
        return stretch.left + (stretch.right - stretch.left) * share

    @property
    def width(self) -> float:
        """Give its length on the page."""
        return self.stretches[-1].right - self.stretches[0].left

    @property
    def cuts(self) -> list[Stretch]:
        """Give the stretches that were cut out."""
        return [stretch for stretch in self.stretches if stretch.is_cut]

    def ticks(self) -> list[tuple[float, str]]:
        """Give x and label of each tick, with room between them."""
        drawn = [stretch for stretch in self.stretches if not stretch.is_cut]
        total = sum(stretch.end - stretch.begin for stretch in drawn)
        step = next((step for step in STEPS_S if step * TICKS_WANTED >= total), total / TICKS_WANTED)
        ticks: list[tuple[float, str]] = []
        for stretch in drawn:
            for number in range(ceil(stretch.begin / step), floor(stretch.end / step) + 1):
                x = self.place(number * step)
                if not ticks or x - ticks[-1][0] >= TICK_SPACE:
                    ticks.append((x, clock(number * step)))
        return ticks


def gather_times(run: Result) -> list[float]:
    """Give the moments of a run at which something is to be seen: what happened, and each change of its views."""
    times = [moment.at for moment in run.timeline] + [violation.at for violation in run.violations]
    for before, after in pairwise(run.views):
        if replace(before, at=after.at) != after:
            times.append(after.at)
    return times


def lay_out_time(times: Sequence[float], end: float, left: float, right: float) -> TimeAxis:
    """Lay the time from 0 to `end` out between two x, without the long stretches that hold none of `times`."""
    stops = sorted({0.0, *(min(max(at, 0.0), end) for at in times), max(end, 0.0)})
    cuts = _choose_cuts(stops)
    total = stops[-1] - sum(cut_end - begin for begin, cut_end in cuts)
    scale = (right - left - CUT_WIDTH * len(cuts)) / total if total >= DRAWN_MIN_S else 0.0
    stretches: list[Stretch] = []
    begin, x = 0.0, left
    for cut_begin, cut_end in cuts:
        stretches.append(Stretch(begin, cut_begin, x, x + (cut_begin - begin) * scale))
        x = stretches[-1].right
        stretches.append(Stretch(cut_begin, cut_end, x, x + CUT_WIDTH, is_cut=True))
        begin, x = cut_end, x + CUT_WIDTH
    stretches.append(Stretch(begin, stops[-1], x, right))
    return TimeAxis(tuple(stretches))


def _choose_cuts(stops: Sequence[float]) -> list[tuple[float, float]]:
    """Choose, longest first, what to cut out, in order of time."""
    drawn = stops[-1]
    chosen: list[tuple[float, float]] = []
    for begin, end in sorted(pairwise(stops), key=lambda gap: gap[0] - gap[1])[:CUTS_MAX]:
        rest = drawn - (end - begin)
        if end - begin <= IDLE_SHARE * drawn or rest < DRAWN_MIN_S:
            break
        margin = MARGIN_SHARE * rest
        chosen.append((begin + margin, end - margin))
        drawn = rest + 2 * margin
    return sorted(chosen)
