"""crash: one member's process ends without a word, and all others come to know it."""

from collections.abc import Iterator

from protocol.status import Status
from simulations.deed import Crash
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared


def draw(draft: Draft) -> None:
    """Let one node die within ten seconds."""
    draft.at(draft.between(0.0, 10.0), Crash(draft.one()))
    draft.lasts_s = 10.0


def judge(run: Run) -> Iterator[str]:
    """All others hold the dead member failed."""
    for dead in (node for node in run.nodes if not node.running):
        for observer in run.members:
            held = observer.engine.membership.get(dead.id)
            if held is None or held.status is not Status.FAILED:
                yield f"{observer.name} does not hold {dead.name} failed"


SCENARIO = Scenario(
    name="crash",
    summary="one process ends without a word",
    promises=("every other member holds it failed", "nobody else is held failed"),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("crash", "suspicions", "failures", "probe_failures"),
)
