"""The command that runs one scenario once: run."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

import click

from protocol.error import InvalidRequest
from simulations.campaign.trial import carry_out
from simulations.checkers import ALL_CHECKERS, Checker
from simulations.cli.order import Order, order_command
from simulations.cli.outcome import print_object, print_result
from simulations.cli.root import EXIT_VIOLATED
from simulations.progress import progress
from simulations.result import Result
from simulations.run import Run

STDOUT = "-"
R = TypeVar("R", bound=Run)


@click.command("run", short_help="Run one scenario once, or a stored plan.")
@order_command
@click.option("--json", "as_json", is_flag=True, help="Print the result as one object.")
@click.option("--trace", "trace_file", metavar="FILE", help="Write down every event, a line each; - for the output.")
@click.option("--no-check", is_flag=True, help="Leave out the laws of every step: faster, and only the end is judged.")
@click.pass_context
def command(ctx: click.Context, order: Order, as_json: bool, trace_file: str | None, no_check: bool) -> None:
    """Run SCENARIO once and tell what came of it; the exit code is 1 if anything was violated.

    \b
    Examples:
      python -m simulations run crash --nodes 12 --seed 7
      python -m simulations run crash --seed 7 --encode --json
      python -m simulations run crash --plan small.json --trace trace.txt
    """
    if as_json and trace_file == STDOUT:
        raise InvalidRequest("--json and --trace - both want the output: give the trace a file")
    result = _carry_out(order, trace_file, () if no_check else ALL_CHECKERS)
    if as_json:
        print_object(result)
    else:
        print_result(result)
    if result.violations:
        ctx.exit(EXIT_VIOLATED)


def _carry_out(order: Order, trace_file: str | None, checkers: tuple[type[Checker], ...]) -> Result:
    """Run a plan with a progress bar, and with a trace where one is wanted.

    Raises:
        InvalidRequest: the plan has settings that do not exist, or the trace cannot be written.
    """
    plan, scenario, line = order.plan, order.scenario, order.line
    with _progress(f"{scenario.name}, seed {plan.seed}") as tell:
        if trace_file is None:
            return carry_out(_prepare(lambda: Run(plan, scenario, checkers=checkers, tell=tell)), line)
        from simulations.tracer import TracedRun

        with _open_trace(trace_file) as out:
            run = _prepare(lambda: TracedRun(plan, scenario, lambda text: out.write(f"{text}\n"), checkers, tell))
            run.tracer.begin(plan, line)
            result = carry_out(run, line)
            run.tracer.end(result)
            return result


def _prepare(make: Callable[[], R]) -> R:
    try:
        return make()
    except (TypeError, ValueError) as error:  # settings come from a stored plan by name
        raise InvalidRequest(f"the plan cannot be run: {error}") from None


@contextmanager
def _open_trace(file: str) -> Iterator[TextIO]:
    if file == STDOUT:
        yield sys.stdout
        return
    try:
        out = Path(file).open("w", encoding="utf-8")  # noqa: SIM115  # only to open it may fail with a sentence
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}") from None
    with out:
        yield out


@contextmanager
def _progress(label: str) -> Iterator[Callable[[float, float], None]]:
    with progress() as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
