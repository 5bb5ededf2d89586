"""Many runs on all cores of one machine, with a progress bar where a person waits."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import TypeVar

from rich.progress import MofNCompleteColumn

from simulations.machine import core_count
from simulations.progress import progress

T = TypeVar("T")
R = TypeVar("R")

IN_FLIGHT_PER_JOB = 4
"""Items handed out and not yet back, per worker: keeps all busy, and a list of millions out of the pipes."""


def compute(function: Callable[[T], R], items: Sequence[T], jobs: int | None = None) -> Iterator[tuple[int, R]]:
    """Give (place, result) of each item as it is done, in no order; with one job in this process, in order.

    `function` and the items must be picklable. An exception of the function ends the iteration with it.
    """
    jobs = core_count() if jobs is None else jobs
    if jobs <= 1:
        for place, item in enumerate(items):
            yield place, function(item)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        pending: dict[Future[R], int] = {}
        left = iter(enumerate(items))
        try:
            while True:
                while len(pending) < jobs * IN_FLIGHT_PER_JOB and (following := next(left, None)) is not None:
                    pending[pool.submit(function, following[1])] = following[0]
                if not pending:
                    return
                for done in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(done), done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def compute_all(function: Callable[[T], R], items: Sequence[T], label: str, jobs: int | None = None) -> list[R]:
    """Give all results in the order of the items; show how far it is, on stderr if that is a terminal."""
    results: dict[int, R] = {}
    with progress(MofNCompleteColumn()) as bar:
        task = bar.add_task(label, total=len(items))
        for place, result in compute(function, items, jobs):
            results[place] = result
            bar.advance(task)
    return [results[place] for place in range(len(items))]
