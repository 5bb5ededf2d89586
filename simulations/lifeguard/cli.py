"""python -m simulations lifeguard: the configurations over the ladder, as a table like the paper's."""

import json
from dataclasses import asdict
from typing import get_args

import click

from node.cli.output import print_table
from simulations.lifeguard.configuration import CONFIGURATIONS
from simulations.lifeguard.experiment import LASTS_S, Anomaly, Outcome, Task, run_cell
from simulations.lifeguard.ladder import Cell, full_ladder, thin_ladder
from simulations.lifeguard.table import Row, add_up
from simulations.pool import compute_all


@click.command("lifeguard")
@click.option("--nodes", default=128, show_default=True, type=click.IntRange(40, 2_000), help="Members.")
@click.option("--alpha", default=5, show_default=True, type=click.IntRange(1, 20))
@click.option("--beta", default=6, show_default=True, type=click.IntRange(1, 20))
@click.option("--full", is_flag=True, help="The paper's 648 cells, not 24 of those that matter most.")
@click.option("--repetitions", default=1, show_default=True, type=click.IntRange(1, 100))
@click.option("--anomaly", default="blocked", show_default=True, type=click.Choice(get_args(Anomaly)))
@click.option("--duration", default=LASTS_S, show_default=True, help="Virtual seconds of trouble per cell.")
@click.option("--seed", default=1, show_default=True)
@click.option("--jobs", type=click.IntRange(1), help="Processes; all cores by default.")
@click.option("--json", "as_json", is_flag=True, help="One object instead of a table.")
def command(
    nodes: int,
    alpha: int,
    beta: int,
    full: bool,
    repetitions: int,
    anomaly: Anomaly,
    duration: float,
    seed: int,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Run Lifeguard's interval experiment in its five configurations and in ours."""
    ladder = full_ladder(repetitions) if full else thin_ladder(repetitions)
    tasks = make_tasks(ladder, anomaly, nodes, alpha, beta, seed, duration)
    outcomes = compute_all(run_cell, tasks, f"{len(ladder)} cells x {len(CONFIGURATIONS)} configurations", jobs)
    rows = add_up(outcomes, [configuration.name for configuration in CONFIGURATIONS])
    about = {"nodes": nodes, "alpha": alpha, "beta": beta, "cells": len(ladder), "anomaly": anomaly, "seed": seed}
    if as_json:
        click.echo(json.dumps({**about, "rows": [asdict(row) for row in rows], "cells_of": _by_cell(outcomes)}))
    else:
        _print(rows, ", ".join(f"{name} {value}" for name, value in about.items()))


def make_tasks(
    ladder: list[Cell], anomaly: Anomaly, nodes: int, alpha: int, beta: int, seed: int, lasts_s: float
) -> list[Task]:
    """Give what the workers compute: every cell under every configuration, with the same troubles."""
    return [
        Task(cell, configuration.name, anomaly, nodes, alpha, beta, seed, lasts_s)
        for cell in ladder
        for configuration in CONFIGURATIONS
    ]


def _by_cell(outcomes: list[Outcome]) -> list[dict[str, object]]:
    return [asdict(outcome) for outcome in outcomes]


def _print(rows: list[Row], about: str) -> None:
    headings = ("configuration", "FP", "FP-", "FP %", "paper", "FP- %", "95 %", "paper", "messages", "bytes")
    print_table(headings, [_cells(row) for row in rows])
    click.echo(about)


def _cells(row: Row) -> tuple[str, ...]:
    interval = row.healthy_interval
    return (
        row.configuration,
        f"{row.false_alarms:,}",
        f"{row.healthy_false_alarms:,}",
        _percent(row.false_share),
        _percent(row.paper_false_share),
        _percent(row.healthy_share),
        f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f}" if interval else "-",
        _percent(row.paper_healthy_share),
        f"{100 * (row.datagrams_share - 1):+.1f} %",
        f"{100 * (row.bytes_share - 1):+.1f} %",
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
