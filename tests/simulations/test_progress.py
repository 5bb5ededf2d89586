"""The bar: where a person looks, and nowhere else."""

import pytest
from rich.progress import MofNCompleteColumn

from simulations.progress import progress


def _show(*, with_count: bool) -> None:
    with progress(*([MofNCompleteColumn()] if with_count else [])) as bar:
        task = bar.add_task("doubling", total=4)
        bar.update(task, completed=3, refresh=True)


def test_progress_is_silent_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe gets no bar, on either output."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    _show(with_count=True)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_shows_the_columns_it_was_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard error has the label, and how many of how many only where that was asked for."""
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    _show(with_count=False)
    plain = capsys.readouterr()
    assert plain.out == ""
    assert "doubling" in plain.err
    assert "3/4" not in plain.err
    _show(with_count=True)
    assert "3/4" in capsys.readouterr().err
