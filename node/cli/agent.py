"""The command that runs a node: agent."""

import os
import sys

import click

from node import lifeline
from node.config import Config
from node.config_flag import config_flags
from node.config_source import load_config
from node.setting_value import ConfigError
from protocol.escape import escape


class BadSetting(click.ClickException):
    """A setting of any source is wrong; the message is one sentence that names the source."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Print the sentence alone: the list of all flags would hide it."""
        click.echo(f"shoal: {escape(self.format_message())}", err=True)


@click.command()
@config_flags
def agent(**flags: object) -> None:
    """Run a node until it is told to leave.

    Settings come from a flag, else the environment, else the TOML file given with --config, else the default.
    Port 0 takes any free port; the bound addresses are printed. Ctrl-C (SIGINT) leaves the cluster and exits, SIGTERM
    exits without leaving, a second signal exits at once, and SIGHUP reads license, tags, log level and TLS files anew.

    \b
    A first node, and one on another machine with the first one's key file:
      shoal keys new cluster.key
      shoal agent --name n1 --bind 10.0.0.1:7946 --key-file cluster.key
      shoal agent --name n2 --bind 10.0.0.2:7946 --key-file cluster.key --join 10.0.0.1:7946
    """
    lifeline.hold()
    try:
        config = load_config(flags, os.environ)
    except ConfigError as error:
        raise BadSetting(str(error)) from None

    import trio

    from node.agent import run_agent

    def reload() -> Config:
        return load_config(flags, os.environ)

    sys.exit(trio.run(run_agent, config, reload))
