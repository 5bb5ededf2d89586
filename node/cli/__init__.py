"""The `shoal` command.

Reading order: `root` (the table of commands, imported one by one when asked for), `link` (the options and
the connection that every command speaking to an agent shares), `output` (what a person, a pipe or a program
reads), then one file for each group of commands. Imports are lazy throughout: `shoal agent` pays for click and
the node alone, and `shoal version` for neither an HTTP client nor tables.
"""

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 usage, 130 interrupted."""
    from node.openssl_delay import delay_openssl

    delay_openssl()
    from node.cli.root import run

    run()
