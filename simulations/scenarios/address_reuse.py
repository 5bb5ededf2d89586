"""address_reuse: a dead member's address is taken by another identity, as clouds and containers do.

The next one there answers, but not as the dead one (serf#115): what is sealed for the one does not open for the
other. So the dead is found, the newcomer is not mistaken for it, and when the dead comes back elsewhere, both are
bound to where they are.
"""

from collections.abc import Iterator

from protocol.status import Status
from simulations.deed import Crash, Restart, Start
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import status_at
from simulations.scenarios.setting import settle


def draw(draft: Draft) -> None:
    """Let one die, another start at its address, with its name or not, and the dead return elsewhere or not."""
    interval_s = settle(draft, 4)
    victim, seed = draft.choose(2)
    at = draft.between(0.0, 3.0)
    draft.at(at, Crash(victim))
    taken_at = at + draft.between(0.2, draft.rng.choice((1.0, 20.0))) * interval_s
    returns = draft.rng.random() < 0.5
    name = None if returns or draft.rng.random() < 0.5 else f"n{victim}"
    draft.at(taken_at, Start(seed, name=name, address_of=victim))
    if returns:
        again_at = taken_at + draft.between(0.2, 20.0) * interval_s
        draft.at(again_at, Restart(victim, address=f"10.200.0.{victim + 1}", seed=draft.rng.choice((None, seed))))
    draft.lasts_s = 5.0


def judge(run: Run) -> Iterator[str]:
    """Nobody takes one for the other."""
    newcomers = run.nodes[run.plan.nodes :]
    for observer in run.members:
        for node in newcomers:
            if observer is not node and not node.running:
                yield f"{node.name} did not stay"
        for dead in (node for node in run.nodes if not node.running and node not in newcomers):
            held = status_at(observer, dead)
            if held not in (Status.FAILED, Status.LEFT):
                yield f"{observer.name} holds {dead.name} {held.value if held else 'not at all'}, which is dead"


SCENARIO = Scenario(
    name="address_reuse",
    summary="a dead member's address is taken by another identity",
    promises=(
        "the dead member is held failed or left, the newcomer alive at the address",
        "a former holder that returns elsewhere is bound to its new address",
        "no member that runs is held failed, but the one that had died",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.UNHARMED,
    reached=("crash", "deed_start", "restart", "failures"),
)
