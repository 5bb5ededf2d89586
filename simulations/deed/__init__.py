"""Deeds: what a plan can do to nodes (process.py, joining.py), the network (link.py), keys (key.py), as attacker.

revocation.py has what an operator decides about who may be a member, fact.py what a member says of itself.
"""

from simulations.deed.attack import Attack
from simulations.deed.deed import Deed
from simulations.deed.fact import PutFact, PutFacts, RemoveFact, RemoveFacts
from simulations.deed.key import AddKey, RetireKeys, UseKey
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
from simulations.deed.revocation import Invite, Reinstate, Renew, Revoke

AnyDeed = (
    AddKey
    | Attack
    | Block
    | BlockDatagrams
    | Crash
    | Cut
    | Disorder
    | Drift
    | Flap
    | ForceLeave
    | Invite
    | Join
    | Jump
    | Leave
    | Lose
    | Pause
    | PutFact
    | PutFacts
    | Reinstate
    | RemoveFact
    | RemoveFacts
    | Renew
    | Restart
    | Retag
    | RetireKeys
    | Revoke
    | Start
    | Stutter
    | Twin
    | UseKey
)

__all__ = [
    "AddKey",
    "AnyDeed",
    "Attack",
    "Block",
    "BlockDatagrams",
    "Crash",
    "Cut",
    "Deed",
    "Disorder",
    "Drift",
    "Flap",
    "ForceLeave",
    "Invite",
    "Join",
    "Jump",
    "Leave",
    "Lose",
    "Pause",
    "PutFact",
    "PutFacts",
    "Reinstate",
    "RemoveFact",
    "RemoveFacts",
    "Renew",
    "Restart",
    "Retag",
    "RetireKeys",
    "Revoke",
    "Start",
    "Stutter",
    "Twin",
    "UseKey",
]
