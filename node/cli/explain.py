"""The command that tells the story of a member: explain."""

from typing import Any

import click
import msgspec

from node.cli.link import Link, agent_command
from node.cli.output import format_duration, format_moment, paint_status, print_json
from node.http_client import ClientError, segment
from protocol.escape import escape

STALL_SHOWN_S = 0.1
"""Timers are always late by a little; what is shorter explains nothing."""


class Entry(msgspec.Struct, frozen=True):
    """One piece of evidence, as /v1/cluster/explain gives it."""

    at: float
    change: str
    status: str
    incarnation: int
    by: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    rtt_s: float | None = None
    awareness: int = 0
    stall_s: float = 0.0
    text: str = ""


class Story(msgspec.Struct, frozen=True):
    """The evidence still kept about one member, oldest first."""

    name: str
    id: str
    status: str | None
    entries: tuple[Entry, ...]
    forgotten: int = 0


@click.command()
@click.argument("node")
@agent_command
def explain(link: Link, node: str) -> None:
    """Tell why the agent thinks what it thinks of NODE (a name, name.region or id).

    For each change: when, what, who accused, which paths were tried with what result, and how well the agent
    itself was then: its awareness (0 is healthy) and how late its own timers were.

    \b
    Example:
      shoal explain n3
    """
    answer = link.client.get(f"/v1/cluster/explain/{segment(node)}")
    if link.as_json:
        print_json(answer)
        return
    for line in tell(_read(answer)):
        click.echo(line)


def tell(story: Story) -> list[str]:
    """Write the story, one line for each change and its details below it."""
    status = paint_status(story.status) if story.status else "off the list"
    lines = [f"{escape(story.name)} ({escape(story.id)}) is {status} for this agent"]
    if story.forgotten:
        lines.append(f"{story.forgotten} older changes are no longer kept")
    if not story.entries:
        lines.append("nothing is kept about it")
    for entry in story.entries:
        lines += _tell_entry(entry)
    return lines


def _tell_entry(entry: Entry) -> list[str]:
    what = f"{escape(entry.change)}, {paint_status(entry.status)} at incarnation {entry.incarnation}"
    lines = ["", f"{format_moment(entry.at)}  {what}"]
    if entry.text:
        lines.append(f"  {escape(entry.text)}")
    if entry.by:
        lines.append(f"  by: {escape(', '.join(entry.by))}")
    if entry.paths:
        lines.append("  tried:")
        lines += [f"    {escape(path)}" for path in entry.paths]
    if entry.rtt_s is not None:
        lines.append(f"  last round trip before: {format_duration(entry.rtt_s)}")
    if entry.awareness:
        lines.append(f"  this agent's awareness: {entry.awareness} (0 is healthy)")
    if entry.stall_s >= STALL_SHOWN_S:
        lines.append(f"  this agent's own timers were late by {format_duration(entry.stall_s)}")
    return lines


def _read(answer: Any) -> Story:
    try:
        return msgspec.convert(answer, Story, strict=False)
    except msgspec.ValidationError as error:
        raise ClientError(f"the answer is not a member's evidence ({error}): is it an agent?") from None
