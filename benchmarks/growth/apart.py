"""A simulated cluster in a process of its own: the memory it takes is the cluster's, and none is left for the next.

`python -m benchmarks.growth.apart` writes a line of JSON for each figure. It ends with the process that started it.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from math import sqrt
from typing import Any

from benchmarks.agent_process import FOREIGN_VARIABLES, ROOT
from benchmarks.figure import Figure
from benchmarks.growth.curve import SETTINGS, Founds
from benchmarks.growth.extent import Extent
from benchmarks.growth.simulated import QUIET_S, measure
from benchmarks.progress import Progress
from node import lifeline
from protocol.swim.stream import sync_period_s

IDLE_S = 60e-6
"""What a virtual second of an idle node takes to compute, with its datagrams measured."""
EVENT_S = 1.2e-3
"""The same of one change or death, per node, among 1,000: each tells each rumor some twenty times. Larger worlds do not
stay in the processor's caches: of 10,000 each takes three times as long, so it is reckoned by the square root."""
LIMIT_S = 60.0
LIMIT_PER_ESTIMATE = 10.0
"""A run that takes so much longer than estimated is ended by a signal."""


def estimate_s(nodes: int, extent: Extent) -> float:
    """Give about how long a size takes to compute."""
    events = extent.changes + extent.kills_of(nodes)
    idle_s = sync_period_s(SETTINGS.sync_interval_s, nodes) + events * 2 * QUIET_S
    return nodes * (idle_s * IDLE_S + events * EVENT_S * sqrt(nodes / 1_000)) + 1.0


def measure_apart(nodes: int, extent: Extent) -> Founds:
    """Do the same in another process, which dies with this one, and never runs ten times as long as estimated.

    Raises:
        RuntimeError: it did not come to its end.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    environ[lifeline.VARIABLE] = str(os.getpid())
    command = [sys.executable, "-m", "benchmarks.growth.apart", json.dumps([nodes, asdict(extent)])]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environ, cwd=ROOT, process_group=0
    ) as process:
        try:
            for line in process.stdout or ():
                key, found = json.loads(line)
                yield key, decode_figure(found)
        except BaseException:  # whoever reads this has had enough
            process.kill()
            raise
    if process.returncode:
        raise RuntimeError(f"the simulation of {nodes:,} nodes ended with {process.returncode}")


def decode_figure(found: dict[str, Any]) -> Figure:
    """Read a figure as `asdict` gave it."""
    return Figure(**found)


def main(arguments: list[str]) -> int:
    """Simulate the size and extent given as JSON, and write a line per figure."""
    lifeline.hold()
    given: Any = json.loads(arguments[0])
    nodes, extent = int(given[0]), Extent(**given[1])
    limit_s = LIMIT_S + LIMIT_PER_ESTIMATE * estimate_s(nodes, extent)
    signal.alarm(int(limit_s))  # nothing handles it: it ends the process
    for key, found in measure(nodes, extent, Progress(f"{nodes:,} simulated nodes")):
        print(json.dumps([key, asdict(found)]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
