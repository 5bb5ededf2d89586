"""What each node sent per virtual second: one row per scenario."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulations.report.drawing import SMALL_SIZE, new_figure, render_figure
from simulations.report.palette import BLUE, CARD, INK, MUTED
from simulations.report.scenario_group import SendRates
from simulations.report.wording import figure, printable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS_MAX = 40
"""More than there are scenarios; a row takes 30 units."""
ROW_HEIGHT = 30
FRAME_HEIGHT = 70
NAME_CHARS_MAX = 30
LOG_FROM = 30.0
"""A flooder sends a thousand times what others do; from this ratio on only a logarithmic axis shows both."""


def draw_traffic(scenarios: Sequence[SendRates]) -> str:
    """Draw each scenario's spread: the middle half thick, 1 % to 99 % thin, the median and the most as marks."""
    shown = scenarios[:ROWS_MAX]
    drawing = new_figure(len(shown) * ROW_HEIGHT + FRAME_HEIGHT)
    axes = drawing.subplots()
    _set_scale(axes, shown)
    for row, rates in enumerate(shown):
        _draw_row(axes, row, rates)
    names = [shorten(printable(rates.scenario), NAME_CHARS_MAX) for rates in shown]
    axes.set_yticks(range(len(shown)), names)
    axes.tick_params(axis="y", length=0, labelcolor=INK.light)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    said = "; ".join(f"{rates.scenario} median {figure(rates.spread.median)}" for rates in shown)
    return render_figure(drawing, "traffic", f"Datagrams per node and virtual second, by scenario: {said}")


def _set_scale(axes: "Axes", shown: Sequence[SendRates]) -> None:
    most = max(rates.spread.most for rates in shown)
    least = min((rates.spread.p1 for rates in shown if rates.spread.p1 > 0), default=0.0)
    if least and most / least > LOG_FROM:
        from matplotlib.ticker import FuncFormatter

        axes.set_xscale("log", nonpositive="clip")
        axes.set_xlim(least * 0.8, most * 2)
        axes.set_xlabel("datagrams sent per node and virtual second (logarithmic)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    else:
        axes.set_xlim(0, max(most * 1.1, 0.001))
        axes.set_xlabel("datagrams sent per node and virtual second")


def _draw_row(axes: "Axes", row: int, rates: SendRates) -> None:
    spread = rates.spread
    axes.hlines(row, spread.p1, spread.p99, color=BLUE.light, linewidth=2)
    axes.hlines(row, spread.p25, spread.p75, color=BLUE.light, linewidth=10)
    axes.plot(spread.most, row, marker="|", markersize=9, color=MUTED.light, markeredgewidth=1.5)
    axes.plot(spread.median, row, marker="o", markersize=6, color=CARD.light, markeredgecolor=INK.light)
    axes.annotate(
        f"{figure(spread.median)}",
        (max(spread.most, spread.p99), row),
        (9, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL_SIZE,
        annotation_clip=False,
    )
