"""The curves as text: a line per size, with the formula's value and the ratio beside what was measured."""

from collections.abc import Sequence

from benchmarks.growth.curve import CURVES, Growth, Row
from simulations.report.wording import figure

HEADINGS = ("", "nodes", "measured", "spread", "formula", "ratio")


def format_growth(growth: Growth) -> str:
    """Lay out all curves of which anything was measured."""
    parts = []
    for curve in CURVES:
        if rows := growth.rows(curve):
            parts.append(f"{curve.title}, {curve.unit}\n  formula: {curve.says}\n{_lay_out(rows)}")
    return "\n\n".join(parts)


def format_row(row: Row) -> str:
    """Say one point in a line, as it comes."""
    point = row.point
    line = f"{point.source:<9} N = {point.nodes:<6,} {point.curve.title:<46} {figure(point.figure.median):>9}"
    return f"{line} {point.curve.unit:<5} formula {figure(row.expected):>9}, ratio {ratio_text(row)}"


def cells(row: Row) -> tuple[str, ...]:
    """Give a row's cells under HEADINGS."""
    point, one = row.point, row.point.figure
    spread = f"{figure(one.low)} to {figure(one.high)} of {one.sample_count}" if one.sample_count > 1 else one.note
    return (point.source, f"{point.nodes:,}", figure(one.median), spread, figure(row.expected), ratio_text(row))


def ratio_text(row: Row) -> str:
    """Write measured through formula."""
    return "-" if row.ratio != row.ratio else f"{row.ratio:.2f}"


def _lay_out(rows: Sequence[Row]) -> str:
    lines = [HEADINGS, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join("  " + _line(line, widths) for line in lines)


def _line(line: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    return "  ".join(
        text.ljust(width) if column in (0, 3) else text.rjust(width)
        for column, (text, width) in enumerate(zip(line, widths, strict=True))
    ).rstrip()
