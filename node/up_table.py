"""What `shoal up` shows: a live table on a terminal, a line for each change elsewhere."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from node.up_watch import Row
from protocol.escape import escape

if TYPE_CHECKING:
    from rich.console import RenderableType

HEADINGS = ("Name", "Id", "Gossip", "HTTP", "Process", "Seen as", "Awareness")
STYLES = {"alive": "green", "suspect": "yellow", "failed": "red", "left": "bright_black"}
SEEN_COLUMN = HEADINGS.index("Seen as")
ID_COLUMN = HEADINGS.index("Id")
WIDE = 106
"""Columns of a terminal on which the ids fit beside the rest without folding."""


class Screen(Protocol):
    """Where the state of the cluster is shown."""

    def show(self, rows: Sequence[Row], hints: Sequence[str]) -> None:
        """Show the state as it is now, and below it what can be done."""
        ...

    def say(self, sentence: str) -> None:
        """Show one line that stays."""
        ...

    def close(self) -> None:
        """Leave the last state standing."""
        ...


class LineScreen:
    """For pipes and log files: a line for each node that changed, each hint once."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[str, ...]] = {}
        self._hinted: set[str] = set()

    def show(self, rows: Sequence[Row], hints: Sequence[str]) -> None:
        """Print what differs from before."""
        for row in rows:
            cells = _cells(row)
            if self._shown.get(row.id or row.name) != cells:
                self._shown[row.id or row.name] = cells
                self.say("  ".join((*cells[:-1], f"awareness {cells[-1]}")))
        for hint in hints:
            if hint not in self._hinted:
                self._hinted.add(hint)
                print(hint, flush=True)

    def say(self, sentence: str) -> None:
        """Print a line with the time."""
        print(f"{time.strftime('%H:%M:%S')}  {sentence}", flush=True)

    def close(self) -> None:
        """Nothing is left to do."""


class LiveScreen:
    """For a person: one table that is drawn again in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False)
        self._live.start()

    def show(self, rows: Sequence[Row], hints: Sequence[str]) -> None:
        """Draw the table and the hints below it."""
        from rich.console import Group
        from rich.text import Text

        lines = [Text(hint, style="dim", overflow="fold") for hint in hints]
        self._live.update(Group(_table(rows, self._console.width), Text(""), *lines), refresh=True)

    def say(self, sentence: str) -> None:
        """Print a line above the table."""
        from rich.text import Text

        self._console.print(Text(sentence))

    def close(self) -> None:
        """Stop drawing."""
        self._live.stop()


def open_screen() -> Screen:
    """Choose by who reads standard output."""
    return LiveScreen() if sys.stdout.isatty() else LineScreen()


def print_once(rows: Sequence[Row]) -> None:
    """Print the table a single time."""
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False)
        console.print(_table(rows, console.width))
        return
    lines = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cells(row: Row) -> tuple[str, ...]:
    cells = (row.name, row.id or "-", row.gossip or "-", row.http or "-", row.process, row.seen, row.awareness)
    return tuple(map(escape, cells))


def _table(rows: Sequence[Row], width: int) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    columns = [column for column in range(len(HEADINGS)) if column != ID_COLUMN or width >= WIDE]
    for column in columns:
        table.add_column(HEADINGS[column], overflow="fold")
    for row in rows:
        styles = [""] * len(HEADINGS)
        styles[SEEN_COLUMN] = "" if ", " in row.seen else STYLES.get(row.seen.split(" ", maxsplit=1)[0], "")
        cells = _cells(row)
        table.add_row(*(Text(cells[column], style=styles[column]) for column in columns))
    return table
