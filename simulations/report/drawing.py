"""From a matplotlib figure to SVG inside an HTML page. matplotlib is imported only when something is drawn."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING

from protocol.error import InvalidRequest
from simulations.report.palette import GRID, INK, MUTED, name_colours
from simulations.report.wording import escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNITS_PER_INCH = 72
WIDTH = 936
"""Width of every plot in units of its SVG; one unit is about one pixel on a page of full width."""
TEXT_SIZE = 12
SMALL_SIZE = 11

_HEAD = re.compile(r"^.*?<svg[^>]*?(viewBox=\"[^\"]*\")[^>]*>", re.DOTALL)
_STYLE = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)
_EMPTY_DEFS = re.compile(r"<defs>\s*</defs>")
_ANCHOR = re.compile(r'(\bid="|href="#|url\(#)')
_BETWEEN_TAGS = re.compile(r">\s*\n\s*<")


@contextmanager
def open_drawing() -> Iterator[None]:
    """Set matplotlib up for our plots, whatever its user configured, and put it back afterwards.

    Raises InvalidRequest where matplotlib is missing.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise InvalidRequest("the report draws with matplotlib: pip install 'shoal[simulations]'") from error
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "svg.fonttype": "none",  # text stays text: small, selectable, in the reader's own font
                "svg.hashsalt": "shoal",  # else every id in the file is random
                "text.parse_math": False,  # a dollar sign in a name is a dollar sign
                "path.simplify_threshold": 0.5,  # half a pixel
                "font.size": TEXT_SIZE,
                "text.color": INK.light,
                "axes.edgecolor": MUTED.light,
                "axes.labelcolor": MUTED.light,
                "axes.facecolor": "none",
                "axes.grid": True,
                "axes.axisbelow": True,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "grid.color": GRID.light,
                "grid.linewidth": 0.8,
                "xtick.color": MUTED.light,
                "ytick.color": MUTED.light,
                "xtick.labelsize": SMALL_SIZE,
                "ytick.labelsize": SMALL_SIZE,
                "legend.frameon": False,
                "legend.fontsize": SMALL_SIZE,
                "lines.linewidth": 1.8,
                "figure.facecolor": "none",
            }
        )
        yield


def new_figure(height: float, pad: float = 3) -> "Figure":
    """Make an empty figure of the page's width; its height, and the air around each plot, in units."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=pad / UNITS_PER_INCH, h_pad=pad / UNITS_PER_INCH)
    return Figure(figsize=(WIDTH / UNITS_PER_INCH, height / UNITS_PER_INCH), layout=layout)


def tell_in_corner(axes: "Axes", line: int, text: str, colour: str) -> None:
    """Write a line above a plot's left end; line 0 is the lowest."""
    offset = (0, 7 + 15 * line)
    axes.annotate(
        text, (0, 1), offset, "axes fraction", "offset points", color=colour, fontsize=SMALL_SIZE, annotation_clip=False
    )


def render_figure(figure: "Figure", name: str, label: str) -> str:
    """Write a figure as one `<svg>` element for the inside of an HTML page.

    `name` stands before every id in it, since a page has many plots; `label` is what a reader hears who does
    not see it. The same figure gives the same text.
    """
    file = StringIO()
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(file, format="svg", transparent=True, metadata=metadata)
    drawn = file.getvalue()
    opened = _HEAD.match(drawn)
    if opened is None:
        raise RuntimeError("matplotlib wrote no <svg> element")
    body = _STYLE.sub("", drawn[opened.end() :]).replace("xlink:href", "href")
    body = _EMPTY_DEFS.sub("", _ANCHOR.sub(rf"\g<1>{name}-", body))
    return name_colours(
        f'<svg class="plot" role="img" aria-label="{escape(label)}" {opened[1]}>{_BETWEEN_TAGS.sub("><", body).strip()}'
    )
