"""`python -m benchmarks compare [--peers NAMES] [--nodes COUNTS] [--html FILE] ...`."""

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.arguments import read_seconds
from benchmarks.compare.comparison import Comparison
from benchmarks.compare.cycle import STAGES
from benchmarks.compare.kinship import Kinship
from benchmarks.compare.page import write_page
from benchmarks.compare.plan import Wish, make_plan
from benchmarks.compare.product import Product
from benchmarks.compare.scale import Scale
from benchmarks.compare.serf import Serf
from benchmarks.compare.shoal import Shoal
from benchmarks.compare.table import format_table
from benchmarks.compare.teller import Teller
from protocol.error import InvalidRequest

ABOUT = "Shoal beside Serf and kinship: the same cluster of real processes of each, in turn"
PEERS: dict[str, Product] = {product.name: product for product in (Serf(), Kinship())}
NODES_MIN, NODES_MAX = 3, 150
NODES, TINY_NODES = (5, 20, 50), (3,)
REPETITIONS = 3
INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = (
        "With --starts or --hog-s only these are done, unless --only is given too. As root each cluster has a network "
        "of its own, and only then are packets and bytes counted."
    )
    parser.add_argument("--peers", default=",".join(PEERS), type=_peers, metavar="NAMES",
                        help="of serf and kinship, with a comma between; none: '' (default: both)")  # fmt: skip
    parser.add_argument("--nodes", type=_node_counts, metavar="COUNTS", help="sizes of clusters (default: 5,20,50)")
    parser.add_argument("--repetitions", type=_count, metavar="R", help="cycles of each (default: 3)")
    parser.add_argument("--only", action="append", choices=STAGES, metavar="FIGURE",
                        help=f"measure only {', '.join(STAGES[:-1])} or {STAGES[-1]}; repeatable")  # fmt: skip
    parser.add_argument("--starts", type=_count, default=0, metavar="K", help="K starts of the largest N of each")
    parser.add_argument("--hog-s", type=read_seconds, default=0.0, metavar="S",
                        help="S seconds of each with one spinning process per core")  # fmt: skip
    parser.add_argument("--idle-s", type=read_seconds, metavar="S", help="the idle window (default: 30)")
    parser.add_argument(
        "--rest-s", type=read_seconds, metavar="S", help="from a start to the idle window (default: 60)"
    )
    parser.add_argument("--seed", type=int, default=1, help="which nodes are killed and leave (default: 1)")
    parser.add_argument("--tiny", action="store_true", help="three nodes, once: shows that it runs, measures nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, with every sample")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with tables and plots")


def run(options: argparse.Namespace) -> int:
    """Compare, and print; the exit code is 0 whatever the figures are, for an aim is no test."""
    scale = (Scale.tiny() if options.tiny else Scale()).with_idle(options.rest_s, options.idle_s)
    wish = _wish(options)
    absent = {product.name: reason for product in options.peers if (reason := product.why_not())}
    products = [Shoal(), *(product for product in options.peers if product.name not in absent)]
    plan = make_plan(products, wish, scale)
    comparison = Comparison(products, absent, f"python -m benchmarks {shlex.join(sys.argv[1:])}", wish, scale)
    teller = Teller(len(plan), is_result_on_stdout=not options.json)
    for line in comparison.introduction():
        teller.print(line)
    code = 0
    try:
        with _signals_interrupt(), teller.open():
            comparison.carry_out(plan, teller)
    except KeyboardInterrupt:
        code = INTERRUPTED
        comparison.notes.append("It was interrupted: the figures are those of the turns that were complete.")
    return _show(comparison, options) or code


def _show(comparison: Comparison, options: argparse.Namespace) -> int:
    if options.json:
        json.dump(comparison.as_json(), sys.stdout, indent=2)
        print()
    else:
        for node_count in comparison.tally.node_counts:
            print(f"\n{format_table(node_count, comparison.tally.lines(node_count), comparison.product_names)}")
        for note in comparison.notes:
            print(f"\n{note}")
    if options.html is not None:
        try:
            write_page(options.html, comparison)
        except InvalidRequest as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        print(f"wrote {options.html}", file=sys.stderr)
    return 0


def _wish(options: argparse.Namespace) -> Wish:
    is_besides = bool(options.starts or options.hog_s)
    return Wish(
        node_counts=options.nodes or (TINY_NODES if options.tiny else NODES),
        stages=tuple(options.only or (() if is_besides else STAGES)),
        repetitions=options.repetitions or (1 if options.tiny else REPETITIONS),
        starts=options.starts,
        hog_s=options.hog_s,
        seed=options.seed,
    )


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the block as Ctrl-C does, so that all is taken down."""

    def interrupt(_number: int, _frame: Any) -> NoReturn:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _peers(text: str) -> list[Product]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(PEERS)}")
    return [PEERS[name] for name in dict.fromkeys(names)]


def _node_counts(text: str) -> Sequence[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers") from None
    if any(not NODES_MIN <= count <= NODES_MAX for count in counts):
        raise argparse.ArgumentTypeError(f"{text}: a cluster has {NODES_MIN} to {NODES_MAX} nodes")
    return sorted(set(counts))


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1_000:
        raise argparse.ArgumentTypeError(f"{text}: from 1 to 1,000")
    return value
