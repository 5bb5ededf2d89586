"""The command that runs scenarios with many seeds: campaign."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import BinaryIO

import click
from rich.progress import MofNCompleteColumn, TextColumn

from node.cli.output import format_duration, print_table
from protocol.error import InvalidRequest
from simulations.campaign import Campaign, Tally, open_pool
from simulations.cli.outcome import print_object, violation_line
from simulations.cli.request import check_nodes, choose_scenarios, encode_option, parse_seeds, scenarios_option
from simulations.cli.root import EXIT_INTERRUPTED, EXIT_VIOLATED
from simulations.machine import core_count
from simulations.progress import progress

JOBS_MAX = 256
HOUR_S = 3_600


@click.command("campaign", short_help="Run scenarios with many seeds, on all cores or machines.")
@scenarios_option
@click.option("--seeds", "seeds_text", metavar="A..B", required=True, help="Both included.")
@click.option("--nodes", type=int, metavar="N", help="Nodes of every run; drawn from the seeds if left.")
@click.option("--jobs", type=click.IntRange(0, JOBS_MAX), metavar="J", help="Processes; all cores if left, 0 for none.")
@click.option(
    "--scheduler", metavar="ADDRESS", default="", help="A Dask scheduler, tcp://host:port, whose workers run."
)
@click.option(
    "--out", "out_file", metavar="FILE", type=click.Path(path_type=Path), help="Results, a line of JSON each."
)
@click.option("--timelines", is_flag=True, help="Write the timelines of runs without violations too.")
@encode_option
@click.option("--json", "as_json", is_flag=True, help="Print what it came to as one object.")
@click.pass_context
def command(
    ctx: click.Context,
    names: str,
    seeds_text: str,
    nodes: int | None,
    jobs: int | None,
    scheduler: str,
    out_file: Path | None,
    timelines: bool,
    encode: bool,
    as_json: bool,
) -> None:
    """Run each scenario with each seed; the exit code is 1 if anything was violated, or a scenario was vacuous.

    A scenario is vacuous when what it is there for never happened in any run. Sizes are drawn from the seeds. Results
    do not depend on how many processes or machines there are. Ctrl-C ends it with what was done so far.

    \b
    Examples:
      python -m simulations campaign --seeds 1..100
      python -m simulations campaign --scenarios crash,steady --seeds 1..1000 --out results.jsonl
      python -m simulations campaign --seeds 1..10000 --scheduler tcp://10.0.0.1:8786
    """
    if scheduler and jobs is not None:
        raise InvalidRequest("--jobs is for this machine: with --scheduler the cluster has its own number of workers")
    if nodes is not None:
        check_nodes(nodes)
    campaign = Campaign(choose_scenarios(names), parse_seeds(seeds_text), encode, timelines, nodes)
    tally = Tally(campaign.scenarios)
    interrupted = False
    try:
        with _open_out(out_file) as out:
            _carry_out(campaign, tally, core_count() if jobs is None else jobs, scheduler, out)
    except KeyboardInterrupt:
        interrupted = True
    vacuous = [] if interrupted else list(tally.vacuous())
    if as_json:
        print_object(_summary(campaign, tally, vacuous, interrupted))
    else:
        _print(campaign, tally, vacuous, interrupted)
    if interrupted:
        ctx.exit(EXIT_INTERRUPTED)
    if vacuous or tally.violated:
        ctx.exit(EXIT_VIOLATED)


def _carry_out(campaign: Campaign, tally: Tally, jobs: int, scheduler: str, out: BinaryIO | None) -> None:
    columns = (MofNCompleteColumn(), TextColumn("{task.fields[so_far]}"))
    with open_pool(jobs, scheduler) as pool, progress(*columns) as bar:
        task = bar.add_task("campaign", total=campaign.size, so_far="")
        for _ in campaign.carry_out(pool, tally, out):
            speed = bar.tasks[task].speed
            per_s = f"{speed:,.1f} runs/s, " if speed else ""
            bar.update(task, advance=1, so_far=f"{per_s}{tally.violated} violated")


@contextmanager
def _open_out(file: Path | None) -> Iterator[BinaryIO | None]:
    if file is None:
        yield None
        return
    try:
        out = file.open("wb")
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}") from None
    with out:
        yield out


# --- what it came to ----------------------------------------------------------------------------


def _print(campaign: Campaign, tally: Tally, vacuous: list[str], interrupted: bool) -> None:
    headings = ("scenario", "runs", "violated", "reached", "first found", "all found", "virtual", "mean wall")
    rows = [
        (
            name,
            f"{one.runs:,}",
            f"{one.violated:,}",
            ", ".join(f"{what} {count:,}" for what, count in one.reached.items()) or "-",
            _median(one.first_found_s),
            _median(one.all_found_s),
            f"{one.virtual_s / HOUR_S:,.2f} h",
            format_duration(one.wall_s / one.runs) if one.runs else "-",
        )
        for name, one in tally.scenarios.items()
    ]
    print_table(headings, rows)
    of = f"{tally.runs:,} of {campaign.size:,} runs" if interrupted else f"{tally.runs:,} runs"
    click.echo(f"{of}, digest {tally.digest}")
    if tally.violated:
        click.secho(f"{tally.violated:,} violated{_first(tally)}:", fg="red")
        for result in tally.shown:
            click.echo(f"  {result.scenario}: {violation_line(result.violations[0])}")
            click.echo(f"    {result.command}")
    for sentence in vacuous:
        click.secho(sentence, fg="red")
    if interrupted:
        click.echo("interrupted: the table is what was done so far")
    elif not tally.violated and not vacuous:
        click.secho("all that must hold held", fg="green")


def _median(seconds: list[float]) -> str:
    return f"{median(seconds):.2f} s" if seconds else "-"


def _first(tally: Tally) -> str:
    return f", of which the first {len(tally.shown)}" if tally.violated > len(tally.shown) else ""


def _summary(campaign: Campaign, tally: Tally, vacuous: list[str], interrupted: bool) -> dict[str, object]:
    return {
        "seeds": [campaign.seeds[0], campaign.seeds[-1]],
        "encode": campaign.encode,
        "runs": tally.runs,
        "planned": campaign.size,
        "violated": tally.violated,
        "digest": tally.digest,
        "interrupted": interrupted,
        "vacuous": vacuous,
        "scenarios": {
            name: {
                "runs": one.runs,
                "violated": one.violated,
                "reached": one.reached,
                "counts": dict(sorted(one.counts.items())),
                "virtual_s": one.virtual_s,
                "wall_s": one.wall_s,
                "first_found_median_s": median(one.first_found_s) if one.first_found_s else None,
                "all_found_median_s": median(one.all_found_s) if one.all_found_s else None,
                "events": one.events,
            }
            for name, one in tally.scenarios.items()
        },
        "violations": [
            {
                "scenario": result.scenario,
                "seed": result.seed,
                "nodes": result.nodes,
                "violations": result.violations,
                "command": result.command,
            }
            for result in tally.shown
        ],
    }
