"""The axis that leaves out what is empty."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from simulations.report.time_axis import CUTS_MAX, TICK_SPACE, gather_times, lay_out_time
from simulations.result import Moment, ViewSizes
from tests.simulations.report.invented import invent_result

LEFT, RIGHT = 100.0, 900.0
moments = st.floats(min_value=0, max_value=1e7)


def test_axis_without_an_empty_stretch_is_straight() -> None:
    """Where something happens all the time, a moment's place is its share of the time."""
    axis = lay_out_time([1, 2, 3, 4, 5, 6, 7, 8, 9], 10, LEFT, RIGHT)
    assert axis.cuts == []
    assert axis.place(5) == 500


def test_axis_cuts_a_day_without_a_moment() -> None:
    """Two busy minutes a day apart stand next to each other, with the cut between them."""
    axis = lay_out_time([float(at) for at in [*range(60), *range(90_000, 90_060)]], 90_060, LEFT, RIGHT)
    assert len(axis.cuts) == 1
    assert axis.place(59) - axis.place(0) > 300
    assert axis.place(90_059) - axis.place(90_000) > 300


@given(st.lists(moments, max_size=40), moments)
@example([2.225073858507e-311], 1.9196099490401114e-298)
def test_axis_keeps_the_order_of_time(times: list[float], end: float) -> None:
    """A later moment never stands left of an earlier one, all stand between the ends, and no moment is cut out."""
    axis = lay_out_time(times, end, LEFT, RIGHT)
    places = [axis.place(at) for at in sorted(times)]
    assert places == sorted(places)
    assert all(LEFT - 1e-6 <= x <= RIGHT + 1e-6 for x in places)
    assert len(axis.cuts) <= CUTS_MAX
    assert not [at for at in times for cut in axis.cuts if cut.begin < at < cut.end]
    assert all(first.end == second.begin for first, second in pairwise(axis.stretches))


@given(st.lists(moments, max_size=40), moments)
def test_axis_has_ticks_with_room_for_their_labels(times: list[float], end: float) -> None:
    """No two labels touch, and none stands inside a cut."""
    axis = lay_out_time(times, end, LEFT, RIGHT)
    places = [x for x, _ in axis.ticks()]
    assert all(after - before >= TICK_SPACE for before, after in pairwise(places))
    assert not [x for x in places for cut in axis.cuts if cut.left + 1e-6 < x < cut.right - 1e-6]


def test_times_of_a_run_are_its_moments_and_the_changes_of_its_views() -> None:
    """A view that stays as it was is nothing to see."""
    views = (ViewSizes(1, 3, 3, 3, 3), ViewSizes(2, 3, 3, 3, 3), ViewSizes(3, 3, 2, 3, 3), ViewSizes(4, 3, 2, 3, 3))
    run = replace(invent_result("crash", 1), timeline=(Moment(7.0, "n0", "fault", "crash"),), views=views)
    assert gather_times(run) == [7.0, 3]
