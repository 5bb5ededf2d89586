"""The top command: which commands there are, and what becomes of their failures."""

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from node.cli.lazy_group import LazyGroup
from protocol.escape import escape

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

COMMANDS: dict[str, tuple[str, str]] = {
    "agent": ("node.cli.agent:agent", "Run a node until it is told to leave."),
    "up": ("node.cli.up:up", "Run a local cluster of real processes, with a live table."),
    "members": ("node.cli.members:members", "List the members of the cluster."),
    "join": ("node.cli.membership:join", "Tell the agent to join a cluster."),
    "leave": ("node.cli.membership:leave", "Tell the agent to leave the cluster and exit."),
    "force-leave": ("node.cli.membership:force_leave", "Turn a failed member into one that left."),
    "tags": ("node.cli.membership:tags", "Show or change the agent's own tags."),
    "info": ("node.cli.info:info", "Show the agent's identity and counters."),
    "health": ("node.cli.info:health", "Tell whether the agent is well."),
    "explain": ("node.cli.explain:explain", "Tell why a member is thought alive, suspect or failed."),
    "monitor": ("node.cli.monitor:monitor", "Follow the changes of the cluster."),
    "services": ("node.cli.services:services", "List the services of the cluster, or one service's instances."),
    "peers": ("node.cli.peers:peers", "Bring peers into the cluster, name them, and put them out."),
    "keys": ("node.cli.keys:keys", "Make, list and rotate the cluster's keys."),
    "token": ("node.cli.token:token", "Make, list and revoke tokens: who may call the agent."),
    "license": ("node.cli.license:license", "Issue, show and renew the cluster's license."),
    "version": ("node.cli.version:version", "Print the version."),
}
"""Name, where the command is, and its line in `shoal --help`; nothing is imported for that page."""

HELP = """Shoal keeps a list of who is alive in a cluster, with no server in the middle.

\b
Make a key file, start a node with it, and on another machine, with a copy of it, a second one that joins:
  shoal keys new cluster.key
  shoal agent --name n1 --bind 10.0.0.1:7946 --key-file cluster.key
  shoal agent --name n2 --bind 10.0.0.2:7946 --key-file cluster.key --join 10.0.0.1:7946
Look at it:
  shoal members
Or try five nodes on this machine:
  shoal up --nodes 5

Commands that speak to an agent take --http URL (SHOAL_HTTP_ADDR). They take a token from
--token (SHOAL_TOKEN), or on the agent's own machine from its data directory (--data-dir, SHOAL_DATA_DIR). With
--json they print JSON. Exit codes: 0 done, 1 failed, 2 usage.

\b
Shell completion, for bash (zsh and fish likewise):
  eval "$(_SHOAL_COMPLETE=bash_source shoal)"
"""


class Failure(click.ClickException):
    """A command did not do what it was asked; the message is one sentence on stderr and the exit code 1."""

    exit_code = EXIT_FAILED

    def show(self, file: Any = None) -> None:
        click.echo(f"shoal: {escape(self.format_message())}", file=file, err=True)


class Commands(LazyGroup):
    """The commands of `shoal`."""

    table = COMMANDS

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)


@click.group(
    cls=Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
def shoal() -> None:
    """Hold the commands; `HELP` is what a reader sees."""


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command line (default: the process's own) and exit with its code."""
    try:
        shoal.main(args=arguments, prog_name="shoal")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit complains again
        sys.exit(EXIT_FAILED)
