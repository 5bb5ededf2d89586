"""Where a scenario's cluster runs: profile, delays, drift, and how it begins, drawn from the seed."""

from math import isfinite
from typing import Literal

from protocol.error import InvalidRequest
from simulations.scenario import Draft

ProfileName = Literal["lan", "wan", "local"]

INTERVALS: dict[ProfileName, float] = {"lan": 1.0, "wan": 5.0, "local": 1.0}
"""Probe intervals, seconds: what a plan's durations are measured in."""
DRIFTS = (0.0, 0.00002, 0.0002)
"""Of a clock without NTP: up to 20 in a million; ten times that is a bad one."""


def settle(draft: Draft, least: int = 2) -> float:
    """Draw where the nodes run, mostly in one data centre; give the probe interval in seconds.

    Raises:
        InvalidRequest: fewer nodes than the scenario has parts for.
    """
    need(draft, least)
    profiles: tuple[ProfileName, ...] = ("lan", "lan", "lan", "lan", "lan", "lan", "local", "wan")
    return settle_in(draft, draft.rng.choice(profiles))


def settle_in(draft: Draft, profile: ProfileName) -> float:
    """Draw delays that suit a profile, and the rest; give the probe interval in seconds."""
    rng = draft.rng
    draft.profile = profile
    if profile == "wan":
        draft.typical_s, draft.longest_s = draft.between(0.01, 0.05), draft.between(0.15, 0.4)
    elif profile == "local":
        draft.typical_s, draft.longest_s = 0.0001, draft.between(0.001, 0.02)
    else:
        draft.typical_s, draft.longest_s = draft.between(0.0003, 0.002), draft.between(0.006, 0.05)
    draft.drift = rng.choice(DRIFTS)
    draft.beginning = "settled" if rng.random() < 0.5 else "joined"
    return INTERVALS[profile]


def need(draft: Draft, least: int) -> None:
    """See that there are enough nodes.

    Raises:
        InvalidRequest: there are not.
    """
    if draft.nodes < least:
        raise InvalidRequest(f"{draft.scenario} needs at least {least} nodes, not {draft.nodes}")


def positive(draft: Draft, name: str, drawn: float) -> float:
    """Give an option that is a duration, or what was drawn.

    Raises:
        InvalidRequest: not a number above 0.
    """
    number = draft.option(name, drawn)
    if not isfinite(number) or number <= 0:
        raise InvalidRequest(f"{name} is a number above 0, not {draft.options[name]!r}")
    return number


def share(draft: Draft, name: str, drawn: float) -> float:
    """Give an option that is a share, or what was drawn.

    Raises:
        InvalidRequest: not a number above 0 and at most 1.
    """
    number = positive(draft, name, drawn)
    if number > 1:
        raise InvalidRequest(f"{name} is a share of at most 1, not {draft.options[name]!r}")
    return number
