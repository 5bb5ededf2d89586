"""The page: one HTML file with the tables, and where matplotlib is installed a plot for each figure."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.compare.comparison import Comparison
from benchmarks.compare.plot import draw_line
from benchmarks.compare.table import format_figure, format_held
from benchmarks.compare.tally import OURS, Line
from protocol.error import InvalidRequest
from simulations.report.drawing import open_drawing
from simulations.report.page import POLICY
from simulations.report.style import compose_style
from simulations.report.wording import escape

TITLE = "Shoal beside its peers"
GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:18px 24px"


def write_page(path: Path, comparison: Comparison) -> None:
    """Write the page, which needs nothing else.

    Raises:
        InvalidRequest: the file cannot be written; the text is one sentence.
    """
    page = compose_page(comparison)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"cannot write {path}: {error.strerror or error}") from error


def compose_page(comparison: Comparison) -> str:
    """Compose the page's text."""
    about = {
        "machine": comparison.machine.hardware,
        "Python": comparison.machine.python,
        "commit": comparison.machine.commit,
        **comparison.versions,
        "command": comparison.command,
    }
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in about.items())
    sections = [
        f"<section><h2>{node_count} nodes</h2>{_compose_table(comparison, node_count)}</section>"
        for node_count in comparison.tally.node_counts
    ]
    if comparison.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in comparison.notes)
        sections.append(f"<section><h2>Notes</h2><ul>{notes}</ul></section>")
    sections.append(f"<section><h2>Plots</h2>{_compose_plots(comparison)}</section>")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{TITLE}</title><style>{compose_style()}</style></head>\n<body><main>"
        f'<header><h1>{TITLE}</h1><dl class="about">{facts}</dl></header>\n{"".join(sections)}'
        "<footer>Medians, with the quartiles in brackets (below four samples their ends). A ratio is ours / theirs; "
        "smaller is better throughout. Who said nothing within a limit counts as the limit. Compare only what was "
        "measured in one run.</footer></main></body></html>\n"
    )


def _compose_table(comparison: Comparison, node_count: int) -> str:
    names = comparison.product_names
    heads = ['<th scope="col">figure</th>']
    for name in names:
        heads.append(f'<th class="number" scope="col">{escape(name)}</th>')
        if name != OURS:
            heads.append(f'<th class="number" scope="col">shoal / {escape(name)}</th>')
    rows = "".join(_compose_row(line, names) for line in comparison.tally.lines(node_count))
    return f'<div class="wide"><table><thead><tr>{"".join(heads)}</tr></thead><tbody>{rows}</tbody></table></div>'


def _compose_row(line: Line, names: Sequence[str]) -> str:
    unit = f" <small>{escape(line.row.unit)}</small>" if line.row.unit else ""
    cells = [f'<th scope="row">{escape(line.row.title)}{unit}</th>']
    for name in names:
        text = format_figure(line.figures.get(name), is_count=line.row.is_count)
        median, _, spread = text.partition(" ")
        small = f"<br><small>{escape(spread)}</small>" if spread else ""
        cells.append(f'<td class="number">{escape(median)}{small}</td>')
        if name != OURS:
            cells.append(_compose_held(line, name))
    return f"<tr>{''.join(cells)}</tr>"


def _compose_held(line: Line, peer: str) -> str:
    held = line.held.get(peer)
    kind = "" if held is None or held.is_met is None else " good" if held.is_met else " bad"
    return f'<td class="number{kind}">{escape(format_held(held))}</td>'


def _compose_plots(comparison: Comparison) -> str:
    by_row: dict[str, list[Line]] = {}
    for node_count in comparison.tally.node_counts:
        for line in comparison.tally.lines(node_count):
            if any(one.median for one in line.figures.values()):
                by_row.setdefault(line.row.title, []).append(line)
    try:
        with open_drawing():
            drawn = [
                f"<figure><h3>{escape(title)}</h3>{draw_line(number, lines, comparison.product_names)}</figure>"
                for number, (title, lines) in enumerate(by_row.items())
            ]
    except InvalidRequest:
        return "<p>There are none: they are drawn with matplotlib, which is not installed where this was run.</p>"
    return (
        "<p>Each dot is one cluster, each bar the median (of counts, the sum). "
        "What is 0 for all is only in the tables.</p>"
        f'<div style="{GRID}">{"".join(drawn)}</div>'
    )
