"""The process whose instructions `instruction` counts.

    python -m benchmarks.micro.counted CALLS_MAX LABEL...

For each kernel it makes twice so many calls to warm up, then N, then 2 N, and marks the ends of both by a system
call that nothing else here makes: valgrind begins a new count there.
"""

import os
import sys

from benchmarks.micro.kernel import make_calls
from benchmarks.micro.kernel_list import BY_LABEL

MARK = "getsid"
"""The C function that ends a count."""
PARTS = 3
"""Counts that each kernel adds: what came before, N calls, 2 N calls."""


def main(calls_max: int, labels: list[str]) -> None:
    """Work."""
    for label in labels:
        kernel = BY_LABEL[label]
        count = min(kernel.count, calls_max)
        calls = kernel.prepare()
        make_calls(calls(2 * count))
        once, twice = calls(count), calls(2 * count)
        os.getsid(0)
        make_calls(once)
        os.getsid(0)
        make_calls(twice)
        os.getsid(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
