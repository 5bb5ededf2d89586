"""One figure as a plot: for each size of cluster the products side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.compare.tally import Line
from simulations.report.drawing import UNITS_PER_INCH, new_figure, render_figure
from simulations.report.palette import AMBER, BLUE, GREEN, PURPLE
from simulations.report.wording import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 450, 220
"""In units of the SVG, about a pixel each."""
COLOURS = (BLUE, AMBER, GREEN, PURPLE)
HALF_GROUP = 0.36
"""Of the distance between two sizes, what the products take to each side."""


def draw_line(number: int, lines: Sequence[Line], products: Sequence[str]) -> str:
    """Draw one row, `lines` having one for each size; `number` keeps the ids of the page's plots apart."""
    drawing = new_figure(HEIGHT)
    drawing.set_size_inches(WIDTH / UNITS_PER_INCH, HEIGHT / UNITS_PER_INCH)
    axes: Axes = drawing.subplots()
    width = 2 * HALF_GROUP / len(products)
    highest = 0.0
    for index, product in enumerate(products):
        colour = COLOURS[index % len(COLOURS)].light
        is_named = False
        for group, line in enumerate(lines):
            if product not in line.figures:
                continue
            across = group - HALF_GROUP + (index + 0.5) * width
            median, samples = line.figures[product].median, line.samples[product]
            label = None if is_named else product
            axes.bar([across], [median], width * 0.86, color=colour, alpha=0.35, label=label)
            is_named = True
            if not line.row.is_count:
                axes.plot([across] * len(samples), samples, linestyle="", marker="o", markersize=3.5, color=colour)
            highest = max(highest, median, *(() if line.row.is_count else samples))
    axes.set_xticks(range(len(lines)), [f"N = {line.node_count}" for line in lines])
    axes.set_xlim(-0.5, len(lines) - 0.5)
    axes.set_ylim(0, highest * 1.08 or 1)
    axes.grid(visible=False, axis="x")
    axes.set_ylabel(lines[0].row.unit)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(products), borderpad=0, handlelength=1)
    return render_figure(drawing, f"plot-{number}", _say(lines))


def _say(lines: Sequence[Line]) -> str:
    parts = [
        f"{line.node_count} nodes: "
        + ", ".join(f"{product} {figure(one.median)} {line.row.unit}".strip() for product, one in line.figures.items())
        for line in lines
    ]
    return f"{lines[0].row.title}; {'; '.join(parts)}"
