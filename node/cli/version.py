"""The command version, apart from those that need a connection."""

import platform

import click

from node.cli.output import print_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def version(as_json: bool) -> None:
    """Print the version of shoal and of the Python that runs it.

    \b
    Example:
      shoal version --json
    """
    from node.version import VERSION

    if as_json:
        print_json({"version": VERSION, "python": platform.python_version()})
    else:
        click.echo(f"shoal {VERSION} (Python {platform.python_version()})")
