"""How long it took to hold a dead member failed: one small plot per scenario."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulations.report.drawing import new_figure, render_figure, tell_in_corner
from simulations.report.palette import AMBER, BLUE, INK
from simulations.report.quantile import Spread, draw_ecdf, quantile
from simulations.report.scenario_group import DetectionTimes
from simulations.report.wording import escape, figure, printable, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOTS_MAX = 36
"""Twelve rows of three: more than there are scenarios, and still a page one scrolls."""
COLUMNS = 3
ROW_HEIGHT = 232
POINTS_MAX = 240
"""Steps per curve: a plot is 280 units wide, so more would fall on the same pixel."""
TITLE_CHARS_MAX = 34


def draw_detections(scenarios: Sequence[DetectionTimes]) -> str:
    """Draw the first scenarios' distributions, each in its own plot."""
    shown = scenarios[:PLOTS_MAX]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    drawing = new_figure(rows * ROW_HEIGHT, pad=9)
    grid = drawing.subplots(rows, columns, squeeze=False)
    for place in range(rows * columns):
        axes = grid[place // columns][place % columns]
        if place < len(shown):
            _draw_one(axes, shown[place], is_lowest=place + columns >= len(shown))
        else:
            axes.set_axis_off()
    label = "Distribution of detection times, one plot per scenario: " + "; ".join(map(_say, shown))
    return render_figure(drawing, "detection", label)


def _draw_one(axes: "Axes", times: DetectionTimes, *, is_lowest: bool) -> None:
    title = shorten(printable(times.scenario), TITLE_CHARS_MAX)
    tell_in_corner(axes, 2, title, INK.light)
    axes.texts[-1].set_fontweight("bold")
    series = (
        ("first observer", times.first, times.first_spread, BLUE.light, "-"),
        ("every observer", times.every, times.every_spread, AMBER.light, (0, (4, 1.5))),
    )
    for line, (name, values, spread, colour, dashes) in enumerate(series):
        across, up = draw_ecdf(values, POINTS_MAX)
        axes.step([across[0], *across], [0.0, *up], where="post", color=colour, linestyle=dashes)
        ordered = sorted(values)
        marks = [quantile(ordered, 0.5), quantile(ordered, 0.99)]
        axes.plot(marks, [0.5, 0.99], linestyle="", marker="o", markersize=4.5, color=colour)
        tell_in_corner(axes, 1 - line, f"{name}: {_write(spread)}", colour)
    axes.set_xlim(0, max(times.every_spread.most * 1.04, 0.001))
    axes.set_ylim(0, 1.03)
    axes.set_yticks([0, 0.5, 1], ["0", "half", "all"])
    if is_lowest:
        axes.set_xlabel("virtual seconds since the member died")


def _write(spread: Spread) -> str:
    return f"median {figure(spread.median)} s, p99 {figure(spread.p99)} s"


def _say(times: DetectionTimes) -> str:
    return f"{times.scenario}, first observer {_write(times.first_spread)}, every observer {_write(times.every_spread)}"


def compose_detection_table(scenarios: Sequence[DetectionTimes]) -> str:
    """Write the same distributions as a table."""
    head = "".join(
        f'<th class="number" scope="col">{name}</th>'
        for name in ("deaths", "first: median", "p99", "most", "observations", "every: median", "p99", "most")
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(times.scenario)}</th>'
        f"{_cells(times.first_spread)}{_cells(times.every_spread)}</tr>"
        for times in scenarios
    )
    return (
        '<div class="wide"><table><thead><tr><th scope="col">scenario</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cells(spread: Spread) -> str:
    values = (f"{spread.count:,}", *(f"{figure(value)} s" for value in (spread.median, spread.p99, spread.most)))
    return "".join(f'<td class="number">{value}</td>' for value in values)
