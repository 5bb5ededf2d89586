"""The timeline: which nodes have a row, what a mark says, and how many there are."""

import re
from dataclasses import replace

from simulations.report.time_axis import gather_times
from simulations.report.timeline import FAULTS_MAX, ROWS_MAX, TITLE_LINES_MAX, draw_timeline
from simulations.result import Moment, Result, Traffic
from tests.simulations.report.invented import invent_long_partition, invent_result


def draw(run: Result) -> str:
    """Draw a run's timeline on its own axis."""
    return draw_timeline(run, gather_times(run))


def rows(drawn: str) -> list[str]:
    """Give the names before the rows, from the top."""
    return re.findall(r'<text class="row"[^>]*>([^<]*)<title>', drawn)


def test_timeline_has_a_row_per_node_in_order() -> None:
    """Each node has its row, n2 before n10, those in which nothing happened too."""
    run = invent_result("crash", 1, 12)
    quiet = replace(run, traffic=(*run.traffic, Traffic("n12", 5, 0)))
    assert rows(draw(quiet)) == [f"n{index}" for index in range(13)]


def test_timeline_marks_say_what_happened() -> None:
    """A mark's hover text has the moment, the observer, the change, the member and the reason."""
    run = replace(
        invent_result("crash", 1), timeline=(Moment(12.3456, "n1", "member-failed", "own timer ran out", "n7"),)
    )
    assert "<title>12.346 s at n1, member-failed n7: own timer ran out</title>" in draw(run)


def test_timeline_joins_what_falls_on_one_spot() -> None:
    """A hundred changes at one moment are one mark, which names the first and counts the others."""
    joins = tuple(Moment(1.0, "n0", "member-join", "", f"m{number}") for number in range(100))
    drawn = draw(replace(invent_result("crash", 1), timeline=joins))
    assert drawn.count('<use href="#mark-join"') == 1
    assert f"and {100 - TITLE_LINES_MAX} more here" in drawn


def test_timeline_lists_faults_with_their_numbers() -> None:
    """Each fault has a flag; those of one kind at one moment share a line of the list."""
    timeline = (
        Moment(1.0, "n0", "member-join", "", "n1"),
        Moment(20.0, "n1", "fault", "crash"),
        Moment(20.0, "n2", "fault", "crash"),
        Moment(30.0, "", "fault", "cut both halves"),
    )
    drawn = draw(replace(invent_result("crash", 1), timeline=timeline))
    assert drawn.count('<use href="#mark-fault"') == 3
    table = drawn[drawn.index("Faults</h4>") :]
    assert re.findall(r"<tr><td class=\"number\">([^<]*)</td>", table) == ["1\u20132", "3"]
    assert "n1, n2" in table
    assert "network" in table


def test_timeline_of_a_large_cluster_keeps_the_nodes_with_faults() -> None:
    """Of more nodes than fit, those that something was done to are drawn first, and the others counted."""
    nodes = ROWS_MAX + 20
    busy = [Moment(at / 10, f"n{at % nodes}", "member-suspect", "", "n1") for at in range(10 * nodes)]
    last = f"n{nodes + 5}"
    run = replace(
        invent_result("crash", 1), timeline=(*busy, Moment(5.0, last, "fault", "crash")), traffic=(), violations=()
    )
    drawn = draw(run)
    assert len(rows(drawn)) == ROWS_MAX
    assert last in rows(drawn)
    assert "21 further nodes with fewer changes not drawn." in drawn


def test_timeline_bounds_its_flags() -> None:
    """A link that flaps for hours has the first flags drawn, and the others counted."""
    flaps = tuple(Moment(float(at), "", "fault", f"flap {at}") for at in range(FAULTS_MAX + 30))
    drawn = draw(replace(invent_result("crash", 1), timeline=flaps))
    assert drawn.count('<use href="#mark-fault"') == FAULTS_MAX
    assert "30 further faults not drawn." in drawn


def test_timeline_says_what_it_cut_out() -> None:
    """A day in which nothing happened is cut out, and the page says so."""
    assert "when nothing happens, is cut out" in draw(invent_long_partition())


def test_timeline_shows_violations() -> None:
    """What broke is marked where and when it did."""
    drawn = draw(invent_result("crash", 1, violations=2))
    assert drawn.count('<use href="#mark-violation"') == 2
    assert "no healthy member is removed: n3 held n1 failed" in drawn
