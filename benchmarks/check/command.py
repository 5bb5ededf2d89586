"""`python -m benchmarks check [--write] [--baseline FILE] [--by UNIT] [--tiny] [--json]`."""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.check.baseline import DEFAULT_FILE, BadBaseline, Baseline, read_baseline, write_baseline
from benchmarks.check.measurement import Unit, choose_kernels, measure_ratios
from benchmarks.check.verdict import LOSS_MAX, Row, compare, format_rows
from benchmarks.micro.instruction import CountFailed, is_countable
from simulations.machine import this_machine

ABOUT = "what the parts cost against benchmarks/baseline.json: exit 1 where one lost 25 %"
GOOD, LOST, UNUSABLE = 0, 1, 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = (
        "Costs are ratios to a reference kernel of the same run. Exit codes: 0 no loss, 1 a loss, "
        "2 there is no baseline to compare with, or it is damaged."
    )
    parser.add_argument("--write", action="store_true", help="measure, and make that the baseline")
    parser.add_argument("--baseline", type=Path, default=DEFAULT_FILE, metavar="FILE", help="another file")
    parser.add_argument(
        "--by",
        type=Unit,
        choices=list(Unit),
        metavar="UNIT",
        help="instructions or cpu; instructions where valgrind is installed and the baseline has them",
    )
    parser.add_argument("--tiny", action="store_true", help="two kernels, a few calls: shows that it runs")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(options: argparse.Namespace) -> int:
    """Compare, or write."""
    try:
        return _write(options) if options.write else _compare(options)
    except (BadBaseline, CountFailed) as wrong:
        print(wrong, file=sys.stderr)
    except OSError as wrong:
        print(f"The baseline cannot be written: {wrong}.", file=sys.stderr)
    return UNUSABLE


def _write(options: argparse.Namespace) -> int:
    """Measure by the unit asked for, else by both where instructions can be counted."""
    units = [options.by] if options.by else [unit for unit in Unit if unit is Unit.CPU or is_countable()]
    kernels = choose_kernels(tiny=options.tiny)
    ratios = {unit: measure_ratios(unit, kernels, tiny=options.tiny) for unit in units}
    write_baseline(options.baseline, Baseline(this_machine().as_json(), ratios))
    print(f"{len(kernels)} kernels by {' and by '.join(unit.value for unit in units)} are in {options.baseline}.")
    return GOOD


def _compare(options: argparse.Namespace) -> int:
    baseline = read_baseline(options.baseline)
    unit = options.by or _best_unit(baseline)
    if unit not in baseline.ratios:
        raise BadBaseline(f"The baseline {options.baseline} has no ratios of {unit.value}.")
    before = baseline.ratios[unit]
    kernels = choose_kernels(tiny=options.tiny)
    rows = compare(before, measure_ratios(unit, kernels, tiny=options.tiny))
    if options.tiny:
        rows = [row for row in rows if row.now is not None]
    if all(row.change is None for row in rows):
        raise BadBaseline(f"The baseline {options.baseline} holds none of the kernels that there are.")
    _report(options, baseline, unit, rows)
    return LOST if any(row.is_loss for row in rows) else GOOD


def _best_unit(baseline: Baseline) -> Unit:
    can_count = is_countable() and Unit.INSTRUCTIONS in baseline.ratios
    return Unit.INSTRUCTIONS if can_count or Unit.CPU not in baseline.ratios else Unit.CPU


def _report(options: argparse.Namespace, baseline: Baseline, unit: Unit, rows: list[Row]) -> None:
    machine = this_machine()
    if options.json:
        report = {"machine": machine.as_json(), "unit": unit.value, "rows": [row.as_json() for row in rows]}
        print(json.dumps(report, indent=2))
        return
    print(machine.as_line())
    print(
        f"Cost by {unit.value}, in calls of the reference kernel; baseline of commit {baseline.machine.get('commit')}."
    )
    if machine.python != baseline.python:
        print(f"The baseline was measured on {baseline.python}: some of the change is the interpreter's.")
    print(f"\n{format_rows(rows)}\n")
    losses = [row.label for row in rows if row.is_loss]
    if losses:
        print(f"{len(losses)} of {len(rows)} kernels cost at least {LOSS_MAX:.0%} more: {'; '.join(losses)}.")
    else:
        print(f"No kernel costs {LOSS_MAX:.0%} more.")
    if any(row.change is None for row in rows):
        print("Kernels came or went: `python -m benchmarks check --write` takes that in.")
