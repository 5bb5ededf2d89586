"""Commands for the cluster's keys: keys new, operator, list, add, use, retire."""

from pathlib import Path

import click

from node.cli.link import Link, agent_command
from node.cli.output import print_json, print_table
from node.cli.root import Failure
from node.http_client import segment

KEYS_PATH = "/v1/cluster/keys"


@click.group()
def keys() -> None:
    """Make, list and rotate the cluster's keys.

    A key file admits a node to the cluster: who starts with the same file is in the same cluster.

    \b
    Make one, and start every node with it:
      shoal keys new cluster.key
      shoal agent --key-file cluster.key ...
    Rotate the key of a running cluster:
      shoal keys add
      shoal keys list          (until all members have shown the new one)
      shoal keys use ID
      shoal keys retire OLD_ID
    """


@keys.command(short_help="Make a new cluster: write its first key file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def new(file: Path) -> None:
    """Make a new cluster: write a fresh cluster id and key to FILE, readable by its owner alone.

    No agent is needed, and an existing FILE is never overwritten.

    \b
    Example:
      shoal keys new cluster.key
    """
    from node.new_key_file import write_key_file

    try:
        write_key_file(file)
    except FileExistsError:
        raise Failure(f"{file} exists: a key file is never overwritten") from None
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {file}: give it to each node with `shoal agent --key-file {file}`, and to nobody else")


@keys.command(short_help="Make an operator's key, which alone puts peers out or in again.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def operator(file: Path) -> None:
    """Make a key for the operator and write it to FILE, readable by its owner alone; keep it away from the nodes.

    Where every node has its public half as `revocation_operator_key`, only who holds FILE puts peers out or takes
    them in again: a member that was taken over cannot.

    \b
    Example:
      shoal keys operator operator.key
    """
    from os import urandom

    from node.new_file import write_new_file
    from protocol.security.signing_key import SigningKey, format_public_key

    key = SigningKey.generate(urandom)
    try:
        write_new_file(file, key.encode_file(), 0o600)
    except FileExistsError:
        raise Failure(f"{file} exists: a key file is never overwritten") from None
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {file}; give each node --revocation-operator-key {format_public_key(key.public_key)}")


@keys.command("list", short_help="List the keys, and how many members have shown each.")
@agent_command
def list_keys(link: Link) -> None:
    """List the keys the agent holds, never their bytes, and how many members have shown each.

    \b
    Example:
      shoal keys list
    """
    held = link.fetch_rows(KEYS_PATH, "keys")
    if link.as_json:
        print_json(held)
        return
    print_table(
        ("Key", "State", "Shown by"),
        [(str(k.get("id")), str(k.get("state")), f"{k.get('shown_count')} of {k.get('member_count')}") for k in held],
    )


@keys.command(short_help="Make a fresh key and give it to every member.")
@agent_command
def add(link: Link) -> None:
    """Make a fresh key and give it to every member; it is not used until `shoal keys use`.

    \b
    Example:
      shoal keys add
    """
    answer = link.client.send("POST", KEYS_PATH, body={})
    key_id = answer.get("id", "?") if isinstance(answer, dict) else "?"
    link.tell(answer, f"added key {key_id}: when `shoal keys list` shows it on all members, `shoal keys use {key_id}`")


@keys.command(short_help="Make a key the one that the cluster seals with.")
@click.argument("key_id", metavar="ID")
@click.option("--force", is_flag=True, help="Even if some alive member has not shown it; such a member is cut off.")
@agent_command
def use(link: Link, key_id: str, force: bool) -> None:
    """Make the key ID the one that the whole cluster seals with.

    Refused until every alive member has shown that it holds it.

    \b
    Example:
      shoal keys use 1f2e3d4c
    """
    path = f"{KEYS_PATH}/{segment(key_id)}/use"
    answer = link.client.send("POST", path, {"force": "true"} if force else {})
    link.tell(answer, f"key {key_id} is in use")


@keys.command(short_help="Remove a key from the whole cluster.")
@click.argument("key_id", metavar="ID")
@agent_command
def retire(link: Link, key_id: str) -> None:
    """Remove the key ID from the whole cluster; the key in use is refused.

    A member that is away meanwhile is refused when it returns, until it is given the new key file.

    \b
    Example:
      shoal keys retire 9a8b7c6d
    """
    answer = link.client.send("POST", f"{KEYS_PATH}/{segment(key_id)}/retire")
    link.tell(answer, f"key {key_id} is retired")
