"""How many members the running nodes of one run held alive, over time."""

from collections.abc import Sequence
from statistics import median_low

from simulations.report.drawing import new_figure, render_figure
from simulations.report.palette import AMBER, BLUE, GREEN, GRID, INK
from simulations.report.time_axis import lay_out_time
from simulations.result import ViewSizes

POINTS_MAX = 600
"""Moments drawn: two thirds of the plot's width in pixels."""
HEIGHT = 300
AXIS_WIDTH = 870.0
"""About what matplotlib leaves of the width for the plot itself."""


def draw_views(views: Sequence[ViewSizes], times: Sequence[float]) -> str:
    """Draw the smallest, median and largest view against the number of nodes that ran.

    `views` is not empty; `times` are the moments around which time is not cut out.
    """
    from matplotlib.ticker import MaxNLocator

    shown = thin_views(views, POINTS_MAX)
    axis = lay_out_time(times, shown[-1].at, 0.0, AXIS_WIDTH)
    at = [axis.place(sizes.at) for sizes in shown]
    smallest = [sizes.smallest for sizes in shown]
    largest = [sizes.largest for sizes in shown]
    drawing = new_figure(HEIGHT)
    axes = drawing.subplots()
    axes.fill_between(at, smallest, largest, step="post", color=BLUE.light, alpha=0.14, linewidth=0)
    axes.step(at, largest, where="post", color=GREEN.light, linewidth=1.4, label="largest view")
    axes.step(at, smallest, where="post", color=AMBER.light, linewidth=1.4, label="smallest view")
    axes.step(at, [sizes.median for sizes in shown], where="post", color=BLUE.light, linewidth=2.2, label="median view")
    running = [sizes.running for sizes in shown]
    axes.step(at, running, where="post", color=INK.light, linestyle=(0, (2, 2)), linewidth=1.6, label="nodes running")
    for cut in axis.cuts:
        axes.axvspan(cut.left, cut.right, facecolor="none", edgecolor=GRID.light, hatch="////", linewidth=0)
    ticks = axis.ticks()
    axes.set_xticks([x for x, _ in ticks], [text for _, text in ticks])
    axes.set_xlim(0, AXIS_WIDTH)
    axes.set_ylim(0, max(1, *largest, *running) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("members held alive")
    axes.set_xlabel("virtual time")
    drawing.legend(loc="outside upper left", ncols=4)
    end = f"At the end {running[-1]} nodes run; views hold {smallest[-1]} to {largest[-1]} members."
    return render_figure(drawing, "views", f"View sizes over time. {end}")


def thin_views(views: Sequence[ViewSizes], points_max: int) -> list[ViewSizes]:
    """Join neighbouring moments until at most `points_max` are left; the extremes of those joined stay."""
    per_point = -(-len(views) // points_max)
    if per_point <= 1:
        return list(views)
    parts = [views[first : first + per_point] for first in range(0, len(views), per_point)]
    return [
        ViewSizes(
            part[0].at,
            part[-1].running,
            min(sizes.smallest for sizes in part),
            median_low(sizes.median for sizes in part),
            max(sizes.largest for sizes in part),
        )
        for part in parts
    ]
