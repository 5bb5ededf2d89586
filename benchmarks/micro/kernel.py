"""A kernel: a small piece of the node's work that is repeated exactly, for counting instructions or CPU time.

Everything a kernel works on is made of a seed, so that two processes do the same work to the instruction.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from time import thread_time
from typing import TypeVar

from benchmarks.figure import Figure, figure
from benchmarks.micro.material import Author, make_authors, make_keyring
from benchmarks.micro.scale import Scale
from protocol.security.keyring import Keyring

SEED = 20_260

Call = Callable[[], object]
Calls = Callable[[int], list[Call]]
"""Gives so many calls, each to be made once and in order; making them is not part of the work."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kernel:
    """One piece of work, with what it needs."""

    name: str
    subject: str
    """The subject of `micro` that it belongs to."""
    prepare: Callable[[], Calls]
    """Makes what is worked on; as costly as it likes."""
    count: int = 64
    """Calls that are measured at once: about a millisecond of them."""

    @property
    def label(self) -> str:
        """Subject and name: what a baseline calls it."""
        return f"{self.subject}: {self.name}"


def again(call: Call) -> Calls:
    """Repeat one call that changes nothing."""
    return lambda count: [call] * count


def each(make: Callable[[], T], call: Callable[[T], object]) -> Calls:
    """Call with something fresh each time."""
    return lambda count: [partial(call, make()) for _ in range(count)]


def seeded_authors(count: int) -> tuple[Keyring, list[Author]]:
    """Make a cluster and its members, the same in every process."""
    entropy = Random(SEED).randbytes
    keyring = make_keyring(entropy)
    return keyring, make_authors(keyring, count, entropy)


def make_calls(calls: list[Call]) -> None:
    """Make them all, in order, the garbage collector kept out."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for call in calls:
            call()
    finally:
        if was_enabled:
            gc.enable()


def time_calls(calls: list[Call]) -> float:
    """Give the CPU microseconds of one call."""
    began = thread_time()
    make_calls(calls)
    return (thread_time() - began) / len(calls) * 1e6


def time_kernel(kernel: Kernel, scale: Scale) -> Figure:
    """Give the CPU time of one call in microseconds."""
    calls = kernel.prepare()
    make_calls(calls(kernel.count))
    return figure(kernel.name, "us", [time_calls(calls(kernel.count)) for _ in range(scale.repetitions)])
