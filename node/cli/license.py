"""Commands for licenses: license issue, show, verify, apply."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.link import Link, agent_command
from node.cli.output import print_json, print_pairs
from node.cli.root import Failure
from node.http_client import ClientError
from protocol.escape import escape

if TYPE_CHECKING:
    from protocol.security.license import License
    from protocol.security.signing_key import SigningKey

LICENSE_PATH = "/v1/cluster/license"
LICENSE_MODE = 0o644
"""A license is no secret."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def license() -> None:
    """Issue licenses, look at them, and renew that of a running node.

    A license says how many members a cluster may have, and until when. All members run under the same one.

    \b
    Issue one, and start every node with it and the issuer's public key:
      shoal license issue acme.license --id acme --max-nodes 5 --expires 365d --new-issuer issuer.key
      shoal agent --license acme.license --license-issuer PUBLICKEY ...
    Renew it, later, on each running node:
      shoal license issue acme-2.license --id acme --max-nodes 9 --expires 365d --issuer issuer.key
      shoal license apply acme-2.license
    """


@license.command(short_help="Sign a license, and write it to FILE.")
@click.argument("file", type=_FILE)
@click.option("--id", "license_id", metavar="ID", required=True, help="1 to 40 letters, digits, '.', '_' or '-'.")
@click.option("--max-nodes", metavar="N", type=int, required=True, help="How many members it allows, 1 to 16384.")
@click.option(
    "--expires", metavar="WHEN", help="After a time (365d), or on a day in UTC (2027-01-01).  [default: never]"
)
@click.option("--issuer", metavar="KEYFILE", type=_FILE, help="The issuer's signing key file.")
@click.option("--new-issuer", metavar="KEYFILE", type=_FILE, help="Make an issuer's signing key, and write it there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def issue(
    file: Path,
    license_id: str,
    max_nodes: int,
    expires: str | None,
    issuer: Path | None,
    new_issuer: Path | None,
    as_json: bool,
) -> None:
    """Sign a license and write it to FILE. No agent is needed, and nothing is ever overwritten.

    The issuer's key file is a secret: whoever holds it can issue licenses. Its public key is printed: nodes that are
    told it as license_issuers take no other issuer's licenses.

    \b
    Example:
      shoal license issue acme.license --id acme --max-nodes 5 --expires 365d --new-issuer issuer.key
    """
    from node.license_file import describe_expiry
    from protocol.error import InvalidRequest

    try:
        made = _issue(file, license_id, max_nodes, expires, issuer, new_issuer)
    except InvalidRequest as wrong:
        raise Failure(str(wrong)) from None
    if as_json:
        print_json({"file": str(file)} | _shape(made))
        return
    if new_issuer is not None:
        click.echo(f"wrote {new_issuer}: who holds it can issue licenses as you; keep it secret, and off the nodes")
    click.echo(f"wrote {file}: license {made.license_id} for {_nodes(made.max_nodes)}, {describe_expiry(made)}")
    click.echo(f"issuer: {_shape(made)['issuer']} (what nodes are given as --license-issuer)")


@license.command(short_help="Show the license in FILE, or the one that the agent runs under.")
@click.argument("file", type=_FILE, required=False)
@agent_command
def show(link: Link, file: Path | None) -> None:
    """Show the license in FILE, asking nobody, or without FILE the one that the agent runs under.

    \b
    Examples:
      shoal license show
      shoal license show acme.license --json | jq .max_nodes
    """
    shown = _shape(_read(file, ())) if file is not None else _license_of(link, link.client.get(LICENSE_PATH))
    if link.as_json:
        print_json(shown)
    elif shown is None:
        click.echo("the open license: any number of members, for ever")
    else:
        _print(shown)


