"""The top command: which commands there are, and what becomes of their failures."""

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from node.cli.lazy_group import LazyGroup
from protocol.error import InvalidRequest

EXIT_VIOLATED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("simulations.cli.catalogue:command", "List the scenarios, what they promise, and their options."),
    "run": ("simulations.cli.run:command", "Run one scenario once, or a stored plan."),
    "campaign": ("simulations.cli.campaign:command", "Run scenarios with many seeds, on all cores or machines."),
    "shrink": ("simulations.cli.shrink:command", "Find the least plan that still fails."),
    "report": ("simulations.cli.report:command", "Write a page with plots of many runs."),
    "lifeguard": ("simulations.lifeguard.cli:command", "Run Lifeguard's experiment in its five configurations."),
    "rapid": ("simulations.rapid.cli:command", "Run Rapid's set-ups at a thousand nodes."),
    "catalog": ("simulations.catalog.cli:command", "Measure what it costs that members say many things."),
    "real": ("simulations.cli.real:command", "Run a scenario over real processes."),
}
"""Name, where the command is, and its line in `--help`; nothing is imported for that page."""

HELP = """Drive the engine of a Shoal node through made-up troubles, in virtual time.

\b
See what there is, and run one of them:
  python -m simulations list
  python -m simulations run crash --nodes 12 --seed 7
Run all with many seeds, on all cores; each failure prints the command that replays it:
  python -m simulations campaign --seeds 1..100
Find out why one failed:
  python -m simulations shrink crash --seed 7 --out small.json
  python -m simulations run crash --plan small.json --trace -

The same scenario, seed, nodes and options give the same run on every machine: its digest says so. Exit codes: 0 all
that must hold held, 1 something was violated, 2 usage, 130 interrupted.
"""


class Mistake(click.ClickException):
    """A user asked for what there is not; one sentence on stderr, exit code 2."""

    exit_code = EXIT_USAGE

    def show(self, file: Any = None) -> None:
        click.echo(f"simulations: {self.format_message()}", file=file, err=True)


class Commands(LazyGroup):
    """The commands of `python -m simulations`; what a user got wrong is one sentence."""

    table = COMMANDS

    def refuse(self, ctx: click.Context, name: str) -> None:
        from node.spelling import unknown_sentence

        raise Mistake(unknown_sentence("command", name, COMMANDS))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InvalidRequest as error:
            raise Mistake(str(error)) from None
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)


@click.group(
    cls=Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
def simulations() -> None:
    """Hold the commands; `HELP` is what a reader sees."""


def start(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command line (default: the process's own) and exit with its code."""
    try:
        simulations.main(args=arguments, prog_name="python -m simulations")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit complains again
        sys.exit(EXIT_VIOLATED)
