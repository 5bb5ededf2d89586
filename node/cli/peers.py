"""Commands for peers: peers list, get, add, update, delete, revoke, reinstate, revoked, remove-self."""

import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import click

from node.cli.link import Link, agent_command
from node.cli.output import print_json, print_table
from node.cli.root import Failure
from node.http_client import ClientError, segment
from protocol.escape import escape

PEERS_PATH = "/v1/peers"
REVOCATIONS_PATH = "/v1/cluster/revocations"
ADD_TIMEOUT_S = 15.0
"""An agent answers within 10 s, and once more where the peer was revoked."""
ROTATE_TIMEOUT_S = 60.0
VERSION_LIMIT = 1 << 48
"""Above any time in unix ms that this software will see."""

ALREADY_EXISTS = "ALREADY_EXISTS"


def _check_id(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """Refuse what is no id before anything is asked: a path may mean something else by it, as /v1/peers/self does."""
    from protocol.ulid import parse_ulid

    try:
        parse_ulid(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no id: 26 letters, as `shoal peers list` shows them") from None
    return text


id_argument = click.argument("id", metavar="ID", callback=_check_id)
operator_option = click.option(
    "--operator-key", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Sign with this operator's key, where the cluster heeds no other.",
)  # fmt: skip


@click.group()
def peers() -> None:
    """Bring peers into the cluster, name them, and put them out.

    A peer that is put out cannot come back by itself, with its key and its disk intact; `add` takes it in again.
    Whoever owns it still holds the cluster key, and can make a new identity with it: `delete --rotate` replaces
    the cluster key as well.

    \b
    Examples:
      shoal peers list
      shoal peers add 10.0.0.2:7946
      shoal peers delete 01M7YK369WX3QVW8RXX885F0H2 --rotate
    """


@peers.command("list", short_help="List the peers.")
@click.option("--local/--remote", "is_local", default=None, help="Only this agent, or only the others.")
@agent_command
def list_peers(link: Link, is_local: bool | None) -> None:
    """List the peers: all members that have not left.

    \b
    Example:
      shoal peers list --remote
    """
    params = {} if is_local is None else {"is_local": str(is_local).lower()}
    found = link.fetch_rows(PEERS_PATH, "peers", params)
    if link.as_json:
        print_json(found)
        return
    print_table(
        ("Name", "Id", "Address", "Local", "Created"),
        [(_text(p, "name"), _text(p, "id"), _text(p, "address"), "yes" if p.get("is_local") else "",
          _text(p, "created_at")) for p in found],
    )  # fmt: skip


@peers.command(short_help="Show one peer.")
@id_argument
@agent_command
def get(link: Link, id: str) -> None:
    """Show the peer ID with its public key.

    \b
    Example:
      shoal peers get 01M7YK369WX3QVW8RXX885F0H2
    """
    _show(link, link.client.get(f"{PEERS_PATH}/{segment(id)}"))


@peers.command(short_help="Bring a peer into the cluster.")
@click.argument("address", metavar="ADDRESS")
@agent_command
def add(link: Link, address: str) -> None:
    """Bring the peer at ADDRESS, its gossip or its HTTP address, into the cluster.

    A peer that was put out is taken in again; one that left returns. A member already is no error.

    \b
    Example:
      shoal peers add 10.0.0.2:7946
    """
    try:
        peer = link.client.send("POST", PEERS_PATH, body={"address": address}, timeout_s=ADD_TIMEOUT_S)
    except ClientError as wrong:
        if wrong.code != ALREADY_EXISTS:
            raise
        link.tell({"already": True}, f"{address} is in the cluster already")
        return
    _show(link, peer)


@peers.command(short_help="Name a peer.")
@id_argument
@click.option("--name", required=True, metavar="TEXT", help="Display name; empty: none.")
@agent_command
def update(link: Link, id: str, name: str) -> None:
    """Name the peer ID: this agent's own name is seen by all, another's is this agent's note.

    \b
    Example:
      shoal peers update 01M7YK369WX3QVW8RXX885F0H2 --name "Rack 3"
    """
    _show(link, link.client.send("PUT", f"{PEERS_PATH}/{segment(id)}", body={"name": name}))


@peers.command(short_help="Put a peer out of the cluster.")
@id_argument
@click.option("--rotate", is_flag=True, help="Also replace the cluster key, without telling the peer.")
@operator_option
@agent_command
def delete(link: Link, id: str, rotate: bool, operator_key: Path | None) -> None:
    """Put the peer ID out of the whole cluster; it cannot come back by itself.

    \b
    Examples:
      shoal peers delete 01M7YK369WX3QVW8RXX885F0H2
      shoal peers delete 01M7YK369WX3QVW8RXX885F0H2 --rotate
    """
    if operator_key is None:
        link.client.send("DELETE", f"{PEERS_PATH}/{segment(id)}")
    else:
        _sign_word(link, id, operator_key, revoked=True)
    done = _rotate(link, id) if rotate else {}
    link.tell({"deleted": True, **done}, f"{id} is out of the cluster")
    if rotate and not link.as_json:
        click.echo(f"the cluster key is now {escape(str(done.get('key')))}")
        if done.get("untold"):
            names = ", ".join(map(str, done["untold"]))
            click.echo(f"failed members need the new key file to return: {escape(names)}")


def _rotate(link: Link, id: str) -> dict[str, Any]:
    """Replace the cluster key, once the peer is out: what became of it is to be said either way."""
    try:
        done = link.client.send("POST", "/v1/cluster/keys/rotate", timeout_s=ROTATE_TIMEOUT_S)
    except ClientError as wrong:
        raise Failure(f"{id} is out of the cluster, but the cluster key was not replaced: {wrong}") from None
    if not isinstance(done, dict):
        raise ClientError("the answer is not a rotation: is it an agent?")
    return done


@peers.command(short_help="Put any id out, whether it is known or not.")
@id_argument
@operator_option
@agent_command
def revoke(link: Link, id: str, operator_key: Path | None) -> None:
    """Put ID out of the cluster, whether it is on the list or not.

    \b
    Example:
      shoal peers revoke 01M7YK369WX3QVW8RXX885F0H2
    """
    _speak(link, id, operator_key, revoked=True)


@peers.command(short_help="Take an id in again that was put out.")
@id_argument
@operator_option
@agent_command
def reinstate(link: Link, id: str, operator_key: Path | None) -> None:
    """Take ID in again: it may join, or be added.

    \b
    Example:
      shoal peers reinstate 01M7YK369WX3QVW8RXX885F0H2
    """
    _speak(link, id, operator_key, revoked=False)


@peers.command(short_help="List who was put out.")
@agent_command
def revoked(link: Link) -> None:
    """List the ids that were put out, and those taken in again.

    \b
    Example:
      shoal peers revoked
    """
    words = _fetch_words(link)
    if link.as_json:
        print_json(words)
        return
    print_table(
        ("Id", "State", "Since", "By"),
        [(_text(w, "id"), "out" if w.get("revoked") else "in again", _text(w, "at"), _text(w, "issuer"))
         for w in words],
    )  # fmt: skip


@peers.command("remove-self", short_help="Let this agent leave, and keep it running.")
@agent_command
def remove_self(link: Link) -> None:
    """Let this agent say goodbye; its process stays, and `shoal peers add` or `shoal join` brings it back.

    \b
    Example:
      shoal peers remove-self
    """
    answer = link.client.send("DELETE", f"{PEERS_PATH}/self")
    link.tell(answer, "left the cluster; `shoal join ADDRESS` returns")


def _speak(link: Link, id: str, operator_key: Path | None, *, revoked: bool) -> None:
    if operator_key is None:
        word = link.client.send("POST", REVOCATIONS_PATH, body={"id": id, "revoked": revoked})
    else:
        word = _sign_word(link, id, operator_key, revoked=revoked)
    link.tell(word, f"{id} is {'out of the cluster' if revoked else 'in again: it may join, or be added'}")


def _sign_word(link: Link, id: str, operator_key: Path, *, revoked: bool) -> Any:
    """Sign here what the agent only passes on: the operator's key never leaves this machine."""
    from node.signing_key_file import read_signing_key
    from protocol.error import InvalidRequest
    from protocol.security.operator_word import sign_as_operator
    from protocol.ulid import ClusterId, MemberId, parse_ulid

    subject = MemberId(parse_ulid(id))
    try:
        key = read_signing_key(operator_key)
    except InvalidRequest as wrong:
        raise Failure(str(wrong)) from None
    version = max(time.time_ns() // 1_000_000, _held_version(link, id.upper()) + 1)
    cluster_id = ClusterId(parse_ulid(_cluster_id(link)))
    raw = sign_as_operator(key, cluster_id, subject, version, revoked=revoked)
    return link.client.send("POST", REVOCATIONS_PATH, body={"statement": b64encode(raw).decode()})


def _held_version(link: Link, id: str) -> int:
    """Give the version of the word that the agent holds about an id; 0: none."""
    version = next((word.get("version") for word in _fetch_words(link) if word.get("id") == id), 0)
    if not (isinstance(version, int) and 0 <= version < VERSION_LIMIT):
        raise ClientError("the answer holds no version of a revocation: is it an agent?")
    return version


def _cluster_id(link: Link) -> str:
    from protocol.ulid import parse_ulid

    identity = link.client.get("/v1/cluster/identity")
    try:
        found = str(identity["cluster_id"])
        parse_ulid(found)
    except (TypeError, LookupError, ValueError):
        raise ClientError("the answer names no cluster: is it an agent?") from None
    return found


def _fetch_words(link: Link) -> list[dict[str, Any]]:
    return link.fetch_rows(REVOCATIONS_PATH, "revocations")


def _show(link: Link, peer: Any) -> None:
    if link.as_json:
        print_json(peer)
        return
    from node.cli.output import print_pairs

    if not isinstance(peer, dict):
        raise ClientError("the answer is not a peer: is it an agent?")
    print_pairs([(name, "yes" if value is True else "no" if value is False else str(value))
                 for name, value in peer.items()])  # fmt: skip


def _text(row: dict[str, Any], key: str) -> str:
    return str(row.get(key, ""))
