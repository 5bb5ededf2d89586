"""`python -m benchmarks http [--only routes|alarm] [--alarm-s SECONDS] [--tiny] [--json]`."""

import argparse
import json
import sys
from collections.abc import Iterable

from benchmarks.arguments import read_seconds
from benchmarks.figure import format_figures
from benchmarks.http import alarm, route
from benchmarks.http_load import best_client
from simulations.machine import this_machine

ABOUT = "requests per second beside a bare route, and the failure detector under load"
ALARM_S = 300.0
TINY_ALARM_S = 3.0
PARTS = ("routes", "alarm")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = "Loads with wrk where it is installed (Debian: apt-get install wrk), else with a client of ours."
    parser.add_argument(
        "--alarm-s",
        type=read_seconds,
        metavar="SECONDS",
        help=f"how long a cluster is watched with one node under load, and then with all ({ALARM_S:g})",
    )
    parser.add_argument("--only", choices=PARTS, help="measure one of the two parts")
    parser.add_argument("--tiny", action="store_true", help="a few requests: shows that it runs, measures nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(options: argparse.Namespace) -> int:
    """Measure, and print; the exit code is 0 whatever the figures are."""
    machine = this_machine()
    if not options.json:
        print(machine.as_line(), flush=True)
    client, comparisons = _compare(options)
    if comparisons and not options.json:
        print(f"\nroutes, loaded by {client}\n{route.format_comparisons(comparisons)}", flush=True)
    alarms = []
    for one in _watch(options):
        alarms.append(one)
        if not options.json:
            print(f"\nalarm: {one.title}\n{format_figures(one.figures)}", flush=True)
    if options.json:
        report = {
            "machine": machine.as_json(),
            "is_tiny": options.tiny,
            "client": client,
            "routes": [one.as_json() for one in comparisons],
            "alarm": [one.as_json() for one in alarms],
        }
        json.dump(report, sys.stdout, indent=2)
        print()
    return 0


def _compare(options: argparse.Namespace) -> tuple[str, list[route.Comparison]]:
    if options.only == "alarm":
        return best_client()[0], []
    return route.compare_routes(route.Scale.tiny() if options.tiny else route.Scale.full())


def _watch(options: argparse.Namespace) -> Iterable[alarm.Alarm]:
    if options.only == "routes":
        return ()
    alarm_s = options.alarm_s or (TINY_ALARM_S if options.tiny else ALARM_S)
    return alarm.watch_alarms(alarm.Scale.tiny(alarm_s) if options.tiny else alarm.Scale.full(alarm_s))
