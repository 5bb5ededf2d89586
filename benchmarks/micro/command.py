"""`python -m benchmarks micro [--only NAME]... [--tiny] [--json]`."""

import argparse
import json
import sys

from benchmarks.figure import Figure, format_figures
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
    parser.add_argument("--tiny", action="store_true", help="a few repetitions: shows that it runs, measures nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(options: argparse.Namespace) -> int:
    """Measure, and print; the exit code is 0 whatever the figures are, for a target is no test."""
    scale = Scale.tiny() if options.tiny else Scale.full()
    names = options.only or [subject.name for subject in SUBJECTS]
    machine = this_machine()
    if not options.json:
        print(machine.as_line(), flush=True)
    measured: dict[str, list[Figure]] = {}
    for name in dict.fromkeys(names):
        Progress(name).say(BY_NAME[name].about)
        measured[name] = list(BY_NAME[name].run(scale))
        if not options.json:
            print(f"\n{name}\n{format_figures(measured[name])}", flush=True)
    if options.json:
        subjects = {name: [one.as_json() for one in figures] for name, figures in measured.items()}
        json.dump({"machine": machine.as_json(), "is_tiny": options.tiny, "subjects": subjects}, sys.stdout, indent=2)
        print()
    return 0
