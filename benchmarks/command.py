"""The command line: `python -m benchmarks KIND [options]`, one kind of measurement a package."""

import argparse
from collections.abc import Sequence
from types import ModuleType

from benchmarks.check import command as check
from benchmarks.compare import command as compare
from benchmarks.growth import command as scale
from benchmarks.http import command as http
from benchmarks.micro import command as micro

KINDS: dict[str, ModuleType] = {"micro": micro, "check": check, "compare": compare, "http": http, "scale": scale}
"""Each has ABOUT, one line; `configure`, which adds its options; and `run`, which measures and gives the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one kind of thing, and print; the exit code."""
    options = _parser().parse_args(arguments)
    code: int = KINDS[options.kind].run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what a node costs.")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for name, module in KINDS.items():
        module.configure(kinds.add_parser(name, help=module.ABOUT, description=module.ABOUT))
    return parser
