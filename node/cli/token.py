"""Commands for who may call the agent: token create, list, revoke."""

from typing import Any

import click

from node.cli.link import Link, agent_command
from node.cli.output import print_json, print_table
from node.http_client import ClientError, segment
from protocol.escape import escape

TOKENS_PATH = "/v1/cluster/tokens"


@click.group()
def token() -> None:
    """Make, list and revoke tokens: who may call the agent, and what for.

    Each agent has its own. The first is its admin token, in the file admin.token of its data directory.

    \b
    Scopes: admin (everything), node:read, agent:read, agent:write, peers.read, peers.write, service:read,
    service:write. A scope that writes does not read.
    """


@token.command(short_help="Make a token, and print its secret once.")
@click.option("--name", required=True, help="What people call it, 1 to 64 characters.")
@click.option("--scope", "scopes", metavar="SCOPE", multiple=True, required=True, help="A right; repeat for more.")
@click.option("--expires", metavar="TIME", help="After this time it is worth nothing: 90s, 30m, 24h, 7d.")
@agent_command
def create(link: Link, name: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a token. Its secret is printed once, on standard output alone, and cannot be had again.

    \b
    Examples:
      shoal token create --name prometheus --scope node:read
      shoal token create --name ci --scope peers.read --scope peers.write --expires 24h --json | jq -r .token
    """
    body: dict[str, object] = {"name": name, "scopes": list(scopes)}
    if expires is not None:
        body["expires_in"] = _go_duration(expires)
    answer = link.client.send("POST", TOKENS_PATH, body=body)
    if not isinstance(answer, dict) or not isinstance(answer.get("token"), str):
        raise ClientError(f"{link.client.url} gave no token: is it an agent?")
    if link.as_json:
        print_json({key: answer.get(key) for key in ("token", "id", "scopes")})
        return
    click.echo(escape(answer["token"]))
    until = f", until {answer['expires_at']}" if answer.get("expires_at") else ""
    note = f"shown this once{until}: give it as SHOAL_TOKEN or --token; `shoal token revoke {answer.get('id')}` ends it"
    click.echo(escape(note), err=True)


@token.command("list", short_help="List the tokens, never their secrets.")
@agent_command
def list_tokens(link: Link) -> None:
    """List the agent's tokens, expired ones too; their secrets are kept nowhere.

    \b
    Example:
      shoal token list
    """
    held = link.fetch_rows(TOKENS_PATH, "tokens")
    if link.as_json:
        print_json(held)
        return
    print_table(("Id", "Name", "Scopes", "Created", "Expires", "Last used"), [_cells(row) for row in held])


@token.command(short_help="End a token.")
@click.argument("token_id", metavar="ID")
@agent_command
def revoke(link: Link, token_id: str) -> None:
    """End the token ID, at once and for good. The last one with admin that never expires is kept.

    \b
    Example:
      shoal token revoke 1f2e3d4c5b6a7988
    """
    answer = link.client.send("DELETE", f"{TOKENS_PATH}/{segment(token_id)}")
    link.tell(answer, f"token {token_id} is revoked")


def _go_duration(text: str) -> str:
    """Read a time as settings have it, and write it as the agent reads it."""
    from node.setting_value import parse_duration

    try:
        return f"{round(parse_duration(text.strip()) * 1000)}ms"
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--expires") from None


def _cells(row: dict[str, Any]) -> list[str]:
    scopes = row.get("scopes")
    expires = str(row.get("expires_at") or "never")
    return [
        str(row.get("id")),
        str(row.get("name")),
        ",".join(map(str, scopes)) if isinstance(scopes, list) else "",
        str(row.get("created_at")),
        f"expired {expires}" if row.get("expired") else expires,
        str(row.get("last_used_at") or "-"),
    ]
