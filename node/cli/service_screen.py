"""What `shoal services` shows: a coloured table for a person, aligned text for a pipe, and either while it changes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import click

from node.cli import output
from protocol.escape import escape

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {"passing": "green", "warning": "yellow", "critical": "red"}
"""Of a status, and of how many there are of one."""

Headings = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it is about, what a table shows of it, and what its line says."""

    key: str
    cells: tuple[str, ...]
    line: str

    @classmethod
    def of(cls, key: str, cells: Sequence[str], words: Sequence[str]) -> Self:
        """Make a row of text that an agent sent; nothing in it moves a terminal's cursor."""
        shown = tuple(map(escape, cells))
        return cls(key, shown, "  ".join(escape(word) for word in words if word))


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: as it came, and in rows."""

    index: int
    noun: str
    """What the rows are, in the plural, as the agent calls them."""
    raws: list[Any]
    headings: Headings
    rows: tuple[Row, ...]
    nothing: str
    """The sentence where there is no row."""


class Screen(Protocol):
    """Where answers are shown as they come."""

    def show(self, page: Page) -> None:
        """Show the newest answer."""
        ...

    def say(self, sentence: str) -> None:
        """Tell what went wrong."""
        ...

    def close(self) -> None:
        """Leave the last answer standing."""
        ...


class LineScreen:
    """For pipes and log files: a line for each row that is new, changed or gone."""

    def __init__(self) -> None:
        self._shown: dict[str, Row] = {}
        self._is_empty = False

    def show(self, page: Page) -> None:
        """Print what differs from before."""
        rows = {row.key: row for row in page.rows}
        for row in page.rows:
            if self._shown.get(row.key) != row:
                self._print(row.line)
        for key, row in self._shown.items():
            if key not in rows:
                self._print(f"{row.line}  gone")
        if not rows and not self._is_empty:
            self._print(page.nothing)
        self._shown, self._is_empty = rows, not rows

    def say(self, sentence: str) -> None:
        """Print on standard error."""
        click.echo(f"shoal: {escape(sentence)}", err=True)

    def close(self) -> None:
        """Nothing is left to do."""

    def _print(self, line: str) -> None:
        click.echo(f"{time.strftime('%H:%M:%S')}  {line}")


class JsonScreen:
    """For programs: each answer is one line."""

    def show(self, page: Page) -> None:
        """Print it as the agent gives it, without what was filtered out."""
        output.print_json_line({"index": page.index, page.noun: page.raws})

    def say(self, sentence: str) -> None:
        """Print on standard error."""
        click.echo(f"shoal: {escape(sentence)}", err=True)

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

    def show(self, page: Page) -> None:
        """Draw the table, and below it the time."""
        from rich.console import Group
        from rich.text import Text

        body = build_table(page) if page.rows else Text(page.nothing)
        note = Text(f"\n{time.strftime('%H:%M:%S')}  Ctrl-C ends", style="dim")
        self._live.update(Group(body, note), refresh=True)

    def say(self, sentence: str) -> None:
        """Print above the table."""
        from rich.text import Text

        self._console.print(Text(f"shoal: {escape(sentence)}"))

    def close(self) -> None:
        """Stop drawing."""
        self._live.stop()


def open_screen(*, as_json: bool) -> Screen:
    """Choose by who reads standard output."""
    if as_json:
        return JsonScreen()
    return LiveScreen() if output.is_terminal() else LineScreen()


def print_page(page: Page) -> None:
    """Print an answer a single time."""
    if not page.rows:
        click.echo(f"shoal: {page.nothing}", err=True)
    elif output.is_terminal():
        from rich.console import Console

        Console(highlight=False).print(build_table(page))
    else:
        for line in output.align([page.headings, *(row.cells for row in page.rows)]):
            click.echo(line)


def build_table(page: Page) -> "Table":
    """Lay an answer out for a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in page.headings:
        table.add_column(heading, overflow="fold")
    for row in page.rows:
        styled = [
            Text(cell, style=_style(heading, cell)) for heading, cell in zip(page.headings, row.cells, strict=True)
        ]
        table.add_row(*styled)
    return table


def _style(heading: str, cell: str) -> str:
    if heading == "Status":
        return STYLES.get(cell, "")
    return STYLES.get(heading.lower(), "") if cell != "0" else ""
