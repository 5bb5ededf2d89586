"""Commands that show the agent itself: info and health."""

from typing import Any

import click

from node.cli.link import Link, agent_command
from node.cli.output import print_json, print_pairs
from node.cli.root import Failure
from node.http_client import ClientError
from protocol.escape import escape

CONFIG_SHOWN = (
    "NodeName", "Region", "Datacenter", "Profile", "BindAddr", "AdvertiseAddrs", "DataDir", "LogLevel", "LeaveOnTerm",
)  # fmt: skip
"""What says something of this node; the rest of Nomad's configuration is there for Nomad's clients."""
STATS_HIDDEN = frozenset({"raft", "nomad", "client"})
"""Groups that Nomad's clients look for and that a node without servers can only fill with zeros."""


@click.command()
@agent_command
def info(link: Link) -> None:
    """Show who the agent is, how it is configured, and its counters; all that it tells with --json.

    \b
    Example:
      shoal info --json | jq .stats
    """
    identity = _mapping(link, "/v1/cluster/identity")
    agent = _mapping(link, "/v1/agent/self")
    if link.as_json:
        print_json({"identity": identity} | agent)
        return
    _print_group("identity", identity)
    config, stats = agent.get("config"), agent.get("stats")
    if isinstance(config, dict):
        _print_group("config", {key: config[key] for key in CONFIG_SHOWN if key in config})
    for group, values in stats.items() if isinstance(stats, dict) else ():
        if group not in STATS_HIDDEN:
            _print_group(str(group), values)


@click.command()
@click.option("--type", "kinds", type=click.Choice(["client", "server"]), multiple=True, help="Ask for one half alone.")
@agent_command
def health(link: Link, kinds: tuple[str, ...]) -> None:
    """Tell whether the agent is well; the exit code is 1 if it is not.

    \b
    Example:
      shoal health || echo "look at the log"
    """
    answer = link.client.exchange("GET", "/v1/agent/health", [("type", kind) for kind in kinds])
    if answer.status not in (200, 500):
        link.client.refuse(answer)
    halves = answer.json()
    if not isinstance(halves, dict) or not all(isinstance(half, dict) for half in halves.values()):
        raise ClientError(f"{link.client.url} gave no health: is it an agent?")
    if link.as_json:
        print_json(halves)
    bad = [(name, str(half.get("message", ""))) for name, half in halves.items() if half.get("ok") is not True]
    if bad:
        raise Failure("; ".join(f"the {name} half is not well: {message}" for name, message in bad))
    if not link.as_json:
        print_pairs((str(name), str(half.get("message", ""))) for name, half in halves.items())


def _mapping(link: Link, path: str) -> dict[str, Any]:
    answer = link.client.get(path)
    if not isinstance(answer, dict):
        raise ClientError(f"{link.client.url}{path} is not what an agent answers")
    return answer


def _print_group(title: str, values: object) -> None:
    if isinstance(values, dict) and values:
        click.echo(escape(title))
        print_pairs(((str(key), _text(value)) for key, value in values.items()), indent="  ")


def _text(value: object) -> str:
    """Write a value for a person: booleans as words, lists and objects with commas."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_text(entry) for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(entry)}" for key, entry in value.items())
    return "" if value is None else str(value)
