"""The command that follows the cluster: monitor."""

from collections.abc import Iterator
from time import sleep
from typing import Any

import click

from node.cli.link import Link, agent_command
from node.cli.output import format_moment, paint_status, print_json_line
from node.http_client import ServerEvent, StreamBrokenError, UnreachableError
from protocol.escape import escape

RETRY_PAUSE_S = 1.0
RETRY_PAUSE_MAX_S = 10.0
"""An agent that was restarted is found again within this; one that is gone costs a connection in this time."""
EVENT_WIDTH = len("member-conflict")


@click.command()
@click.option(
    "--index", type=click.IntRange(min=0), metavar="N", help="Begin after this event; 0 for all that are kept."
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after this many events.")
@agent_command
def monitor(link: Link, index: int | None, count: int | None) -> None:
    """Follow the changes of the cluster as the agent sees them, until Ctrl-C.

    When the connection breaks, it is made again and continues where it broke off. With --json each event is one
    line. If events were lost meanwhile, a line with the event `gap` says so.

    \b
    Examples:
      shoal monitor
      shoal monitor --json | jq -r 'select(.event == "member-failed").name'
    """
    for seen, event in enumerate(_follow(link, index), start=1):
        if link.as_json:
            print_json_line(_as_line(event))
        else:
            _print_event(event)
        if seen == count:
            return


def _follow(link: Link, index: int | None) -> Iterator[ServerEvent]:
    """Give events, and connect again for ever once a first connection was made.

    Raises:
        ClientError: the first connection failed, or a later one was refused by the agent.
    """
    met, pause_s = False, RETRY_PAUSE_S
    while True:
        try:
            for event in link.client.events("/v1/cluster/events", {} if index is None else {"index": str(index)}):
                met, pause_s = True, RETRY_PAUSE_S
                index = event.index if event.index is not None else index
                if event.data is not None:
                    yield event
            met, reason = True, f"{link.client.url} closed the stream"
        except UnreachableError as error:
            met = met or isinstance(error, StreamBrokenError)
            if not met:
                raise
            reason = str(error)
        click.echo(f"shoal: {escape(reason)}; trying again in {pause_s:g} s", err=True)
        sleep(pause_s)
        pause_s = min(2 * pause_s, RETRY_PAUSE_MAX_S)


def _as_line(event: ServerEvent) -> dict[str, Any]:
    data = event.data if isinstance(event.data, dict) else {"data": event.data}
    return {"event": event.kind, "index": event.index} | data


def _print_event(event: ServerEvent) -> None:
    data, kind = event.data, f"{escape(event.kind):<{EVENT_WIDTH}}"
    if event.kind == "gap" or not isinstance(data, dict):
        click.echo(f"{kind}  some events before the next ones are lost")
        return
    if event.kind == "end":
        click.echo(f"{kind}  {escape(str(data.get('reason', '')))}")
        return
    at, status = data.get("at"), data.get("status")
    moment = format_moment(at) if isinstance(at, int | float) else "-"
    click.echo(
        f"{moment}  {kind}  {escape(str(data.get('name', '?')))}"
        f"  {escape(str(data.get('address', '')))}  {paint_status(str(status or 'off the list'))}"
        f"  incarnation {escape(str(data.get('incarnation', '?')))}"
    )
