"""Every subject runs in its smallest form and gives figures; what the figures are is nobody's business here."""

import json

import pytest

from benchmarks.command import main
from benchmarks.figure import Figure, figure, format_figures
from benchmarks.micro.subject import SUBJECTS
from simulations.machine import this_machine

IN_MEMORY = ("codec", "crypto", "handshake", "engine", "fact", "merge", "rumor", "view-hash", "sync", "udp", "receive")
WITH_PROCESSES = ("flood", "idle", "http")
MAY_BE_ZERO = ("dropped", "failed", "accused", "refuted", "stalls", "lateness")
"""Counts of what should not happen, and a lateness that is below a clock's step."""


def _run(capsys: pytest.CaptureFixture[str], name: str) -> list[dict[str, object]]:
    assert main(["micro", "--only", name, "--tiny", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["is_tiny"] is True
    assert report["machine"]["core_count"] >= 1
    assert list(report["subjects"]) == [name]
    figures: list[dict[str, object]] = report["subjects"][name]
    return figures


def _check(figures: list[dict[str, object]]) -> None:
    assert figures
    for one in figures:
        value = one["median"]
        assert isinstance(value, (int, float)), one
        may_be_zero = any(word in str(one["name"]) for word in MAY_BE_ZERO)
        assert value >= 0 if may_be_zero else value > 0, one
        assert one["sample_count"], one


@pytest.mark.parametrize("name", IN_MEMORY)
def test_micro_gives_figures(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A subject in this process gives positive figures."""
    _check(_run(capsys, name))


@pytest.mark.end_to_end
@pytest.mark.parametrize("name", WITH_PROCESSES)
def test_micro_gives_figures_of_real_processes(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A subject that starts processes gives figures, none of them negative."""
    _check(_run(capsys, name))


def test_micro_every_subject_is_tested() -> None:
    """No subject is left out above."""
    assert {subject.name for subject in SUBJECTS} == {*IN_MEMORY, *WITH_PROCESSES}


def test_micro_a_sync_of_equal_views_moves_only_its_root(capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes do not depend on the machine: equal views cost the same, however many members there are."""
    sizes = {one["median"] for one in _run(capsys, "sync") if "equal views: bytes" in str(one["name"])}
    assert len(sizes) == 1


def test_micro_prints_machine_and_targets(capsys: pytest.CaptureFixture[str]) -> None:
    """The report for people names machine, Python and commit above the figures."""
    assert main(["micro", "--only", "handshake", "--tiny"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == this_machine().as_line()
    assert "CPython" in lines[0] or "PyPy" in lines[0]
    assert any(line.startswith("handshake, both sides") for line in lines)


def test_micro_refuses_an_unknown_subject(capsys: pytest.CaptureFixture[str]) -> None:
    """A subject that does not exist is a usage error that lists those which do."""
    with pytest.raises(SystemExit) as ended:
        main(["micro", "--only", "nothing"])
    assert ended.value.code == 2
    assert "view-hash" in capsys.readouterr().err


def test_figure_median_and_quartiles() -> None:
    """A figure is the median of its samples, with the quartiles as its spread."""
    one = figure("x", "us", [1.0, 2.0, 3.0, 4.0, 100.0])
    assert (one.median, one.sample_count) == (3.0, 5)
    assert one.low < one.median < one.high < 100.0


@pytest.mark.parametrize(
    ("one", "is_met"),
    [
        (figure("x", "us", [2.0], at_most=2.0), True),
        (figure("x", "us", [2.1], at_most=2.0), False),
        (figure("x", "%", [85.0], at_least=85.0), True),
        (figure("x", "%", [84.0], at_least=85.0), False),
        (figure("x", "us", [1.0]), None),
    ],
)
def test_figure_is_held_against_its_target(one: Figure, is_met: bool | None) -> None:
    """A target is met up to its very value; a figure without one is neither met nor missed."""
    assert one.is_met is is_met
    line = format_figures([one])
    assert ("MISSED" in line, "met" in line) == (is_met is False, is_met is True)
