"""The scenarios, each a small file that reads like a description."""

from simulations.scenario import Scenario
from simulations.scenarios import crash, steady

SCENARIOS: dict[str, Scenario] = {module.SCENARIO.name: module.SCENARIO for module in (crash, steady)}
"""All of them, by name, in the order of the alphabet."""
