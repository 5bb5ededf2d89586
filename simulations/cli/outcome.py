"""How runs are told: to a person in lines, to a program as one object."""

from collections.abc import Iterable

import click
import msgspec

from node.cli.output import align, format_duration
from protocol.escape import escape
from simulations.result import Result, Violation

VIOLATIONS_SHOWN = 20
"""Of one run: the first explains; `--json` has them all."""
COUNTS_PER_LINE = 5


def violation_line(violation: Violation) -> str:
    """Tell a violation in a line: "no-resurrection at 12.3 s at n3: n4 was failed ..."."""
    where = f" at {violation.node}" if violation.node else ""
    return escape(f"{violation.checker} at {violation.at:.3f} s{where}: {violation.text}")


def print_result(result: Result) -> None:
    """Tell one run, and how to have it again."""
    speed = f", {result.virtual_s / result.wall_s:,.0f} times real time" if result.wall_s else ""
    rows = [
        ("run", f"{result.scenario}, {result.nodes} nodes, seed {result.seed}, profile {result.profile}"),
        ("digest", result.digest),
        ("virtual", f"{result.virtual_s:,.1f} s in {format_duration(result.wall_s)}{speed}"),
        ("events", f"{result.events:,}"),
    ]
    heading = "counts"
    for line in _count_lines(result.counts):
        rows.append((heading, line))
        heading = ""
    for line in align(rows):
        click.echo(line)
    print_violations(result)
    click.echo(f"replay: {result.command}")


def print_violations(result: Result) -> None:
    """Tell what was violated, or that all held."""
    if not result.violations:
        click.secho("all that must hold held", fg="green")
        return
    count = len(result.violations)
    click.secho(f"{count} violation{'' if count == 1 else 's'}:", fg="red")
    for violation in result.violations[:VIOLATIONS_SHOWN]:
        click.echo(f"  {violation_line(violation)}")
    if count > VIOLATIONS_SHOWN:
        click.echo(f"  and {count - VIOLATIONS_SHOWN} more")


def _count_lines(counts: dict[str, int]) -> Iterable[str]:
    shown = [f"{name} {count:,}" for name, count in counts.items() if count]
    return [", ".join(shown[at : at + COUNTS_PER_LINE]) for at in range(0, len(shown), COUNTS_PER_LINE)]


def print_object(value: object) -> None:
    """Print one object as one line of JSON."""
    click.echo(msgspec.json.encode(value))
