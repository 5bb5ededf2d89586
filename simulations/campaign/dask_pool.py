"""The workers of a Dask cluster: many machines, each with Shoal installed. An optional extra of the project."""

import logging
import re
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from protocol.error import InvalidRequest
from simulations.campaign.pool import Placed
from simulations.campaign.trial import LOST, Trial, describe, failed_result, run_trial

MISSING = "a scheduler needs dask.distributed: pip install 'shoal[dask]'"
ADDRESS = re.compile(r"(?:tcp|tls)://[^/\s]+:\d{1,5}")
CONNECT_S = 10
"""How long the scheduler may take to answer, and after that how long the first worker to be there."""
IN_FLIGHT_PER_THREAD = 4
"""Runs handed out for each thread of each worker: a run takes longer than the way to the next machine."""
IN_FLIGHT_LEAST = 8
COUNT_PERIOD_S = 5.0
"""How often it is asked how many workers there are: they come and go."""


class DaskPool:
    """Hands runs to whatever workers the scheduler has; those that come later get some too."""

    def __init__(self, address: str) -> None:
        """Connect.

        Raises:
            InvalidRequest: distributed is not installed, nobody answers there, or no worker comes.
        """
        try:
            distributed: Any = import_module("distributed")  # it has no types, and may be missing
        except ImportError:
            raise InvalidRequest(MISSING) from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what fails is told in our own words
        self._client = _connect(distributed, address)
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_S)
        except (OSError, TimeoutError):
            self._client.close()
            raise InvalidRequest(f"the scheduler at {address} has no worker after {CONNECT_S} s") from None
        self._done = distributed.as_completed(loop=self._client.loop)
        self._given: dict[str, tuple[int, Trial]] = {}
        self._in_flight_max, self._counted_at = IN_FLIGHT_LEAST, float("-inf")

    @property
    def in_flight_max(self) -> int:
        """A few for each thread of each worker there is."""
        now = time.monotonic()
        if now - self._counted_at >= COUNT_PERIOD_S:
            self._counted_at = now
            threads = sum(self._client.nthreads().values())
            self._in_flight_max = max(IN_FLIGHT_LEAST, threads * IN_FLIGHT_PER_THREAD)
        return self._in_flight_max

    def __enter__(self) -> "DaskPool":
        return self

    def __exit__(self, *_: object) -> None:
        """Take back what is not done, and leave the cluster as it was."""
        with suppress(OSError, TimeoutError):
            self._client.cancel(list(self._done.futures), force=True)
        self._client.close()

    def submit(self, place: int, trial: Trial) -> None:
        """Hand a run to the scheduler."""
        future = self._client.submit(run_trial, trial, pure=False)
        self._given[future.key] = (place, trial)
        self._done.add(future)

    def collect(self) -> list[Placed]:
        """Wait for results; a run whose worker died again and again, or was refused, is lost."""
        return [self._take(future) for future in self._done.next_batch(block=True)]

    def _take(self, future: Any) -> Placed:
        place, trial = self._given.pop(future.key)
        if future.status == "finished":
            return place, future.result()
        error = future.exception() if future.status == "error" else None
        text = f"the cluster did not run it: {describe(error) if error else future.status}"
        return place, failed_result(trial, LOST, text)


def _connect(distributed: Any, address: str) -> Any:
    """Connect a client.

    Raises:
        InvalidRequest: it cannot be.
    """
    if ADDRESS.fullmatch(address) is None:  # a client made with it would hang as it is thrown away
        raise InvalidRequest(f"{address!r} is no address of a scheduler, as tcp://10.0.0.1:8786 is")
    try:
        return distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, OverflowError):
        raise InvalidRequest(f"no Dask scheduler answers at {address}") from None
