"""What can be done to a world, as data: a run's plan is a list of these, so that it can be stored and shrunk.

A deed that no longer makes sense (to crash what does not run) does nothing: a shrunk plan may hold it.
"""

from typing import ClassVar

import msgspec

from simulations.world import World


class Deed(msgspec.Struct, frozen=True, tag=True):
    """Something done at one moment, which may last. Nodes are named by their index."""

    is_harm: ClassVar[bool] = True
    """Whether those it concerns may, while it lasts, be wrongly suspected, or wrongly suspect."""

    def do(self, world: World) -> None:
        """Do it now, and plan its end."""
        raise NotImplementedError

    def text(self) -> str:
        """Say it in a few words, as a timeline shows it."""
        raise NotImplementedError

    @property
    def lasts_s(self) -> float:
        """Virtual seconds until nothing is left of it; 0 where it is over at once."""
        return 0.0

    @property
    def concerns(self) -> tuple[int, ...]:
        """The nodes that it is done to."""
        return ()


def names(indexes: tuple[int, ...]) -> str:
    """Write nodes as a timeline shows them: "n1, n2", or how many where there are more than four."""
    if len(indexes) > 4:
        return f"{len(indexes)} nodes"
    return ", ".join(f"n{index}" for index in indexes)
