"""A curve as a plot: what was measured, real and simulated, over the number of nodes, and the formula's line."""

from math import exp, log
from typing import TYPE_CHECKING

from benchmarks.growth.curve import Curve, Growth, Row, Source
from simulations.report.drawing import new_figure, render_figure, tell_in_corner
from simulations.report.palette import AMBER, BLUE, MUTED, Colour
from simulations.report.wording import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 300
LINE_POINTS = 120
LOG_FROM = 50.0
"""From this ratio of the largest to the smallest value on only a logarithmic axis shows both."""
AIR = 1.25
LOOKS: dict[Source, tuple[Colour, str]] = {"real": (BLUE, "o"), "simulated": (AMBER, "s")}


def draw_curve(growth: Growth, curve: Curve) -> str:
    """Draw a curve of which something was measured, as one `<svg>` element; inside `open_drawing`."""
    rows = growth.rows(curve)
    drawing = new_figure(HEIGHT)
    axes = drawing.subplots()
    _draw_formula(axes, growth, curve, rows)
    tell_in_corner(axes, 0, "- - formula", MUTED.light)
    for line, source in enumerate((source for source in LOOKS if growth.least(curve, source)), 1):
        _draw_measured(axes, source, [row for row in rows if row.point.source == source])
        tell_in_corner(axes, line, f"{'●' if source == 'real' else '■'} {source}", LOOKS[source][0].light)
    _set_axes(axes, curve, rows)
    said = "; ".join(
        f"{row.point.source} {row.point.nodes:,}: {figure(row.point.figure.median)}, formula {figure(row.expected)}"
        for row in rows
    )
    return render_figure(drawing, curve.key, f"{curve.title} in {curve.unit}, by number of nodes: {said}")


def _draw_measured(axes: "Axes", source: Source, rows: list[Row]) -> None:
    colour, marker = LOOKS[source]
    across = [row.point.nodes for row in rows]
    figures = [row.point.figure for row in rows]
    axes.plot(across, [one.median for one in figures], color=colour.light, marker=marker, markersize=6)
    axes.vlines(across, [one.low for one in figures], [one.high for one in figures], color=colour.light, linewidth=2.5)


def _draw_formula(axes: "Axes", growth: Growth, curve: Curve, rows: list[Row]) -> None:
    """Draw one line where the formula gives a number, and one for each source where it gives only a shape."""
    spans: list[tuple[Source, list[int]]] = [
        (source, [row.point.nodes for row in rows if row.point.source == source]) for source in LOOKS
    ]
    if curve.formula is not None:
        spans = [("real", [row.point.nodes for row in rows])]
    for source, sizes in spans:
        if sizes:
            across = _between(min(sizes), max(sizes))
            up = [curve.expected(nodes, growth.least(curve, source)) for nodes in across]
            axes.plot(across, up, color=MUTED.light, linestyle=(0, (5, 3)))


def _between(low: int, high: int) -> list[int]:
    """Give whole numbers from low to high, evenly on a logarithmic axis."""
    step = (log(high) - log(low)) / LINE_POINTS
    return sorted({round(exp(log(low) + step * index)) for index in range(LINE_POINTS + 1)})


def _set_axes(axes: "Axes", curve: Curve, rows: list[Row]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    sizes = sorted({row.point.nodes for row in rows})
    axes.set_xscale("log")
    axes.set_xlim(sizes[0] / AIR, sizes[-1] * AIR)
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("nodes (logarithmic)")
    values = [value for row in rows for value in (row.point.figure.low, row.point.figure.high, row.expected)]
    if min(values) > 0 and max(values) / min(values) > LOG_FROM:
        axes.set_yscale("log")
        axes.set_ylim(min(values) / AIR, max(values) * AIR)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.set_ylabel(f"{curve.unit} (logarithmic)")
    else:
        axes.set_ylim(0, max(max(values) * AIR, 1e-9))
        axes.set_ylabel(curve.unit)
