"""What every command that speaks to an agent shares: options, the token, lists read, deeds told, failures worded."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from node.cli.output import print_json
from node.cli.root import Failure
from node.http_client import DEFAULT_URL, Client, ClientError, Params
from protocol.escape import escape

TOKEN_FILE_NAME = "admin.token"
TOKEN_FILE_SIZE_MAX = 4096
"""A token is a few dozen letters; a larger file is not one."""


@dataclass(frozen=True, slots=True)
class Link:
    """The agent a command was pointed at, and whether its caller is a program."""

    client: Client
    as_json: bool

    def fetch_rows(self, path: str, noun: str, params: Params = ()) -> list[dict[str, Any]]:
        """Ask for a list of objects, which is the answer itself or stands in it under `noun`.

        Raises:
            ClientError: the agent cannot be asked or refuses, or the answer has no such list.
        """
        answer = self.client.get(path, params)
        rows = answer.get(noun) if isinstance(answer, dict) else answer
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ClientError(f"the answer is not a list of {noun}: is it an agent?")
        return rows

    def tell(self, answer: Any, sentence: str) -> None:
        """Tell what was done: a program the agent's answer, a person a sentence."""
        if self.as_json:
            print_json(answer if answer is not None else {})
        else:
            click.echo(escape(sentence))


def agent_command(function: Callable[..., None]) -> Callable[..., None]:
    """Add --http, --token, --data-dir and --json to a command, and give it `link`."""

    @click.option("--http", "url", metavar="URL", envvar="SHOAL_HTTP_ADDR", default=DEFAULT_URL, show_default=True,
                  show_envvar=True, help="HTTP address of the agent.")  # fmt: skip
    @click.option("--token", metavar="TOKEN", envvar="SHOAL_TOKEN", default="", show_envvar=True,
                  help="Bearer token; without one, the admin token of an agent on this machine is used.")  # fmt: skip
    @click.option("--data-dir", metavar="DIR", envvar="SHOAL_DATA_DIR", type=click.Path(path_type=Path),
                  show_envvar=True, help="The agent's data directory, where its admin.token is found.")  # fmt: skip
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @functools.wraps(function)
    def command(url: str, token: str, data_dir: Path | None, as_json: bool, **options: Any) -> None:
        try:
            client = Client(url)
            client.token = token or find_token(client.url, data_dir)
            function(link=Link(client, as_json), **options)
        except ClientError as error:
            raise Failure(str(error)) from None

    return command


def find_token(url: str, data_dir: Path | None) -> str:
    """Read the admin token of an agent on this machine; empty if there is none to be found.

    A token that nobody named is sent to this machine alone.

    Raises:
        ClientError: a data directory was named and its token cannot be read.
    """
    if data_dir is None and not _is_loopback(urlsplit(url).hostname or ""):
        return ""
    found_in = data_dir or default_data_dir()
    if found_in is None:
        return ""
    path = found_in / TOKEN_FILE_NAME
    try:
        with path.open("rb") as file:
            raw = file.read(TOKEN_FILE_SIZE_MAX + 1)
    except OSError as error:
        if data_dir is None:
            return ""
        raise ClientError(f"the token in {path} cannot be read: {error.strerror}") from None
    token = raw.decode("ascii", errors="replace").strip()
    if len(raw) > TOKEN_FILE_SIZE_MAX or not token.isprintable() or not token.isascii():
        raise ClientError(f"{path} does not hold a token")
    return token


def default_data_dir() -> Path | None:
    """Give the directory an agent uses when it is told none; None where there is no such place."""
    from node.config import default_data_dir as of_agent
    from node.setting_value import ConfigError

    try:
        return of_agent(os.environ)
    except ConfigError:
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
