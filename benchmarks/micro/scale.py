"""How much is measured, and how a call is timed.

Times are CPU seconds of the calling thread unless a subject says otherwise: on a machine that others
use too they vary far less than time on the wall.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from time import thread_time
from typing import TypeVar

from benchmarks.figure import Figure, figure

EACH_COUNT = 16
"""Calls per sample where each needs something made for it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of a run."""

    repetitions: int
    """Samples per figure; the median is reported."""
    batch_s: float
    """CPU seconds per sample that a call is repeated for."""
    datagram_batches: int
    """Batches of 64 datagrams per figure of the receive path."""
    sync_sizes: tuple[int, ...]
    flood_s: float
    idle_nodes: int
    idle_settle_s: float
    """Until a cluster counts as idle: its gossip ends, and after 10 s Trio's idle threads."""
    idle_s: float
    http_rounds: int
    """Times that both routes of the HTTP comparison are loaded, in turn."""
    http_s: float
    """Seconds of load per route and round."""

    @classmethod
    def full(cls) -> "Scale":
        """Give what figures are reported with."""
        return cls(15, 0.02, 300, (1_000, 10_000), 60.0, 20, 15.0, 30.0, 5, 3.0)

    @classmethod
    def tiny(cls) -> "Scale":
        """Give what shows in some seconds that everything runs; its figures are worth nothing."""
        return cls(3, 0.0005, 4, (60, 120), 1.0, 3, 0.5, 2.5, 1, 0.4)


def time_call(name: str, call: Callable[[], object], scale: Scale, *, at_most: float | None = None) -> Figure:
    """Give the CPU time of a call in microseconds: each sample is a batch of as many as fill `batch_s`."""
    call()
    count = _calibrate(call, scale.batch_s)
    samples = []
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(scale.repetitions):
            samples.append(_time_batch(call, count) / count * 1e6)
    finally:
        if was_enabled:
            gc.enable()
    return figure(name, "us", samples, at_most=at_most)


def _calibrate(call: Callable[[], object], batch_s: float) -> int:
    count = 1
    while (taken := _time_batch(call, count)) < batch_s / 4:
        count *= 4
    return max(1, round(count * batch_s / taken))


def _time_batch(call: Callable[[], object], count: int) -> float:
    began = thread_time()
    for _ in range(count):
        call()
    return thread_time() - began


def time_each(name: str, make: Callable[[], T], call: Callable[[T], object], scale: Scale) -> Figure:
    """Give the CPU time in microseconds of a call that uses up what `make` gives; making is not counted."""
    call(make())
    samples = []
    for _ in range(scale.repetitions):
        fresh = [make() for _ in range(EACH_COUNT)]
        began = thread_time()
        for one in fresh:
            call(one)
        samples.append((thread_time() - began) / EACH_COUNT * 1e6)
    return figure(name, "us", samples)
