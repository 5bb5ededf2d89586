"""The one command that does a run again."""

import shlex

from protocol.error import InvalidRequest
from simulations.plan import Plan
from simulations.scenario import Scenario

PROGRAM = "python -m simulations"


def replay_command(plan: Plan, scenario: Scenario) -> str:
    """Write the command that draws this plan again and carries it out.

    What the scenario draws for the same seed, nodes and options is left out; what differs is an option of the
    command. A plan that was changed beyond that has to be stored: `stored_command`.
    """
    words = ["run", scenario.name, "--nodes", str(plan.nodes), "--seed", str(plan.seed)]
    for name, value in plan.options.items():
        words += ["--set", f"{name}={value}"]
    return _write(words + _differences(plan, _drawn(plan, scenario)))


def stored_command(plan: Plan, stored: Plan, file: str) -> str:
    """Write the command that carries out the plan stored in `file`, with what was changed of it since it was read."""
    words = ["run", plan.scenario, "--plan", file]
    if plan.nodes != stored.nodes:
        words += ["--nodes", str(plan.nodes)]
    if plan.seed != stored.seed:
        words += ["--seed", str(plan.seed)]
    return _write(words + _differences(plan, stored))


def _drawn(plan: Plan, scenario: Scenario) -> Plan | None:
    """Draw the plan anew; None where that cannot be done, as for the plan of a scenario that cannot draw it."""
    try:
        return scenario.plan(plan.seed, plan.nodes, plan.options)
    except (InvalidRequest, IndexError, ValueError):
        return None


def _differences(plan: Plan, base: Plan | None) -> list[str]:
    words: list[str] = []
    if base is not None and plan.profile != base.profile:
        words += ["--profile", plan.profile]
    if base is not None and plan.lasts_s != base.lasts_s:
        words += ["--duration", write_number(plan.lasts_s)]
    if plan.encode and not (base is not None and base.encode):
        words.append("--encode")
    return words


def write_number(value: float) -> str:
    """Write a number so that it is read as the same one, without ".0"."""
    return str(int(value)) if value.is_integer() else repr(value)


def _write(words: list[str]) -> str:
    return f"{PROGRAM} {shlex.join(words)}"
