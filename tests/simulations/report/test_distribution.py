"""What is measured before it is drawn: quantiles, steps, groups, and the run that is chosen."""

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.report.choice import choose_run
from simulations.report.quantile import draw_ecdf, measure_spread
from simulations.report.scenario_group import gather_detections, gather_send_rates, group_results
from simulations.report.view_plot import thin_views
from simulations.report.wording import clock, duration, figure, natural
from simulations.result import Detection, Moment, Traffic, ViewSizes
from tests.simulations.report.invented import invent_result

values = st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=2, max_size=300)


@given(values)
def test_spread_is_of_values_that_were_measured(values: list[float]) -> None:
    """Up to each percentile lies its share of the values, and up to no lesser value does it."""
    spread = measure_spread(values)
    assert spread is not None
    percentiles = {1: spread.p1, 25: spread.p25, 50: spread.median, 75: spread.p75, 99: spread.p99}
    for percent, value in percentiles.items():
        assert value in values
        assert 100 * sum(each <= value for each in values) >= percent * len(values)
        assert 100 * sum(each < value for each in values) < percent * len(values)
    assert spread.median == statistics.median_low(values)
    assert (spread.least, spread.most) == (min(values), max(values))


@given(values, st.integers(min_value=2, max_value=50))
def test_steps_of_a_distribution_are_true_and_bounded(values: list[float], points_max: int) -> None:
    """Each step drawn is one of the full distribution, the ends are there, and there are not too many."""
    across, up = draw_ecdf(values, points_max)
    ordered = sorted(values)
    assert len(across) <= points_max or len(values) <= points_max
    assert (across[0], across[-1], up[-1]) == (ordered[0], ordered[-1], 1.0)
    assert all(ordered[round(share * len(ordered)) - 1] == value for value, share in zip(across, up, strict=True))


def test_first_observer_is_the_quickest_of_each_death() -> None:
    """Two members died in one run and one in another: three firsts, five observations."""
    one = replace(
        invent_result("crash", 1),
        detections=(Detection("a", "x", 5), Detection("a", "y", 3), Detection("b", "x", 9), Detection("b", "y", 8)),
    )
    other = replace(one, seed=2, detections=(Detection("a", "y", 4),))
    times = gather_detections(group_results([one, other])[0])
    assert times is not None
    assert sorted(times.first) == [3, 4, 8]
    assert sorted(times.every) == [3, 4, 5, 8, 9]


def test_send_rates_are_per_virtual_second_and_leave_out_runs_without_time() -> None:
    """90 datagrams in 30 s are 3 a second."""
    run = replace(invent_result("crash", 1), virtual_s=30.0, traffic=(Traffic("a", 90, 1), Traffic("b", 150, 0)))
    rates = gather_send_rates(group_results([run, replace(run, virtual_s=0.0)])[0])
    assert rates is not None
    assert (rates.runs, rates.spread.least, rates.spread.most) == (1, 3, 5)


def test_groups_come_in_the_order_a_person_counts() -> None:
    """partition_2 stands before partition_10."""
    results = [invent_result(name, 1) for name in ("partition_10", "crash", "partition_2", "crash")]
    groups = group_results(results)
    assert [(group.scenario, len(group.runs)) for group in groups] == [
        ("crash", 2),
        ("partition_2", 1),
        ("partition_10", 1),
    ]
    assert groups[0].counts["failures"] == 16


def test_durations_among_counts_are_not_added_up() -> None:
    """Of how long something took, the longest is told."""
    run = replace(invent_result("crash", 1), counts={"syncs": 2, "converged_ms": 300})
    slower = replace(run, seed=2, counts={"syncs": 3, "converged_ms": 500})
    assert group_results([run, slower])[0].counts == {"syncs": 5, "converged_ms": 500}


def test_first_run_with_a_violation_is_chosen() -> None:
    """However rich the others are, what is broken is shown."""
    whole, broken = invent_result("crash", 1), replace(invent_result("crash", 2, violations=1), timeline=())
    choice = choose_run([whole, broken, replace(broken, seed=3)])
    assert choice.run is broken
    assert "violation" in choice.reason


def test_richest_timeline_is_chosen_where_nothing_is_broken() -> None:
    """Kinds of moments count before their number, and joins hardly count."""
    joins = replace(
        invent_result("join_storm", 1, 30), timeline=tuple(Moment(1, "n0", "member-join", "") for _ in range(500))
    )
    rich = invent_result("crash", 2)
    assert choose_run([joins, rich, replace(rich, seed=3)]).run is rich


def test_thinned_views_keep_their_extremes() -> None:
    """A view that was small for one moment is still seen."""
    views = [ViewSizes(at, 9, 2 if at == 501 else 9, 9, 12 if at == 77 else 9) for at in range(1_000)]
    thin = thin_views(views, 100)
    assert len(thin) == 100
    assert min(sizes.smallest for sizes in thin) == 2
    assert max(sizes.largest for sizes in thin) == 12
    assert thin_views(views[:50], 100) == views[:50]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (0.00668, "0.00668"), (0.9999, "1.00"), (5.126, "5.13"), (9.996, "10.0"), (12.34, "12.3"),
        (99.97, "100"), (1234.5, "1,234"), (-2.5, "-2.50"), (1e-9, "0.000000"), (float("nan"), "unknown"),
    ],
)  # fmt: skip
def test_figure_has_three_digits_that_matter(number: float, text: str) -> None:
    """Numbers are written to be compared, never as powers of ten."""
    assert figure(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.5, "1.50 s"), (90, "90.0 s"), (900, "15.0 min"), (90_000, "25.0 h"), (691_200, "8.00 days")],
)
def test_duration_is_in_the_unit_one_would_use(seconds: float, text: str) -> None:
    """From two of a unit on, it is that unit."""
    assert duration(seconds) == text


def test_clock_turns_from_seconds_to_hours() -> None:
    """Ten minutes in seconds, then h:mm:ss."""
    assert [clock(at) for at in (0.5, 599, 600, 90_061)] == ["0.5 s", "599 s", "0:10:00", "25:01:01"]


@given(st.text(max_size=40), st.text(max_size=40))
def test_natural_order_takes_any_name(one: str, other: str) -> None:
    """Names come from outside: whatever is in them, they can be compared."""
    assert (natural(one) < natural(other)) or (natural(one) >= natural(other))
