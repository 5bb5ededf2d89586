"""`python -m benchmarks micro [--only NAME]... [--instructions] [--tiny] [--json]`."""

import argparse
import json
import sys
from collections.abc import Iterator

from benchmarks.figure import Figure, figure, format_figures
from benchmarks.micro.instruction import CALLS_MAX, TINY_CALLS, CountFailed, count_instructions, is_countable
from benchmarks.micro.kernel_list import KERNELS
from benchmarks.micro.scale import Scale
from benchmarks.micro.subject import BY_NAME, SUBJECTS
from benchmarks.progress import Progress
from simulations.machine import this_machine

ABOUT = "the parts, the receive path, and some real processes"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = "Subjects: " + "; ".join(f"{subject.name}: {subject.about}" for subject in SUBJECTS) + "."
    parser.add_argument(
        "--only", action="append", choices=sorted(BY_NAME), metavar="NAME", help="one subject; repeatable"
    )
    parser.add_argument(
        "--instructions", action="store_true", help="instructions per call instead of time, counted by valgrind"
    )
    parser.add_argument("--tiny", action="store_true", help="a few repetitions: shows that it runs, measures nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(options: argparse.Namespace) -> int:
    """Measure, and print.

    The exit code is 0 whatever the figures are, for a target is no test; 1 where instructions cannot be counted
    though the tool is there.
    """
    machine = this_machine()
    if not options.json:
        print(machine.as_line(), flush=True)
    measured: dict[str, list[Figure]] = {}
    try:
        for name, figures in _count(options) if options.instructions else _time(options):
            measured[name] = figures
            if not options.json:
                print(f"\n{name}\n{format_figures(figures)}", flush=True)
    except CountFailed as wrong:
        print(wrong, file=sys.stderr)
        if is_countable():
            return 1
    if options.json:
        subjects = {name: [one.as_json() for one in figures] for name, figures in measured.items()}
        json.dump({"machine": machine.as_json(), "is_tiny": options.tiny, "subjects": subjects}, sys.stdout, indent=2)
        print()
    return 0


def _time(options: argparse.Namespace) -> Iterator[tuple[str, list[Figure]]]:
    scale = Scale.tiny() if options.tiny else Scale.full()
    for name in dict.fromkeys(options.only or [subject.name for subject in SUBJECTS]):
        Progress(name).say(BY_NAME[name].about)
        yield name, list(BY_NAME[name].run(scale))


def _count(options: argparse.Namespace) -> Iterator[tuple[str, list[Figure]]]:
    kernels = [kernel for kernel in KERNELS if not options.only or kernel.subject in options.only]
    without = set(options.only or ()) - {kernel.subject for kernel in kernels}
    progress = Progress("instructions")
    if without:
        progress.say(f"no kernel whose instructions are counted: {', '.join(sorted(without))}")
    if not kernels:
        return
    progress.say(f"{len(kernels)} kernels under valgrind, up to a minute")
    counts = count_instructions(kernels, TINY_CALLS if options.tiny else CALLS_MAX)
    for name in dict.fromkeys(kernel.subject for kernel in kernels):
        yield (
            name,
            [figure(kernel.name, "instr.", [counts[kernel.label]]) for kernel in kernels if kernel.subject == name],
        )
