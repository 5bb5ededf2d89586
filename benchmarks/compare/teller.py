"""What a person sees while a comparison runs: a bar on a terminal, plain sentences elsewhere, all on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

BAR_WIDTH = 16


class Teller:
    """The bar is drawn anew when something is told, and by no thread: threads and forks do not mix."""

    def __init__(self, total: int, *, is_result_on_stdout: bool) -> None:
        console = Console(stderr=True)
        self._has_bar = console.is_terminal
        self._results = sys.stdout if is_result_on_stdout else sys.stderr
        self._bar = Progress(
            BarColumn(BAR_WIDTH), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"),
            console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False,
            disable=not self._has_bar,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=total)
        self._turn = ""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Show the bar while the block lasts."""
        with self._bar:
            yield

    def begin(self, turn: str) -> None:
        """Tell which turn it is."""
        self._turn = turn

    def say(self, stage: str) -> None:
        """Tell what is being done in it."""
        text = f"{self._turn}: {stage}"
        if self._has_bar:
            self._bar.update(self._task, description=text, refresh=True)
        else:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def end(self, result: str) -> None:
        """Tell what the turn gave, to stay."""
        self._bar.advance(self._task)
        self.print(result)

    def print(self, text: str) -> None:
        """Print beside the bar."""
        self._bar.stop()
        self._results.write(f"{text}\n")
        self._results.flush()
        if self._has_bar:
            self._bar.start()
