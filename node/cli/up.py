"""The command that runs a local cluster: up."""

import sys
from pathlib import Path

import click

from node.cli.root import Failure


@click.command()
@click.option("--nodes", "node_count", type=click.IntRange(1, 64), default=5, show_default=True, help="How many.")
@click.option("--profile", type=click.Choice(["local", "lan", "wan"]), default="local", show_default=True,
              help="How quickly failures are told; local is the quickest.")  # fmt: skip
@click.option("--base-dir", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Keep the nodes' data here, and go on with what is there.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Do not remove the temporary data directory at the end.")
@click.option("--once", is_flag=True, help="Print the table when all see all, take everything down, and exit 0.")
def up(node_count: int, profile: str, base_dir: Path | None, keep: bool, once: bool) -> None:
    """Run a cluster of real processes on this machine, and show how its nodes see each other.

    Each node is a `shoal agent` on loopback. Kill one (`kill -9 PID`, in another terminal) and watch the others
    find out; the command that starts it again is then shown. Ctrl-C lets all of them leave, and no process and no
    file stays behind. In a pipe, a line is printed for each change instead of the table.

    \b
    Examples:
      shoal up
      shoal up --nodes 9 --base-dir ./cluster
      shoal up --nodes 3 --once
    """
    from node.up import Plan, UpError, run_up

    try:
        code = run_up(Plan(node_count, profile, base_dir, keep, once))
    except UpError as error:
        raise Failure(str(error)) from None
    sys.exit(code)
