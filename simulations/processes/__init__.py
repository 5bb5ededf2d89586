"""Scenarios over real processes: what the simulator promises of the engine, seen by HTTP on real agents.

Reading order: `scenario` (what one is, and the stage it plays on), then any of `kill_and_return`, `rolling_restart`,
`partition_heal`, `lossy_network`, `paused_process`, `full_disk`; below them `cluster` and `agent_process` (the agents),
`network` and `disk` (what is done to them), `checker` (what must hold), `story` (how it is told); `run` joins all.
"""

from simulations.processes.run import EXIT_CANNOT_RUN, EXIT_HELD, EXIT_USAGE, EXIT_VIOLATED, REAL_SCENARIOS, run_real
from simulations.processes.scenario import RealScenario

__all__ = [
    "EXIT_CANNOT_RUN",
    "EXIT_HELD",
    "EXIT_USAGE",
    "EXIT_VIOLATED",
    "REAL_SCENARIOS",
    "RealScenario",
    "run_real",
]
