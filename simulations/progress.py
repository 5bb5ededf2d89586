"""The bar that a person sees while many runs are made."""

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

BAR_WIDTH = 16
"""So that what stands beside it fits 80 columns."""


def progress(*columns: ProgressColumn) -> Progress:
    """Give a bar on stderr, if that is a terminal; it is gone when the work is done.

    `columns` stand between the bar and the times.
    """
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(BAR_WIDTH),
        *columns,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
