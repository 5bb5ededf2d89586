"""What a kernel costs as a ratio to the reference kernel of the same run: ratios travel between machines."""

from collections.abc import Sequence
from enum import Enum
from statistics import median

from benchmarks.micro.instruction import CALLS_MAX, TINY_CALLS, count_instructions
from benchmarks.micro.kernel import Kernel, make_calls, time_calls
from benchmarks.micro.kernel_list import KERNELS, REFERENCE
from benchmarks.progress import Progress

ROUNDS = 41
"""Times that every kernel is timed, each time right after the reference."""
TINY_ROUNDS = 3
TINY_LABELS = ("codec: packet of a ping and six records, decode", "engine: a ping")

Ratios = dict[str, float]
"""Cost of one call in calls of the reference, by the kernel's label; the reference itself is not in it."""


class Unit(Enum):
    """In what a cost is counted."""

    INSTRUCTIONS = "instructions"
    """Preferred: they do not depend on who else uses the machine."""
    CPU = "cpu"
    """CPU seconds of the thread, where no tool counts instructions."""


def choose_kernels(*, tiny: bool) -> list[Kernel]:
    """Give all kernels but the reference, or the few of a run that only shows that it runs."""
    return [kernel for kernel in KERNELS if kernel is not REFERENCE and (not tiny or kernel.label in TINY_LABELS)]


def measure_ratios(unit: Unit, kernels: Sequence[Kernel], *, tiny: bool) -> Ratios:
    """Measure kernels and the reference in one run.

    Raises:
        CountFailed: instructions cannot be counted here.
    """
    progress = Progress("check")
    if unit is Unit.INSTRUCTIONS:
        progress.say(f"instructions of {len(kernels)} kernels, up to a minute")
        counts = count_instructions([REFERENCE, *kernels], TINY_CALLS if tiny else CALLS_MAX)
        return {kernel.label: counts[kernel.label] / counts[REFERENCE.label] for kernel in kernels}
    progress.say(f"CPU time of {len(kernels)} kernels")
    return _time_ratios(kernels, TINY_ROUNDS if tiny else ROUNDS)


def _time_ratios(kernels: Sequence[Kernel], rounds: int) -> Ratios:
    """Time in turn, so that a slower minute of the machine hits all alike; the median of the rounds."""
    reference = REFERENCE.prepare()(REFERENCE.count)
    make_calls(reference)
    ratios: Ratios = {}
    for kernel in kernels:
        calls = kernel.prepare()
        make_calls(calls(2 * kernel.count))
        samples = []
        for _ in range(rounds):
            fresh = calls(kernel.count)
            reference_us = time_calls(reference)
            samples.append(time_calls(fresh) / reference_us)
        ratios[kernel.label] = median(samples)
    return ratios
