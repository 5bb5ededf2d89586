"""Running one scenario: what it needs, where it plays, what it came to."""

import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

from node.http_client import ClientError
from node.spelling import unknown_sentence
from simulations.processes import (
    disk,
    full_disk,
    kill_and_return,
    lossy_network,
    network,
    partition_heal,
    paused_process,
    rolling_restart,
)
from simulations.processes.agent_process import NotSo
from simulations.processes.checker import Finding
from simulations.processes.scenario import RealScenario, open_stage
from simulations.processes.story import Over, Story

EXIT_HELD = 0
EXIT_VIOLATED = 1
EXIT_USAGE = 2
EXIT_CANNOT_RUN = 3
NODES_MAX = 50
"""Each is a Python process of some 40 MiB; beyond, one machine is tested, and not the agents."""

REAL_SCENARIOS: dict[str, RealScenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (kill_and_return, rolling_restart, partition_heal, lossy_network, paused_process, full_disk)
}


def run_real(
    name: str, *, nodes: int | None = None, seed: int = 1, duration_s: float | None = None, as_json: bool = False
) -> int:
    """Run a scenario over real processes and print what comes of it; the exit code.

    0 all promises held, 1 one was broken, 2 a wrong name or number, 3 it cannot run here; the last two with one
    sentence on standard error. Without `nodes` and `duration_s` (of the fault, in seconds) the scenario's own are
    taken. SIGTERM and SIGHUP take everything down as Ctrl-C does, and are raised as KeyboardInterrupt.
    """
    wrong = _what_is_wrong(name, nodes, duration_s)
    if wrong:
        return _refuse(wrong, EXIT_USAGE)
    scenario = REAL_SCENARIOS[name]
    directory = Path(tempfile.mkdtemp(prefix="shoal-real-"))
    story = Story(quiet=as_json)
    count = scenario.nodes if nodes is None else nodes
    duration = scenario.duration_s if duration_s is None else duration_s
    with _signals_interrupt():
        if missing := why_not(scenario, directory):
            directory.rmdir()
            return _refuse(f"{name} cannot run here: {missing}", EXIT_CANNOT_RUN)
        _play(scenario, directory, count, duration, seed, story)
    _print_end(scenario, count, duration, seed, story, directory, as_json=as_json)
    return EXIT_VIOLATED if story.violations else EXIT_HELD


def why_not(scenario: RealScenario, directory: Path) -> str:
    """Say what a scenario needs and does not find here; empty if it can run. Leaves nothing in `directory`."""
    match scenario.needs:
        case "network":
            return network.why_not()
        case "disk":
            return disk.why_not(directory)
        case "":
            return ""


def _what_is_wrong(name: str, nodes: int | None, duration_s: float | None) -> str:
    if name not in REAL_SCENARIOS:
        return f"{unknown_sentence('scenario', name, REAL_SCENARIOS)}; there are {', '.join(REAL_SCENARIOS)}"
    nodes_min = REAL_SCENARIOS[name].nodes_min
    if nodes is not None and not nodes_min <= nodes <= NODES_MAX:
        return f"{nodes} nodes: {name} takes {nodes_min} to {NODES_MAX}"
    if duration_s is not None and not 0 <= duration_s < float("inf"):
        return f"a duration of {duration_s:g} s: give 0 or more"
    return ""


def _refuse(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)
    return code


def _play(scenario: RealScenario, directory: Path, nodes: int, duration_s: float, seed: int, story: Story) -> None:
    """Play it, and count what was reached; whatever stops it half-way is a violation."""
    with open_stage(directory, nodes, duration_s, seed, story) as stage:
        try:
            scenario.play(stage)
        except Over:
            pass
        except (NotSo, ClientError, OSError) as wrong:
            story.check("", [Finding("goes_on", "", f"the scenario could not go on: {wrong}")])
        stage.count_changes()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, so that what it made is taken down."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_end(
    scenario: RealScenario, nodes: int, duration_s: float, seed: int, story: Story, directory: Path, *, as_json: bool
) -> None:
    command = f"python -m simulations real {scenario.name} --nodes {nodes} --seed {seed}"
    if scenario.duration_s:
        command += f" --duration {duration_s:g}"
    if as_json:
        print(json.dumps(_answer(scenario, nodes, seed, story, command)))
        return
    reached = ", ".join(f"{what} {number}" for what, number in story.counts.items())
    print(f"\nreached: {reached}")
    size = f"{nodes} nodes, seed {seed}, {story.now:.1f} s"
    if not story.violations:
        print(f"{scenario.name}: every promise held ({size})")
        return
    broken = len(story.violations)
    print(f"{scenario.name}: {broken} violation{'' if broken == 1 else 's'} ({size})")
    print(f"  first: {story.violations[0].text}")
    print(f"  the agents' logs: {directory}")
    print(f"  run it again: {command}")


def _answer(scenario: RealScenario, nodes: int, seed: int, story: Story, command: str) -> dict[str, Any]:
    return {
        "scenario": scenario.name,
        "seed": seed,
        "nodes": nodes,
        "violations": [asdict(violation) for violation in story.violations],
        "counts": story.counts,
        "wall_s": round(story.now, 3),
        "steps": [asdict(step) for step in story.steps],
        "command": command,
    }
