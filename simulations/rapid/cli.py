"""python -m simulations rapid: Rapid's set-ups, each measured as its authors did."""

import json
from dataclasses import asdict

import click

from node.cli.output import print_table
from simulations.pool import compute_all
from simulations.rapid.experiment import Findings, run_setup
from simulations.rapid.setup import SETUPS

Task = tuple[str, int, int, float]


@click.command("rapid")
@click.argument("names", nargs=-1, type=click.Choice(list(SETUPS)))
@click.option("--nodes", type=click.IntRange(100, 10_000), help="Members; as many as theirs by default.")
@click.option("--seed", default=1, show_default=True)
@click.option("--duration", type=click.FloatRange(10, 3_600), help="Virtual seconds after the fault.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; all cores by default.")
@click.option("--json", "as_json", is_flag=True, help="One object per line instead of a table.")
def command(
    names: tuple[str, ...], nodes: int | None, seed: int, duration: float | None, jobs: int | None, as_json: bool
) -> None:
    """Run Rapid's set-ups (all, or those named): bootstrap, crash, flip_flop, loss."""
    chosen = [SETUPS[name] for name in names or tuple(SETUPS)]
    tasks: list[Task] = [(setup.name, nodes or setup.nodes, seed, duration or setup.lasts_s) for setup in chosen]
    found = compute_all(run_task, tasks, "Rapid's set-ups", jobs)
    if as_json:
        for findings in found:
            click.echo(json.dumps(asdict(findings)))
    else:
        _print(found)
    if any(findings.healthy_removed for findings in found):
        click.echo("a healthy member was held failed by a healthy one", err=True)
        raise SystemExit(1)


def run_task(task: Task) -> Findings:
    """Run one in a worker."""
    name, nodes, seed, lasts_s = task
    return run_setup(SETUPS[name], nodes, seed, lasts_s)


def _print(found: list[Findings]) -> None:
    headings = ("set-up", "nodes", "faulty", "complete", "first seen", "all seen", "healthy removed", "faulty removed")
    print_table((*headings, "B/s mean", "B/s max", "wall"), [_cells(one) for one in found])


def _cells(one: Findings) -> tuple[str, ...]:
    return (
        one.setup,
        f"{one.nodes:,}",
        f"{one.faulty:,}",
        _seconds(one.complete_s),
        _seconds(one.first_seen_s),
        _seconds(one.all_seen_s),
        f"{one.healthy_removed:,}",
        f"{one.faulty_removed:,}",
        f"{one.bytes_sent_mean:,.0f}",
        f"{one.bytes_sent_max:,.0f}",
        f"{one.wall_s:.0f} s",
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
