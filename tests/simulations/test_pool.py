"""Many runs on all cores: the order of the items, whatever the order in which they are done."""

import pytest

from simulations.pool import compute, compute_all


def double(number: int) -> int:
    """Give something that a worker process can compute."""
    if number < 0:
        raise ValueError("below 0")
    return 2 * number


@pytest.mark.parametrize("jobs", [1, 2])
def test_pool_gives_results_in_the_order_of_the_items(jobs: int) -> None:
    """One process or two."""
    assert compute_all(double, list(range(40)), "doubling", jobs) == [2 * number for number in range(40)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_pool_hands_an_exception_on(jobs: int) -> None:
    """A worker's is the caller's."""
    with pytest.raises(ValueError, match="below 0"):
        list(compute(double, [1, -1, 2], jobs))
