"""A run for people: what each turn gave, and the tables at the end."""

from collections.abc import Mapping, Sequence

from benchmarks.compare.tally import OURS, Held, Line
from benchmarks.figure import Figure

BRIEF = (
    ("start", "start {:.2f} s"), ("starts", "start {:.2f} s"), ("cpu", "CPU {:.2f} ms/s"), ("rss", "RSS {:.1f} MiB"),
    ("pss", "PSS {:.1f} MiB"), ("packets", "{:.1f} packets/s"), ("bytes", "{:.0f} B/s"),
    ("plain_packets", "{:.1f} packets/s"), ("plain_bytes", "{:.0f} B/s"),
    ("kill_suspect", "suspected {:.1f} s"), ("kill_first", "failed {:.1f} s"), ("kill_last", "by all {:.1f} s"),
    ("restart", "back {:.2f} s"), ("leave_first", "left {:.3f} s"), ("leave_last", "to all {:.3f} s"),
    ("false_suspect", "false: {:.0f} suspected"), ("false_failed", "{:.0f} failed"),
    ("hog_suspect", "{:.0f} suspected"), ("hog_failed", "{:.0f} failed"),
)  # fmt: skip
"""Of a turn's readings, what is told at once."""


def format_turn(title: str, readings: Mapping[str, float], notes: Sequence[str]) -> str:
    """Write what one turn gave, in a line and one more for each note."""
    said = [pattern.format(readings[key]) for key, pattern in BRIEF if key in readings]
    return "\n".join([f"{title}: {', '.join(said) or 'nothing'}", *(f"    {note}" for note in notes)])


def format_table(node_count: int, lines: Sequence[Line], products: Sequence[str]) -> str:
    """Lay out all rows for one size of cluster."""
    head = [f"N = {node_count}", ""]
    for product in products:
        head += [product] if product == OURS else [product, "ratio, aim"]
    rows = [head, *(_cells(line, products) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cells(line: Line, products: Sequence[str]) -> list[str]:
    cells = [line.row.title, line.row.unit]
    for product in products:
        cells.append(format_figure(line.figures.get(product), is_count=line.row.is_count))
        if product != OURS:
            cells.append(format_held(line.held.get(product)))
    return cells


def format_figure(one: Figure | None, *, is_count: bool) -> str:
    """Write a median and its spread; of a count, the sum and of how many."""
    if one is None:
        return "-"
    if is_count:
        return f"{one.median:g} in {one.sample_count}"
    spread = f" [{format_number(one.low)} .. {format_number(one.high)}]" if one.sample_count > 1 else ""
    return f"{format_number(one.median)}{spread}"


def format_held(held: Held | None) -> str:
    """Write a ratio, its aim, and whether it is met."""
    if held is None:
        return "-"
    ratio = "" if held.ratio is None else format_number(held.ratio)
    if held.is_met is None:
        return ratio
    return f"{ratio} {held.aim}: {'met' if held.is_met else 'MISSED'}".strip()


def format_number(value: float) -> str:
    """Write a number with three digits that matter."""
    if value == 0:
        return "0"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
