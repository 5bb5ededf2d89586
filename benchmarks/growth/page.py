"""The HTML page: each curve as a plot and a table, in one file that needs nothing else."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.growth.curve import CURVES, Curve, Growth
from benchmarks.growth.plot import draw_curve
from benchmarks.growth.table import HEADINGS, cells
from protocol.error import InvalidRequest
from simulations.report.drawing import open_drawing
from simulations.report.page import POLICY
from simulations.report.style import compose_style
from simulations.report.wording import escape

TITLE = "What a node costs and does as its cluster grows"


def write_page(path: Path, growth: Growth, about: Mapping[str, str]) -> str:
    """Write it; gives what is missing on it and why, or nothing.

    `about` says what was measured on, in the order it is shown. Where matplotlib is missing there are tables only.

    Raises:
        OSError: the file cannot be written.
    """
    curves = [curve for curve in CURVES if growth.rows(curve)]
    missing = ""
    try:
        with open_drawing():
            plots = {curve.key: draw_curve(growth, curve) for curve in curves}
    except InvalidRequest as wrong:
        plots, missing = {}, f"no plots: {wrong}"
    path.write_text(_compose(growth, curves, plots, about), encoding="utf-8")
    return missing


def _compose(growth: Growth, curves: list[Curve], plots: Mapping[str, str], about: Mapping[str, str]) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in about.items())
    contents = "".join(f'<li><a href="#about-{curve.key}">{escape(curve.title)}</a></li>' for curve in curves)
    sections = "".join(_section(growth, curve, plots.get(curve.key, "")) for curve in curves)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{TITLE}</title><style>{compose_style()}</style></head>\n<body><main>"
        f'<header><h1>{TITLE}</h1><dl class="about">{facts}</dl>'
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav></header>\n'
        f"{sections}<footer>Dashed: the formula. Thick strokes: the middle half of the samples, or all of fewer than "
        "four. Times of simulated clusters are virtual.</footer></main></body></html>\n"
    )


def _section(growth: Growth, curve: Curve, plot: str) -> str:
    drawn = f'<figure class="wide">{plot}</figure>' if plot else ""
    title = curve.title[0].upper() + curve.title[1:]
    return (
        f'<section id="about-{curve.key}"><h2>{escape(title)}, {escape(curve.unit)}</h2>'
        f"<p>Formula: {escape(curve.says)}.</p>{drawn}{_table(growth, curve)}</section>\n"
    )


def _table(growth: Growth, curve: Curve) -> str:
    head = "".join(_cell("th", column, text) for column, text in enumerate(HEADINGS))
    body = "".join(
        "<tr>" + "".join(_cell("td", column, text) for column, text in enumerate(cells(row))) + "</tr>"
        for row in growth.rows(curve)
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(tag: str, column: int, text: str) -> str:
    kind = "" if column in (0, 3) else ' class="number"'
    return f"<{tag}{kind}>{escape(text)}</{tag}>"
