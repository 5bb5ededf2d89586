"""The command that makes a failing plan small: shrink."""

from pathlib import Path

import click

from protocol.error import InvalidRequest
from simulations.campaign.trial import carry_out
from simulations.cli.order import Order, order_command
from simulations.cli.outcome import violation_line
from simulations.cli.request import write_file
from simulations.plan import Plan, encode_plan
from simulations.progress import progress
from simulations.replay import stored_command
from simulations.result import Result
from simulations.run import Run
from simulations.scenario import Scenario
from simulations.shrink import ATTEMPTS_MAX, Fails, Shrinker, Shrunk, describe, kind_of

ATTEMPTS_LONGEST = 100_000


@click.command("shrink", short_help="Find the least plan that still fails.")
@order_command
@click.option(
    "--attempts",
    type=click.IntRange(1, ATTEMPTS_LONGEST),
    default=ATTEMPTS_MAX,
    show_default=True,
    help="Runs at most.",
)
@click.option("--out", "out_file", metavar="FILE", type=click.Path(path_type=Path), help="SCENARIO-SEED.json if left.")
def command(order: Order, attempts: int, out_file: Path | None) -> None:
    """Take away from a failing run of SCENARIO all that is not needed for it to fail in the same way.

    Deeds are left out and shortened, nodes and delays taken away, as long as the same checker still reports. What is
    left is printed, and written as a plan that `run --plan` carries out.

    \b
    Example:
      python -m simulations shrink crash --seed 7 --out small.json
    """
    plan, scenario = order.plan, order.scenario
    first = _carry_out(plan, scenario, order.line)
    if not first.violations:
        raise InvalidRequest(f"nothing to shrink: all that must hold held in {order.line}")
    click.echo(f"fails with {violation_line(first.violations[0])}")
    shrunk = _shrink(plan, scenario, kind_of(first.violations[0]), attempts)
    file = out_file or Path(f"{scenario.name}-{plan.seed}.json")
    write_file(file, encode_plan(shrunk.plan))
    line = stored_command(shrunk.plan, shrunk.plan, str(file))
    _print(plan, shrunk, _carry_out(shrunk.plan, scenario, line))


def _carry_out(plan: Plan, scenario: Scenario, line: str) -> Result:
    return carry_out(Run(plan, scenario), line)


def _shrink(plan: Plan, scenario: Scenario, kind: str, attempts: int) -> Shrunk:
    with progress() as bar:
        task = bar.add_task("shrink", total=attempts)

        def tell(done: int, least: Plan) -> None:
            bar.update(task, completed=done, description=f"shrink: {len(least.deeds)} deeds, {least.nodes} nodes")

        return Shrinker(plan, fails_alike(scenario, kind), attempts_max=attempts, tell=tell).shrink()


def fails_alike(scenario: Scenario, kind: str) -> Fails:
    """Give what tells whether a plan violates the same as the first did."""

    def fails(plan: Plan) -> bool:
        return any(kind_of(violation) == kind for violation in _carry_out(plan, scenario, "").violations)

    return fails


def _print(before: Plan, shrunk: Shrunk, result: Result) -> None:
    plan = shrunk.plan
    click.echo(f"from {_size(before)} to {_size(plan)} in {shrunk.attempts} runs")
    for line in describe(plan):
        click.echo(f"  {line}")
    for violation in result.violations[:1]:
        click.echo(f"violates {violation_line(violation)}")
    if not shrunk.is_least:
        click.echo("the attempts were used up: with more --attempts it may become smaller")
    click.echo(f"replay: {result.command}")


def _size(plan: Plan) -> str:
    deeds = "1 deed" if len(plan.deeds) == 1 else f"{len(plan.deeds)} deeds"
    return f"{deeds} and {plan.nodes} node{'' if plan.nodes == 1 else 's'}"
