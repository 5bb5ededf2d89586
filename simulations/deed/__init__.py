"""Deeds: what a plan can do to nodes (process.py), to the network (link.py), and to keys (key.py)."""

from simulations.deed.deed import Deed
from simulations.deed.link import BlockDatagrams, Cut, Disorder, Flap, Lose
from simulations.deed.process import (
    Block,
    Crash,
    Drift,
    ForceLeave,
    Join,
    Jump,
    Leave,
    Pause,
    Restart,
    Retag,
    Start,
    Stutter,
    Twin,
)

AnyDeed = (
    Block
    | BlockDatagrams
    | Crash
    | Cut
    | Disorder
    | Drift
    | Flap
    | ForceLeave
    | Join
    | Jump
    | Leave
    | Lose
    | Pause
    | Restart
    | Retag
    | Start
    | Stutter
    | Twin
)

__all__ = [
    "AnyDeed",
    "Block",
    "BlockDatagrams",
    "Crash",
    "Cut",
    "Deed",
    "Disorder",
    "Drift",
    "Flap",
    "ForceLeave",
    "Join",
    "Jump",
    "Leave",
    "Lose",
    "Pause",
    "Restart",
    "Retag",
    "Start",
    "Stutter",
    "Twin",
]
