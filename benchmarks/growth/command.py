"""`python -m benchmarks scale [--nodes 5,20,50] [--simulated 1000] [--tiny] [--json] [--html FILE]`."""

import argparse
import json
import os
import sys
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.arguments import read_seconds
from benchmarks.growth import apart, real
from benchmarks.growth.curve import BY_KEY, CURVES, Growth, Point, Source
from benchmarks.growth.extent import Extent
from benchmarks.growth.page import write_page
from benchmarks.growth.room import explain_refusal, free_memory_mib, real_need_mib, simulated_need_mib
from benchmarks.growth.table import format_growth, format_row
from benchmarks.progress import Progress
from simulations.machine import Machine, this_machine
from simulations.report.wording import duration

ABOUT = "CPU, memory, bytes, detection and convergence as a cluster grows, beside the formulas"
REAL_SIZES, SIMULATED_SIZES = (5, 20, 50, 100, 200), (1_000, 10_000)
TINY_REAL_SIZES, TINY_SIMULATED_SIZES = (3, 4), (20, 40)
REAL_LEAST, REAL_MOST = 3, 500
SIMULATED_LEAST, SIMULATED_MOST = 3, 16_384
"""As many as one engine admits."""
SETTLE_MAX_S = 3_600.0
"""What is not quiet after an hour will not be."""
NONE = "none"
FAILED, INTERRUPTED = 1, 130

Sizes = tuple[int, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--nodes",
        type=partial(read_sizes, least=REAL_LEAST, most=REAL_MOST),
        metavar="N,N,...",
        help=f"real processes on this machine, or {NONE} ({_listed(REAL_SIZES)})",
    )
    parser.add_argument(
        "--simulated",
        type=partial(read_sizes, least=SIMULATED_LEAST, most=SIMULATED_MOST),
        metavar="N,N,...",
        help=f"members in the simulator, or {NONE} ({_listed(SIMULATED_SIZES)})",
    )
    parser.add_argument(
        "--settle-s",
        type=partial(read_seconds, most=SETTLE_MAX_S),
        metavar="SECONDS",
        help=f"how long real processes are left alone before they count as idle ({Extent.full().settle_s:g})",
    )
    parser.add_argument("--tiny", action="store_true", help="few and briefly: shows that it runs, measures nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--html", type=Path, metavar="FILE", help="a page with plots")


def read_sizes(text: str, *, least: int, most: int) -> Sizes:
    """Read numbers of nodes, in growing order.

    Raises:
        argparse.ArgumentTypeError: not such a list, or out of bounds.
    """
    if text == NONE:
        return ()
    parts = text.split(",")
    if not all(part.isdecimal() and part.isascii() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list such as 5,20 and not {NONE!r}")
    sizes = sorted({int(part) for part in parts})
    if sizes[0] < least or sizes[-1] > most:
        raise argparse.ArgumentTypeError(f"each size is from {least} to {most:,}, not {text!r}")
    return tuple(sizes)


def run(options: argparse.Namespace) -> int:
    """Measure size by size, and print; 0 whatever the figures are, 1 where a size gave none, 130 if interrupted."""
    extent = Extent.tiny() if options.tiny else Extent.full()
    if options.settle_s is not None:
        extent = replace(extent, settle_s=options.settle_s)
    real_sizes = _chosen(options.nodes, TINY_REAL_SIZES if options.tiny else REAL_SIZES)
    simulated_sizes = _chosen(options.simulated, TINY_SIMULATED_SIZES if options.tiny else SIMULATED_SIZES)
    machine = this_machine()
    out = sys.stderr if options.json else sys.stdout
    print(machine.as_line(), file=out, flush=True)
    growth, code, load_before = Growth(), 0, _load()
    sizes: list[tuple[Source, int]] = [
        *(("real", nodes) for nodes in real_sizes),
        *(("simulated", nodes) for nodes in simulated_sizes),
    ]
    try:
        for source, nodes in sizes:
            for point in _measure(source, nodes, extent):
                print(format_row(growth.add(point)), file=out, flush=True)
            if not any(point.source == source and point.nodes == nodes for point in growth.points):
                code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    _report(growth, machine, f"{load_before} before, {_load()} after", options)
    return code


def _measure(source: Source, nodes: int, extent: Extent) -> Generator[Point, None, None]:
    """Give a size's points as they come; one that does not fit, or fails, says so and gives no more."""
    progress = Progress(f"{nodes:,} {'processes' if source == 'real' else 'simulated nodes'}")
    need_mib = real_need_mib(nodes) if source == "real" else simulated_need_mib(nodes)
    if refusal := explain_refusal("they", need_mib, free_memory_mib()):
        progress.say(refusal)
        return
    estimate_s = real.estimate_s(nodes, extent) if source == "real" else apart.estimate_s(nodes, extent)
    progress.say(f"about {need_mib:,.0f} MiB and {duration(estimate_s)}")
    found = real.measure(nodes, extent, progress) if source == "real" else apart.measure_apart(nodes, extent)
    try:
        for key, figure in found:
            yield Point(BY_KEY[key], source, nodes, figure)
    except (TimeoutError, RuntimeError, OSError) as wrong:
        progress.say(f"broken off: {wrong}")
    finally:
        found.close()


def _report(growth: Growth, machine: Machine, load: str, options: argparse.Namespace) -> None:
    if options.json:
        curves = {
            curve.key: {
                "title": curve.title,
                "unit": curve.unit,
                "formula": curve.says,
                "points": [row.as_json() for row in growth.rows(curve)],
            }
            for curve in CURVES
        }
        head = {"machine": machine.as_json(), "load": load, "is_tiny": options.tiny}
        json.dump(head | {"curves": curves}, sys.stdout, indent=2)
        print()
    elif growth.points:
        print(f"\n{format_growth(growth)}\n\nload average of a minute: {load}")
    if options.html is not None and growth.points:
        about = {"Machine": machine.hardware, "Python": machine.python, "Commit": machine.commit}
        about |= {"Load average": load}
        try:
            missing = write_page(options.html, growth, about)
        except OSError as wrong:
            missing = f"cannot write {options.html}: {wrong.strerror or wrong}"
        if missing:
            print(missing, file=sys.stderr)


def _load() -> str:
    """Give the load average of the last minute: beside other work round trips jitter, and figures suffer."""
    return f"{os.getloadavg()[0]:.2f}"


def _chosen(given: Sizes | None, otherwise: Sizes) -> Sizes:
    return otherwise if given is None else given


def _listed(sizes: Sizes) -> str:
    return ",".join(map(str, sizes))
