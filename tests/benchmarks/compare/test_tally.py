"""Readings become rows: medians, ratios, and aims that are met or missed."""

import pytest

from benchmarks.compare.cycle import STAGES
from benchmarks.compare.row import HOG, ROWS, STARTS, Row
from benchmarks.compare.table import format_table
from benchmarks.compare.tally import Line, Tally, hold
from benchmarks.figure import figure

PRODUCTS = ["shoal", "serf"]


def _line(tally: Tally, node_count: int, title: str) -> Line:
    return next(line for line in tally.lines(node_count) if line.row.title == title)


def test_a_row_has_medians_and_the_ratio_to_each_peer() -> None:
    """The ratio is ours / theirs, held against the aim."""
    tally = Tally(PRODUCTS)
    for ours, theirs in ((0.3, 1.0), (0.5, 1.0), (0.4, 2.0)):
        tally.add("shoal", 20, {"cpu": ours, "cpu_off": 0.1, "cpu_http": 0.2})
        tally.add("serf", 20, {"cpu": theirs})
    line = _line(tally, 20, "idle CPU per node")
    assert (line.figures["shoal"].median, line.figures["serf"].median) == (0.4, 1.0)
    held = line.held["serf"]
    assert (held.ratio, held.aim, held.is_met) == (0.4, "<= 0.4", True)
    assert _line(tally, 20, "idle CPU per node, our HTTP off").held["serf"].ratio == pytest.approx(0.1)


def test_an_aim_holds_at_its_sizes_only() -> None:
    """The first observer's aim is one of twenty nodes."""
    row = next(row for row in ROWS if row.key == "kill_first")
    ours, theirs = figure("x", "s", [9.0]), figure("x", "s", [10.0])
    assert hold(row, 20, "serf", ours, theirs).is_met is False
    assert hold(row, 5, "serf", ours, theirs).is_met is None
    assert hold(row, 5, "serf", ours, theirs).ratio == pytest.approx(0.9)


@pytest.mark.parametrize(("ours", "theirs", "is_met"), [(0, 0, True), (0, 3, True), (1, 3, False)])
def test_a_count_is_to_be_none(ours: float, theirs: float, is_met: bool) -> None:
    """A count is added up and has no ratio."""
    tally = Tally(PRODUCTS)
    tally.add("shoal", 20, {"hog_failed": 0.0})
    tally.add("shoal", 20, {"hog_failed": float(ours)})
    tally.add("serf", 20, {"hog_failed": float(theirs)})
    line = _line(tally, 20, "under the hogs: nodes held failed")
    assert line.figures["shoal"].median == ours
    assert (line.held["serf"].ratio, line.held["serf"].is_met) == (None, is_met)


def test_a_ratio_to_nothing_is_none() -> None:
    """A peer's median of 0 has no ratio and meets nothing."""
    row = Row("x", "x", "s", "idle", at_most={"serf": 1.0})
    assert hold(row, 5, "serf", figure("x", "s", [1.0]), figure("x", "s", [0.0])).is_met is None


def test_plain_rows_take_our_sealed_traffic_and_need_a_peer() -> None:
    """Ours is never unencrypted; alone it would be the same row twice."""
    title = "idle IP bytes per node, only ours encrypted"
    tally = Tally(PRODUCTS)
    tally.add("shoal", 5, {"bytes": 200.0})
    assert title not in [line.row.title for line in tally.lines(5)]
    tally.add("serf", 5, {"plain_bytes": 100.0})
    assert _line(tally, 5, title).held["serf"].ratio == 2.0


def test_rows_belong_to_stages_that_there_are() -> None:
    """No row could never be measured, and no two have one title."""
    assert {row.stage for row in ROWS} == {*STAGES, STARTS, HOG}
    assert len({row.title for row in ROWS}) == len(ROWS)


def test_table_has_a_column_for_each_product_and_marks_what_is_missing() -> None:
    """Who gave nothing has a dash; a missed aim is said."""
    tally = Tally(PRODUCTS)
    tally.add("shoal", 20, {"kill_first": 10.0, "start": 0.2})
    tally.add("serf", 20, {"kill_first": 10.0})
    lines = format_table(20, tally.lines(20), PRODUCTS).splitlines()
    assert lines[0].split() == ["N", "=", "20", "shoal", "serf", "ratio,", "aim"]
    assert lines[1].split()[-3:] == ["0.2", "-", "-"]
    assert lines[2].endswith("1 <= 0.8: MISSED")
