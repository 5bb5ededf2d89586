"""What users ask for: scenarios by name, ranges of seeds, options, stored plans; and what may be wrong with it."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

import click
import msgspec

from node.spelling import unknown_sentence
from protocol.error import InvalidRequest
from simulations.plan import Plan, decode_plan
from simulations.scenario import Scenario
from simulations.scenarios import SCENARIOS

NODES_MAX = 20_000
"""Of one run: at twice the largest that is measured, one process's memory is at its end."""
SEEDS_MAX = 1_000_000
"""Of one campaign: a week of two cores with one scenario."""
PLAN_SIZE_MAX = 16 * 1024 * 1024
"""A stored plan is some kilobytes."""


def find_scenario(name: str) -> Scenario:
    """Give the scenario with a name.

    Raises:
        InvalidRequest: there is none; the nearest is named.
    """
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise InvalidRequest(f"{unknown_sentence('scenario', name, SCENARIOS)} (`list` shows all)")
    return scenario


def choose_scenarios(names: str) -> list[Scenario]:
    """Give the scenarios in a list parted by commas, each once; all where it is empty.

    Raises:
        InvalidRequest: one is unknown.
    """
    if not names.strip():
        return list(SCENARIOS.values())
    chosen = dict.fromkeys(name.strip() for name in names.split(",") if name.strip())
    return [find_scenario(name) for name in chosen]


def parse_seeds(text: str) -> range:
    """Read `A..B`, both included, or a single seed.

    Raises:
        InvalidRequest: neither.
    """
    first, dots, last = text.partition("..")
    try:
        begin = int(first)
        end = int(last) if dots else begin
    except ValueError:
        raise InvalidRequest(f"seeds are A..B, as 1..100 is, or one number, not {text!r}") from None
    if end < begin:
        raise InvalidRequest(f"seeds are A..B with A at most B, not {text!r}")
    if begin < 0:
        raise InvalidRequest(f"seeds are 0 or more, not {begin}")
    if end - begin >= SEEDS_MAX:
        raise InvalidRequest(f"{end - begin + 1} seeds, at most {SEEDS_MAX}")
    return range(begin, end + 1)


def parse_options(pairs: Sequence[str]) -> dict[str, str]:
    """Read what was given with `--set`.

    Raises:
        InvalidRequest: one has no name or no value.
    """
    options: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise InvalidRequest(f"--set takes name=value, not {pair!r}")
        options[name] = value
    return options


def draw_plan(scenario: Scenario, seed: int, nodes: int | None, options: dict[str, str]) -> Plan:
    """Draw the plan of a run; without a number of nodes it has as many as in a campaign.

    Raises:
        InvalidRequest: too few or too many nodes, or an option that the scenario does not have.
    """
    count = scenario.size(seed) if nodes is None else nodes
    check_nodes(count)
    try:
        return scenario.plan(seed, count, options)
    except InvalidRequest:
        raise
    except (IndexError, ValueError):  # it draws more different nodes than there are
        raise InvalidRequest(f"{count} nodes are too few for {scenario.name}") from None


def check_nodes(count: int) -> None:
    """Refuse what no run can have.

    Raises:
        InvalidRequest: fewer than 1, or more than one process bears.
    """
    if not 1 <= count <= NODES_MAX:
        raise InvalidRequest(f"{count} nodes: a run has 1 to {NODES_MAX}")


def check_duration(duration: float) -> None:
    """Refuse a duration that does not end.

    Raises:
        InvalidRequest: it is none.
    """
    if not isfinite(duration) or duration < 0:
        raise InvalidRequest(f"a duration of {duration:g} s: give 0 or more virtual seconds")


def read_plan(file: Path, scenario: Scenario) -> Plan:
    """Read a stored plan of a scenario.

    Raises:
        InvalidRequest: it cannot be read, is no plan, or is another scenario's.
    """
    try:
        with file.open("rb") as stored:
            text = stored.read(PLAN_SIZE_MAX + 1)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}") from None
    if len(text) > PLAN_SIZE_MAX:
        raise InvalidRequest(f"{file} has more than {PLAN_SIZE_MAX} bytes: it is no plan")
    try:
        plan = decode_plan(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{file} is no plan: {error}") from None
    if plan.scenario != scenario.name:
        raise InvalidRequest(f"{file} is a plan of {plan.scenario}, not of {scenario.name}")
    check_nodes(plan.nodes)
    for number in (plan.lasts_s, *(planned.at for planned in plan.deeds)):
        check_duration(number)
    return plan


def write_file(file: Path, content: bytes) -> None:
    """Write a file as a whole.

    Raises:
        InvalidRequest: it cannot be written.
    """
    try:
        file.write_bytes(content)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}") from None


encode_option = click.option("--encode", is_flag=True, help="Seal every message and open it again, as a node does.")
scenarios_option = click.option("--scenarios", "names", metavar="A,B", default="", help="These only.")
