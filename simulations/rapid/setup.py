"""What Rapid's authors did to a thousand processes."""

from collections.abc import Callable
from dataclasses import dataclass

from simulations.deed import Crash, Deed, Flap, Lose
from simulations.world import World

FAULTY_SHARE = 0.01
"""One process in a hundred: 10 of 1,000."""
FAULT_AT_S = 30.0
"""Virtual seconds of peace before it."""
FLIP_S = 20.0
"""On and off, each."""
LOSS_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Setup:
    """One experiment."""

    name: str
    summary: str
    nodes: int
    """As many as theirs had."""
    lasts_s: float
    deeds: Callable[[tuple[int, ...], float], tuple[Deed, ...]] | None
    """What is done to the faulty ones, for how long; None for a bootstrap."""

    def faulty(self, world: World) -> tuple[int, ...]:
        """Draw who is faulty."""
        count = max(1, round(FAULTY_SHARE * len(world.nodes)))
        return tuple(sorted(world.rng.sample(range(1, len(world.nodes)), count)))


def _crash(faulty: tuple[int, ...], lasts_s: float) -> tuple[Deed, ...]:
    del lasts_s
    return tuple(Crash(index) for index in faulty)


def _flip_flop(faulty: tuple[int, ...], lasts_s: float) -> tuple[Deed, ...]:
    return (Flap(lasts_s, faulty, FLIP_S, FLIP_S, arriving=True),)


def _loss(faulty: tuple[int, ...], lasts_s: float) -> tuple[Deed, ...]:
    return (Lose(lasts_s, faulty, LOSS_SHARE, arriving=False, leaving=True),)


SETUPS: dict[str, Setup] = {
    setup.name: setup
    for setup in (
        Setup("bootstrap", "all start within a second and join through one seed", 2_000, 300.0, None),
        Setup("crash", "1 % end at the same moment", 1_000, 120.0, _crash),
        Setup("flip_flop", "1 % receive nothing, 20 s of each 40 s", 1_000, 300.0, _flip_flop),
        Setup("loss", "1 % lose 80 % of what they send", 1_000, 300.0, _loss),
    )
}
