"""Limits on what one insider can make others do."""

from protocol.budget import HOLDERS_MAX, Budget


def test_budget_allows_a_burst_then_one_per_period() -> None:
    """Three at once, then one every two seconds, and never more than three saved up."""
    budget = Budget(2.0, 3)
    assert [budget.take(0.0, "a") for _ in range(4)] == [True, True, True, False]
    assert [budget.take(1.9, "a"), budget.take(2.0, "a"), budget.take(2.1, "a")] == [False, True, False]
    assert [budget.take(1000.0, "a") for _ in range(4)] == [True, True, True, False]


def test_budget_is_kept_for_each_holder_apart() -> None:
    """One who spent everything costs nobody else anything."""
    budget = Budget(1.0, 1)
    assert budget.take(0.0, "a")
    assert not budget.take(0.0, "a")
    assert budget.take(0.0, "b")


def test_budget_over_ten_minutes_of_asking_each_10_ms() -> None:
    """One per second, and the burst."""
    budget = Budget(1.0, 32)
    assert 600 <= sum(budget.take(step / 100, "a") for step in range(60_000)) <= 632


def test_budget_forgets_whom_it_has_not_seen_for_longest() -> None:
    """Memory is bounded, whoever comes."""
    budget = Budget(1e9, 1)
    for holder in range(HOLDERS_MAX + 10):
        budget.take(0.0, holder)
    assert len(budget._buckets) == HOLDERS_MAX
    assert budget.take(0.0, 0)
    assert not budget.take(0.0, HOLDERS_MAX + 9)
