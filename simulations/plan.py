"""A plan: all that a run needs to be done again, as data. The same plan gives the same run."""

from typing import Literal

import msgspec

from simulations.deed import AnyDeed

Beginning = Literal["joined", "settled", "alone"]
"""How a run begins: nodes that joined one by one, nodes that know each other from a census, or none at all."""


class Planned(msgspec.Struct, frozen=True):
    """A deed and its moment, virtual seconds after the beginning is over."""

    at: float
    deed: AnyDeed


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run. What is left out was not drawn."""

    scenario: str
    seed: int
    nodes: int
    """With which the run begins."""
    profile: Literal["lan", "wan", "local"] = "lan"
    settings: dict[str, float | int | bool] = {}
    """Settings that differ from the profile's."""
    options: dict[str, str] = {}
    """What was asked of the scenario beside its seed."""
    beginning: Beginning = "joined"
    encode: bool = False
    """Whether messages travel as sealed bytes."""
    typical_s: float = 0.0008
    """Typical one-way delay."""
    longest_s: float = 0.02
    """One in a hundred is between three times the typical delay and this."""
    drift: float = 0.0
    """Each node's clock runs at a rate within 1 plus or minus this."""
    deeds: tuple[Planned, ...] = ()
    lasts_s: float = 60.0
    """Until the faults are undone and calm begins; at least until the last deed is over."""

    @property
    def troubled_s(self) -> float:
        """When the last deed is over, seconds after the beginning."""
        return max([self.lasts_s, *(planned.at + planned.deed.lasts_s for planned in self.deeds)])


def encode_plan(plan: Plan) -> bytes:
    """Write a plan as JSON."""
    return msgspec.json.format(msgspec.json.encode(plan))


def decode_plan(text: bytes) -> Plan:
    """Read a plan.

    Raises:
        msgspec.ValidationError: not a plan.
    """
    return msgspec.json.decode(text, type=Plan)
