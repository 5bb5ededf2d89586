"""Instructions per call of a kernel, which do not depend on who else uses the machine.

Counted by valgrind's callgrind, not by perf: virtual machines seldom have the processor's counters (`perf stat -e
instructions:u` says `<not supported>`), and valgrind needs neither them nor a privilege. Its counts of two
runs agree within 1 %, seldom 3 %. One process makes N calls of a kernel and then 2 N, and the difference is
what counts, so neither start nor preparation is in it. Hashes and keys are those of a seed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.agent_process import ROOT
from benchmarks.micro.counted import MARK, PARTS
from benchmarks.micro.kernel import Kernel

TOOL = "valgrind"
COUNT_MAX_S = 900.0
"""Callgrind makes Python some fifty times slower; all kernels take under a minute."""
CALLS_MAX = 100_000
TINY_CALLS = 2
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH")
"""Of the environment, which lies on the stack: its size moves addresses, and hashes of objects with them."""
_TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class CountFailed(Exception):
    """Instructions cannot be counted here; the message is a sentence that says why."""


def is_countable() -> bool:
    """Tell whether the tool is installed."""
    return shutil.which(TOOL) is not None


def count_instructions(kernels: Sequence[Kernel], calls_max: int = CALLS_MAX) -> dict[str, float]:
    """Give the instructions of one call, by the kernels' labels.

    Raises:
        CountFailed: the tool is missing, or its run failed.
    """
    if not is_countable():
        raise CountFailed(f"{TOOL} is not installed (Debian: apt-get install {TOOL}), so no instructions are counted.")
    with TemporaryDirectory(prefix="shoal-") as directory:
        out = Path(directory) / "out"
        _run_counted(out, [str(calls_max), *(kernel.label for kernel in kernels)])
        # what came before the first mark is .1; the file without a number is what came after the last
        totals = [_read_total(out.with_suffix(f".{part}")) for part in range(1, PARTS * len(kernels) + 1)]
    counts = {}
    for index, kernel in enumerate(kernels):
        _, once, twice = totals[PARTS * index : PARTS * (index + 1)]
        counts[kernel.label] = (twice - once) / min(kernel.count, calls_max)
    return counts


def _run_counted(out: Path, arguments: list[str]) -> None:
    command = [
        *(TOOL, "--tool=callgrind", f"--dump-before={MARK}", f"--callgrind-out-file={out}"),
        *(sys.executable, "-s", "-m", "benchmarks.micro.counted", *arguments),
    ]
    environ = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | {"PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=COUNT_MAX_S, cwd=ROOT, env=environ
        )
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise CountFailed(f"{TOOL} gave no count: {wrong}.") from wrong
    if done.returncode != 0:
        raise CountFailed(f"{TOOL} ended with {done.returncode}: {done.stderr[-500:].strip()}")


def _read_total(part: Path) -> int:
    try:
        found = _TOTAL.search(part.read_text())
    except OSError as wrong:
        raise CountFailed(f"{TOOL} wrote no {part.name}: it does not see the calls of {MARK}.") from wrong
    if found is None:
        raise CountFailed(f"{TOOL} wrote no total into {part.name}.")
    return int(found[1])
