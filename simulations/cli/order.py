"""The run that a command line asks for: a scenario's plan, drawn or stored, with what is to be different in it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from protocol.error import InvalidRequest
from simulations.cli.request import (
    check_duration,
    check_nodes,
    draw_plan,
    encode_option,
    find_scenario,
    parse_options,
    read_plan,
)
from simulations.plan import Plan
from simulations.replay import replay_command, stored_command
from simulations.scenario import Scenario

SEED = 1


@dataclass(frozen=True, slots=True)
class Order:
    """One run, and the command that asks for it."""

    scenario: Scenario
    plan: Plan
    line: str


def order_command(function: Callable[..., None]) -> Callable[..., None]:
    """Add SCENARIO and the options that decide its plan to a command, and give it `order`."""

    @click.argument("scenario_name", metavar="SCENARIO")
    @click.option("--nodes", type=int, metavar="N", help="Nodes to begin with; drawn from the seed if left.")
    @click.option("--seed", type=int, metavar="S", help=f"Decides everything that is drawn; {SEED} if left.")
    @click.option("--duration", type=float, metavar="D", help="Virtual seconds until calm; all deeds are waited for.")
    @click.option("--profile", type=click.Choice(["lan", "wan", "local"]), help="The nodes' timing.")
    @encode_option
    @click.option("--set", "pairs", metavar="NAME=VALUE", multiple=True,
                  help="An option of the scenario; repeat for more.")  # fmt: skip
    @click.option("--plan", "plan_file", metavar="FILE", type=click.Path(path_type=Path),
                  help="A stored plan instead of a drawn one.")  # fmt: skip
    @functools.wraps(function)
    def command(
        scenario_name: str,
        nodes: int | None,
        seed: int | None,
        duration: float | None,
        profile: str | None,
        encode: bool,
        pairs: tuple[str, ...],
        plan_file: Path | None,
        **others: Any,
    ) -> None:
        changes = {"seed": seed, "nodes": nodes, "profile": profile, "lasts_s": duration, "encode": encode or None}
        function(order=place_order(scenario_name, changes, parse_options(pairs), plan_file), **others)

    return command


def place_order(name: str, wanted: dict[str, Any], options: dict[str, str], plan_file: Path | None) -> Order:
    """Draw or read the plan, and change in it what is `wanted` (fields of a plan; None for what is to stay).

    Raises:
        InvalidRequest: an unknown scenario or option, numbers out of range, a file that is no plan of it.
    """
    scenario = find_scenario(name)
    changes = {field: value for field, value in wanted.items() if value is not None}
    if plan_file is None:
        drawn = draw_plan(scenario, changes.pop("seed", SEED), changes.pop("nodes", None), options)
        plan = _change(drawn, changes)  # the scenario has the last word on how many nodes: it may need fewer
        return Order(scenario, plan, replay_command(plan, scenario))
    if options:
        raise InvalidRequest("a stored plan was drawn already: --set comes too late")
    stored = read_plan(plan_file, scenario)
    plan = _change(stored, changes)
    return Order(scenario, plan, stored_command(plan, stored, str(plan_file)))


def _change(plan: Plan, changes: dict[str, Any]) -> Plan:
    plan = replace(plan, **changes)
    check_nodes(plan.nodes)
    check_duration(plan.lasts_s)
    return plan
