"""The command line of the simulator.

Reading order: `root` (the table of commands, imported one by one when asked for), `request` (what users give and what
may be wrong with it), `outcome` (how results and violations are told), then one file for each command.
"""

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit: 0 all held, 1 something was violated, 2 usage, 130 interrupted."""
    from simulations.cli.root import start

    start()
