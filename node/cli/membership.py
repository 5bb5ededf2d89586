"""Commands that change the cluster: join, leave, force-leave, tags."""

import click

from node.cli.link import Link, agent_command
from node.cli.output import print_json, print_pairs
from node.cli.root import Failure
from node.cli.tag import TagParam
from node.http_client import JOIN_TIMEOUT_S, ClientError
from node.member_row import MemberRow, fetch_members
from protocol.escape import escape


@click.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@agent_command
def join(link: Link, addresses: tuple[str, ...]) -> None:
    """Tell the agent to join the cluster of the nodes at ADDRESS...

    An ADDRESS is the gossip address of any member: host:port, or a host alone, whose port is then the agent's own.
    One that answers is enough.

    \b
    Example:
      shoal join 10.0.0.1:7946 10.0.0.2:7946
    """
    params = [("address", address) for address in addresses]
    answer = link.client.send("POST", "/v1/agent/join", params, timeout_s=JOIN_TIMEOUT_S)
    joined = answer.get("num_joined") if isinstance(answer, dict) else None
    if not isinstance(joined, int):
        raise ClientError(f"{link.client.url} gave no number of joined addresses: is it an agent?")
    if link.as_json:
        print_json(answer)
    if joined == 0:
        raise Failure(str(answer.get("error") or "no address answered"))
    if not link.as_json:
        click.echo(f"joined through {joined} of {len(addresses)} addresses")


@click.command()
@click.option("--stay", is_flag=True, help="Keep the process, out of the cluster, until it is told to join again.")
@agent_command
def leave(link: Link, stay: bool) -> None:
    """Tell the agent to say goodbye to the cluster and exit.

    The others see it left, not failed. It takes at most 5 s. An agent that left and is started again without
    --join stays out; with --join it returns.

    \b
    Examples:
      shoal leave
      shoal leave --stay && shoal join 10.0.0.1:7946
    """
    answer = link.client.send("POST", "/v1/cluster/leave", {"stay": "true"} if stay else {})
    link.tell(answer, f"the agent has left and {'keeps running' if stay else 'is exiting'}")


@click.command("force-leave")
@click.argument("node")
@click.option("--prune", is_flag=True, help="Take it off the list at once, instead of after the reap time.")
@agent_command
def force_leave(link: Link, node: str, prune: bool) -> None:
    """Turn the failed member NODE (a name, name.region or id) into one that left.

    A member that is alive refutes it and stays: tell it to leave instead.

    \b
    Examples:
      shoal force-leave n3
      shoal force-leave --prune n3
    """
    status = _status_before(link, node)
    link.client.call("PUT", "/v1/agent/force-leave", {"node": node} | ({"prune": "true"} if prune else {}))
    if link.as_json:
        print_json({"node": node, "status_before": status, "prune": prune})
    elif status in ("alive", "suspect"):
        click.echo(f"{escape(node)} is {status}: if it answers, it refutes this and stays")
    else:
        click.echo(f"{escape(node)} is {'off the list' if prune else 'left'}")


def _status_before(link: Link, node: str) -> str:
    """Find NODE's status; the route itself takes any name in silence.

    Raises:
        Failure: the list can be read and has no such member.
    """
    try:
        rows = fetch_members(link.client)
    except ClientError as error:
        if error.status in (401, 403):
            return ""
        raise
    for row in rows:
        if node in (row.name, f"{row.name}.{row.region}") or node.upper() == row.id:
            return row.status
    raise Failure(f"no member is called {node!r}: `shoal members` lists them")


@click.command()
@click.option("--set", "changed", metavar="K=V", type=TagParam(), multiple=True, help="Set a tag; repeat for more.")
@click.option("--delete", "deleted", metavar="K", multiple=True, help="Delete a tag; repeat for more.")
@agent_command
def tags(link: Link, changed: tuple[tuple[str, str], ...], deleted: tuple[str, ...]) -> None:
    """Show or change the agent's own tags; every member sees the change.

    \b
    Examples:
      shoal tags
      shoal tags --set role=web --set rack=b2 --delete draining
    """
    if changed or deleted:
        answer = link.client.send("PUT", "/v1/cluster/tags", body={"set": dict(changed), "delete": list(deleted)})
        held = answer.get("tags", answer) if isinstance(answer, dict) else None
    else:
        held = _local_row(link).tags
    if not isinstance(held, dict):
        raise ClientError(f"{link.client.url} gave no tags: is it an agent?")
    if link.as_json:
        print_json(held)
    else:
        print_pairs((str(key), str(value)) for key, value in sorted(held.items()))


def _local_row(link: Link) -> MemberRow:
    for row in fetch_members(link.client):
        if row.is_local:
            return row
    raise ClientError("the agent does not list itself")
