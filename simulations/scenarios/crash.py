"""crash: one member's process ends without a word, and all others come to know it.

The first of them within SWIM's worst case: its turn on all rings, and the shortest suspicion. With nothing else wrong
nobody else is even suspected.
"""

from collections.abc import Iterator

from protocol.status import Status
from protocol.swim.effect import ChangeKind
from simulations.deed import Crash
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import first_detection_longest_s, status_at, told
from simulations.scenarios.setting import settle


def draw(draft: Draft) -> None:
    """Let one node die within ten seconds."""
    settle(draft, 2)
    draft.at(draft.between(0.0, 10.0), Crash(draft.one()))
    draft.lasts_s = 10.0


def judge(run: Run) -> Iterator[str]:
    """All others hold the dead member failed, the first of them soon; nobody was suspected but the dead."""
    members = run.members
    for dead in (node for node in run.nodes if not node.running):
        for observer in members:
            held = status_at(observer, dead)
            if held is not Status.FAILED:
                yield f"{observer.name} does not hold {dead.name} failed, but {held.value if held else 'not at all'}"
        first_s = min((d.after_s for d in run.recorder.detections if d.subject == dead.name), default=None)
        longest_s = first_detection_longest_s(run, len(run.nodes))
        if members and (first_s is None or first_s > longest_s):
            yield f"{dead.name}'s end was noticed after {first_s} s, at the latest after {longest_s:.1f} s"
    for observer in members:
        for subject in members:
            if next(told(run, observer, subject, ChangeKind.SUSPECT), None) is not None:
                yield f"{observer.name} suspected {subject.name}, though nothing was wrong with it"


SCENARIO = Scenario(
    name="crash",
    summary="one process ends without a word",
    promises=(
        "every other member holds it failed",
        "the first within 2n probe intervals, the shortest suspicion and log2 n + 1 gossip rounds",
        "nobody else is suspected",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("crash", "suspicions", "failures", "probe_failures"),
)
