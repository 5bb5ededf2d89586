"""The command that lists the cluster: members."""

import re
import time

import click

from node.cli.link import Link, agent_command
from node.cli.output import format_duration, format_rtt, print_json, print_table
from node.cli.tag import TagParam
from node.member_row import MemberRow, fetch_pairs

STATUSES = ("alive", "suspect", "failed", "left")


@click.command()
@click.option(
    "--status", "statuses", type=click.Choice(STATUSES), multiple=True, help="Of this status; repeat for more."
)
@click.option("--name", "pattern", metavar="REGEX", help="Whose whole name matches.")
@click.option(
    "--tag",
    "tags",
    metavar="K=V",
    type=TagParam(),
    multiple=True,
    help="With this tag; repeat for members that have all.",
)
@click.option("--detailed", is_flag=True, help="Also id, incarnation, version, region, datacenter.")
@agent_command
def members(
    link: Link, statuses: tuple[str, ...], pattern: str | None, tags: tuple[tuple[str, str], ...], detailed: bool
) -> None:
    """List the members of the cluster as the agent sees them.

    \b
    Examples:
      shoal members
      shoal members --status failed --status left
      shoal members --name 'web-.*' --tag role=web --detailed
      shoal members --json | jq -r '.[].address'
    """
    name = _compile(pattern)
    wanted = dict(tags)
    found = [
        (raw, row)
        for raw, row in fetch_pairs(link.client)
        if (not statuses or row.status in statuses)
        and (name is None or name.fullmatch(row.name))
        and wanted.items() <= row.tags.items()
    ]
    if link.as_json:
        print_json([raw for raw, _ in found])
        return
    rows = sorted((row for _, row in found), key=_reading_order)
    now = time.time()
    if detailed:
        _print_detailed(rows, now)
    else:
        headings = ("Name", "Address", "Status", "Since", "RTT", "Tags")
        print_table(headings, [_cells(row, now) for row in rows], status_column=2)


def _reading_order(row: MemberRow) -> tuple[list[tuple[int, str]], str]:
    """Order names as people do, n2 before n10."""
    return [(int(word) if word.isdecimal() else -1, word) for word in re.split(r"(\d+)", row.name)], row.id


def _cells(row: MemberRow, now: float) -> list[str]:
    return [
        f"{row.name} *" if row.is_local else row.name,
        row.address,
        row.status,
        _age(row.since, now),
        format_rtt(row.rtt_s),
        ",".join(f"{key}={value}" for key, value in sorted(row.tags.items())),
    ]


def _print_detailed(rows: list[MemberRow], now: float) -> None:
    headings = ("Name", "Id", "Address", "Status", "Since", "RTT", "Incarnation", "Version", "Region", "DC", "Tags")
    cells = []
    for row in rows:
        name, address, status, since, rtt, tags = _cells(row, now)
        cells.append(
            [
                name,
                row.id,
                address,
                status,
                since,
                rtt,
                str(row.incarnation),
                row.version,
                row.region,
                row.datacenter,
                tags,
            ]
        )
    print_table(headings, cells, status_column=3)


def _age(since: float, now: float) -> str:
    return format_duration(max(0.0, now - since)) if since else "-"


def _compile(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise click.BadParameter(f"{pattern!r} is no regular expression: {error}", param_hint="--name") from None
