"""A budget over time."""

from protocol.security.budget import Budget


def test_budget_allows_a_burst_then_its_rate() -> None:
    """All of the burst at once, then so many a second."""
    budget = Budget(per_second=2, burst=3)
    assert [budget.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert not budget.take(10.4)
    assert budget.take(10.6)
    assert [budget.take(60.0) for _ in range(4)] == [True, True, True, False]


def test_budget_gains_nothing_from_a_clock_that_steps_back() -> None:
    """Time that runs twice fills once."""
    budget = Budget(per_second=1, burst=1)
    assert budget.take(10.0)
    assert not budget.take(5.0)
    assert not budget.take(10.0)
    assert budget.take(11.0)
