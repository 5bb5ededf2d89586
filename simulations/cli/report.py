"""The command that writes a page with plots: report."""

import shlex
from pathlib import Path

import click
from rich.progress import MofNCompleteColumn

from protocol.error import InvalidRequest
from simulations.campaign import Campaign, Tally, open_pool
from simulations.cli.request import choose_scenarios, parse_seeds, scenarios_option
from simulations.machine import core_count, this_machine
from simulations.progress import progress
from simulations.replay import PROGRAM
from simulations.result import Result
from simulations.scenario import Scenario

SEEDS = "1..5"


@click.command("report", short_help="Write a page with plots of many runs.")
@click.option("--in", "in_file", metavar="FILE", type=click.Path(path_type=Path), help="What `campaign --out` wrote.")
@click.option("--out", "out_file", metavar="FILE", type=click.Path(path_type=Path), default="report.html",
              show_default=True, help="The page.")  # fmt: skip
@scenarios_option
@click.option(
    "--seeds", "seeds_text", metavar="A..B", help=f"Without --in: of its own small campaign; {SEEDS} if left."
)
@click.option("--jobs", type=click.IntRange(0, 256), metavar="J", help="Processes; all cores if left.")
@click.option("--title", default="Simulations", show_default=True, help="Of the page.")
def command(
    in_file: Path | None, out_file: Path, names: str, seeds_text: str | None, jobs: int | None, title: str
) -> None:
    """Write one HTML page: detection times, view sizes, messages, and the timeline of one run.

    Without --in it runs a small campaign itself, and keeps its timelines.

    \b
    Examples:
      python -m simulations report --scenarios crash --seeds 1..20
      python -m simulations campaign --seeds 1..100 --out results.jsonl; python -m simulations report --in results.jsonl
    """
    from simulations.report import read_results, write_report

    words = ["report", *(["--scenarios", names] if names else [])]
    scenarios = choose_scenarios(names)
    if in_file is not None:
        if seeds_text is not None or jobs is not None:
            raise InvalidRequest("with --in there is nothing to run: leave out --seeds and --jobs")
        chosen = {scenario.name for scenario in scenarios} if names else None
        results = [result for result in read_results(in_file) if chosen is None or result.scenario in chosen]
        words += ["--in", str(in_file)]
    else:
        seeds = seeds_text or SEEDS
        results = _run(scenarios, parse_seeds(seeds), core_count() if jobs is None else jobs)
        words += ["--seeds", seeds]
    machine = this_machine()
    about = {
        "machine": machine.hardware,
        "Python": machine.python,
        "commit": machine.commit,
        "command": f"{PROGRAM} {shlex.join([*words, '--out', str(out_file)])}",
    }
    write_report(out_file, results, title=title, about=about)
    click.echo(f"wrote {out_file}: {len(results):,} runs")


def _run(scenarios: list[Scenario], seeds: range, jobs: int) -> list[Result]:
    """Carry out a campaign that keeps its timelines."""
    campaign = Campaign(scenarios, seeds, keep_timelines=True)
    with open_pool(jobs) as pool, progress(MofNCompleteColumn()) as bar:
        task = bar.add_task("runs", total=campaign.size)
        results = []
        for result in campaign.carry_out(pool, Tally(scenarios)):
            results.append(result)
            bar.advance(task)
        return results
