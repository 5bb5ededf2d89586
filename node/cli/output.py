"""What a command prints: a coloured table for a person, aligned text for a pipe, JSON for a program."""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click

from protocol.escape import escape, escape_json

STATUS_STYLES = {
    "alive": "green",
    "suspect": "yellow",
    "failed": "red",
    "left": "bright_black",
    "reaped": "bright_black",
}

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400


def is_terminal() -> bool:
    """Tell whether a person reads standard output."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    import msgspec

    click.echo(escape_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()))


def print_json_line(value: Any) -> None:
    """Print a value as JSON on one line, at once."""
    import msgspec

    click.echo(escape_json(msgspec.json.encode(value).decode()))
    sys.stdout.flush()


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], status_column: int = -1) -> None:
    """Print rows under headings; on a terminal the column `status_column` is coloured by its word."""
    cells = [[escape(cell) for cell in row] for row in rows]
    if is_terminal():
        _print_rich(headings, cells, status_column)
    else:
        for line in align([headings, *cells]):
            click.echo(line)


def print_pairs(pairs: Iterable[tuple[str, str]], indent: str = "") -> None:
    """Print names and values in two columns."""
    rows = [(f"{indent}{escape(name)}", escape(value)) for name, value in pairs]
    for line in align(rows):
        click.echo(line)


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad columns to their widest cell, two spaces between them and none at the end."""
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(len(rows[0]) if rows else 0)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def paint_status(status: str) -> str:
    """Colour a status word, escaped; click takes the colour away again where no terminal reads."""
    style, shown = STATUS_STYLES.get(status.split(" ", maxsplit=1)[0]), escape(status)
    return click.style(shown, fg=style) if style else shown


def format_duration(seconds: float) -> str:
    """Write a span of time with one unit: 350 us, 12 ms, 3.2 s, 5 min, 2 h, 3 d."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < MINUTE_S:
        return f"{seconds:.3g} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.0f} h" if seconds < DAY_S else f"{seconds / DAY_S:.0f} d"


def format_rtt(seconds: float | None) -> str:
    """Write a round trip, or "-" for one that was not measured."""
    return "-" if seconds is None else format_duration(seconds)


def format_moment(at: float) -> str:
    """Write unix seconds as local time with milliseconds, and the date where it is not today's."""
    moment = time.localtime(at)
    clock = f"{time.strftime('%H:%M:%S', moment)}.{int(at % 1 * 1000):03d}"
    today = time.localtime()
    is_today = (moment.tm_year, moment.tm_yday) == (today.tm_year, today.tm_yday)
    return clock if is_today else f"{time.strftime('%Y-%m-%d', moment)} {clock}"


def _print_rich(headings: Sequence[str], rows: Sequence[Sequence[str]], status_column: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            *(
                Text(cell, style=STATUS_STYLES.get(cell, "") if column == status_column else "")
                for column, cell in enumerate(row)
            )
        )
    Console(highlight=False).print(table)
