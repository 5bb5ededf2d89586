"""Short runs in which much goes wrong at once, for checkers to say nothing about."""

from simulations.deed import (
    Block,
    Crash,
    Cut,
    Disorder,
    ForceLeave,
    Join,
    Jump,
    Leave,
    Lose,
    Pause,
    Restart,
    Retag,
    Start,
    Stutter,
)
from simulations.scenario import Draft, Scenario, Spared

DEEDS = 8


def draw(draft: Draft) -> None:
    """Let eight things happen within twenty seconds, each to any node."""
    draft.beginning = draft.rng.choice(("joined", "settled"))
    draft.drift = draft.rng.choice((0.0, 0.0001))
    draft.profile = draft.rng.choice(("lan", "local"))
    for _ in range(DEEDS):
        at, one, other = draft.between(0.0, 20.0), draft.one(), draft.one()
        match draft.rng.randrange(13):
            case 0 | 1:
                draft.at(at, Crash(one))
                draft.at(at + draft.between(0.5, 15.0), Restart(one, keep_disk=draft.rng.random() < 0.7, seed=other))
            case 2:
                draft.at(at, Crash(one))
                draft.at(at + draft.between(8.0, 15.0), ForceLeave(other, one, prune=draft.rng.random() < 0.5))
            case 3 | 4:
                draft.at(at, Pause(one, draft.between(0.2, 12.0)))
            case 5:
                draft.at(at, Block(one, draft.between(0.2, 8.0)))
            case 6:
                draft.at(at, Cut(draft.between(1.0, 15.0), (one,), (), both_ways=draft.rng.random() < 0.5))
            case 7:
                draft.at(at, Leave(one, stays=True))
                draft.at(at + draft.between(0.1, 10.0), Join(one, other))
            case 8:
                draft.at(at, Leave(one))
                draft.at(at + draft.between(6.0, 12.0), Restart(one, seed=other))
            case 9:
                draft.at(at, Retag(one, "role", f"r{draft.rng.randrange(9)}"))
                draft.at(at, Lose(draft.between(1.0, 10.0), (), draft.between(0.05, 0.3)))
            case 10:
                draft.at(at, Stutter(one, draft.between(0.3, 1.5), draft.between(0.05, 0.5), 8.0))
            case 11:
                draft.at(at, Start(other, name=draft.rng.choice((None, f"n{one}"))))
                draft.at(at, Disorder(5.0, 0.1, 0.1, 0.5))
            case _:
                draft.at(at, Jump(one, draft.between(-20.0, 20.0), draft.between(0.0, 5.0)))
    draft.lasts_s = 25.0


TROUBLE = Scenario(
    name="trouble",
    summary="eight things of many kinds within twenty seconds",
    promises=(),
    draw=draw,
    spared=Spared.NOBODY,
    sizes=(5, 8),
)
