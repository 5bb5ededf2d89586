"""What carries trials out, and how results come back in the order of the trials."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from simulations.campaign.trial import Trial, run_trial
from simulations.result import Result

AHEAD_FACTOR = 16
"""How many times the runs in flight may be done before one that is not yet: its result is waited for, and theirs
are kept in memory meanwhile, so that a campaign's file is the same whoever computed it, in whatever order."""

Placed = tuple[int, Result]
"""A trial's place in the campaign, and what it came to."""


class Pool(Protocol):
    """Computes trials somewhere."""

    @property
    def in_flight_max(self) -> int:
        """How many trials may be handed out and not yet back."""

    def submit(self, place: int, trial: Trial) -> None:
        """Hand a trial out."""

    def collect(self) -> list[Placed]:
        """Wait until at least one that was handed out is done; give all that are."""


class InProcessPool:
    """One trial after the other, in this process."""

    in_flight_max = 1

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Trial]] = []

    def __enter__(self) -> "InProcessPool":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left behind."""

    def submit(self, place: int, trial: Trial) -> None:
        """Keep it until it is collected."""
        self._waiting.append((place, trial))

    def collect(self) -> list[Placed]:
        """Compute what was handed in."""
        done = [(place, run_trial(trial)) for place, trial in self._waiting]
        self._waiting.clear()
        return done


def open_pool(jobs: int, scheduler: str = "") -> AbstractContextManager[Pool]:
    """Give what computes: a Dask cluster where there is a scheduler, else processes, with 0 jobs this one.

    Raises:
        InvalidRequest: the scheduler cannot be used.
    """
    if scheduler:
        from simulations.campaign.dask_pool import DaskPool

        return DaskPool(scheduler)
    if jobs == 0:
        return InProcessPool()
    from simulations.campaign.process_pool import ProcessPool

    return ProcessPool(jobs)


def stream_results(pool: Pool, trials: Iterable[Trial]) -> Iterator[Result]:
    """Give the results in the order of the trials, each as soon as it and all before it are done."""
    following = enumerate(trials)
    ready: dict[int, Result] = {}
    in_flight = submitted = given = 0
    more = True
    while True:
        while more and in_flight < pool.in_flight_max and submitted - given < pool.in_flight_max * AHEAD_FACTOR:
            placed = next(following, None)
            if placed is None:
                more = False
                break
            pool.submit(*placed)
            in_flight, submitted = in_flight + 1, submitted + 1
        if in_flight:
            for place, result in pool.collect():
                ready[place] = result
                in_flight -= 1
        while given in ready:
            yield ready.pop(given)
            given += 1
        if not more and given == submitted:
            return
