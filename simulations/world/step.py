"""What checkers, traces and statistics see of a run: each input of each engine, with what came of it."""

from dataclasses import dataclass
from typing import Protocol

from protocol.swim.effect import Effect
from protocol.wire.message import Claim
from simulations.world.node import Node


@dataclass(slots=True)
class Step:
    """One call of one engine. `at` is virtual time."""

    at: float
    node: Node
    kind: str
    """`packet`, `timer`, `stream`, `start`, or the name of the request made of the engine."""
    effects: list[Effect]
    claims: tuple[Claim, ...] = ()
    """The claims that came in with it."""
    detail: object = None
    """The packet, or the stream's message."""


class Watcher(Protocol):
    """Sees a run from outside; changes nothing in it."""

    def see_step(self, step: Step) -> None:
        """Take note of one engine's input and effects, after it and before they are carried out."""

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Take note of what is done to a node or to the network: a crash, a cut, a restart."""