@license.command(short_help="Tell whether FILE is a license that its issuer signed.")
@click.argument("file", type=_FILE)
@click.option("--issuer", "issuers", metavar="PUBLICKEY", multiple=True, help="Whose licenses count; repeat for more.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(file: Path, issuers: tuple[str, ...], as_json: bool) -> None:
    """Tell whether FILE is a license that one of the issuers signed; without --issuer, whoever says to have done so.

    The exit code is 1 if it is not. One that has expired is genuine all the same, and the sentence says so.

    \b
    Example:
      shoal license verify acme.license --issuer A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
    """
    from protocol.error import InvalidRequest
    from protocol.security.signing_key import parse_public_key

    try:
        trusted = tuple(parse_public_key(key) for key in issuers)
    except InvalidRequest as wrong:
        raise click.BadParameter(str(wrong), param_hint="--issuer") from None
    found = _read(file, trusted)
    shown = _shape(found)
    if as_json:
        print_json(shown)
        return
    click.echo(
        f"{file} is genuine: license {found.license_id} for {_nodes(found.max_nodes)}, {_expiry(found)}, "
        f"issued by {shown['issuer']}"
    )


@license.command(short_help="Renew the license of the running agent.")
@click.argument("file", type=_FILE)
@agent_command
def apply(link: Link, file: Path) -> None:
    """Put the license in FILE in force on the agent, which keeps it: a later issue of the license it runs under.

    Each node is told for itself; until all have been, they differ in whom they let in.

    \b
    Example:
      shoal license apply acme-2.license
    """
    import msgspec

    body = msgspec.Raw(_read(file, ()).text.encode())
    shown = _license_of(link, link.client.send("PUT", LICENSE_PATH, body=body))
    if shown is None:
        raise ClientError(f"{link.client.url} gave no license: is it an agent?")
    if link.as_json:
        print_json(shown)
        return
    click.echo(f"license {escape(str(shown.get('license_id')))} is renewed on {link.client.url}")
    _print(shown)


def _issue(
    file: Path, license_id: str, max_nodes: int, expires: str | None, issuer: Path | None, new_issuer: Path | None
) -> "License":
    """Sign and write; a signing key that was made for a license that then could not be written is taken away.

    Raises:
        UsageError: not one of the two keys is given, or both; or `expires` is no time.
        InvalidRequest: one sentence; nothing is left behind.
    """
    import time

    from node.signing_key_file import read_signing_key, write_signing_key
    from protocol.error import InvalidRequest

    if file.exists():
        raise InvalidRequest(f"{file} exists: a license is never overwritten")
    if file == new_issuer:
        raise InvalidRequest("the license and the signing key cannot be the same file")
    now_ms = time.time_ns() // 1_000_000
    expires_at_ms = None if expires is None else _read_expiry(expires, now_ms)

    def issue_with(key: "SigningKey") -> "License":
        from protocol.security.license import issue_license

        made = issue_license(
            key, license_id=license_id, max_nodes=max_nodes, issued_at_ms=now_ms, expires_at_ms=expires_at_ms
        )
        _write(file, made.text)
        return made

    match issuer, new_issuer:
        case Path(), None:
            return issue_with(read_signing_key(issuer))
        case None, Path():
            key = write_signing_key(new_issuer)
            try:
                return issue_with(key)
            except InvalidRequest:
                new_issuer.unlink()
                raise
    raise click.UsageError("give either --issuer, a signing key file, or --new-issuer, where to make one")


def _write(file: Path, text: str) -> None:
    from node.new_file import write_new_file
    from node.store_error import os_sentence
    from protocol.error import InvalidRequest

    try:
        write_new_file(file, text, LICENSE_MODE)
    except FileExistsError:
        raise InvalidRequest(f"{file} exists: a license is never overwritten") from None
    except OSError as wrong:
        raise InvalidRequest(os_sentence(wrong, file, "written")) from None


def _read_expiry(text: str, now_ms: int) -> int:
    """Read "365d" from now on, "2027-01-01" as its midnight in UTC, or a whole time; unix ms."""
    from node.setting_value import parse_duration
    from protocol.security.utc_time import parse_utc

    try:
        if re.match(r"\d{4}-", text):
            return parse_utc(f"{text}T00:00:00Z" if DATE.match(text) else text)
        return now_ms + round(parse_duration(text.strip()) * 1000)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--expires") from None


def _read(file: Path, trusted: tuple[bytes, ...]) -> "License":
    from node.license_file import read_license_file
    from protocol.error import InvalidRequest

    try:
        return read_license_file(file, trusted)
    except InvalidRequest as wrong:
        raise Failure(str(wrong)) from None


def _shape(license: "License") -> dict[str, Any]:
    """Shape a license as the agent does, as far as its file tells."""
    from protocol.security.signing_key import format_public_key
    from protocol.security.utc_time import format_utc

    expires_at_ms = license.expires_at_ms
    return {
        "license_id": license.license_id,
        "identity": license.identity,
        "issuer": format_public_key(license.issuer),
        "max_nodes": license.max_nodes,
        "issued_at": format_utc(license.issued_at_ms),
        "expires_at": None if expires_at_ms is None else format_utc(expires_at_ms),
    }


def _expiry(license: "License") -> str:
    import time

    from node.license_file import describe_expiry
    from protocol.security.utc_time import format_utc

    if license.expires_at_ms is not None and license.expires_at_ms <= time.time_ns() // 1_000_000:
        return f"expired {format_utc(license.expires_at_ms)}"
    return describe_expiry(license)


def _license_of(link: Link, answer: Any) -> dict[str, Any] | None:
    if not isinstance(answer, dict) or not isinstance(answer.get("license", 0), dict | None):
        raise ClientError(f"{link.client.url} gave no license: is it an agent?")
    found: dict[str, Any] | None = answer["license"]
    return found


def _print(shown: dict[str, Any]) -> None:
    pairs = [
        ("License", str(shown.get("license_id"))),
        ("Identity", str(shown.get("identity"))),
        ("Issuer", str(shown.get("issuer"))),
        ("Max nodes", str(shown.get("max_nodes"))),
    ]
    if "seats_taken" in shown:
        pairs.append(("Seats taken", str(shown["seats_taken"])))
    pairs += [("Issued", str(shown.get("issued_at"))), ("Expires", str(shown.get("expires_at") or "never"))]
    print_pairs(pairs)
    warnings = shown.get("warnings")
    for warning in warnings if isinstance(warnings, list) else ():
        click.echo(f"warning: {escape(str(warning))}")


def _nodes(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"
