"""mass_crash: a tenth to four tenths of all processes end at once, as when a rack loses its power.

All survivors come to hold each of the dead failed, and nobody else: the dead among a prober's relays must not make it
blame the living (Lifeguard's awareness), nor may the flood of rumors hold up a refutation.
"""

from collections.abc import Iterator

from protocol.status import Status
from simulations.deed import Crash
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import status_at
from simulations.scenarios.setting import settle


def draw(draft: Draft) -> None:
    """Let some die in one instant, or within a second."""
    settle(draft, 4)
    share = draft.between(0.1, 0.4)
    at, spread = draft.between(0.0, 5.0), draft.rng.choice((0.0, 1.0))
    for node in draft.choose(max(2, round(draft.nodes * share))):
        draft.at(at + draft.between(0.0, spread), Crash(node))
    draft.lasts_s = 10.0


def judge(run: Run) -> Iterator[str]:
    """Each survivor holds each of the dead failed."""
    dead = [node for node in run.nodes if not node.running]
    for observer in run.members:
        missed = [node.name for node in dead if status_at(observer, node) is not Status.FAILED]
        if missed:
            yield f"{observer.name} does not hold {', '.join(missed)} failed"


SCENARIO = Scenario(
    name="mass_crash",
    summary="10 to 40 % of all processes end at once",
    promises=("every survivor holds each of the dead failed", "no survivor is held failed"),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("crash", "suspicions", "failures", "probe_failures", "retries"),
)
