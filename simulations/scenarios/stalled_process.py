"""stalled_process: one to three processes stand still once, for half a second to half a minute, and go on.

SIGSTOP, a long collection of garbage, a machine that is suspended. On waking they must accuse nobody: their timers
are late, and the answers wait in their sockets, or, where the machine was suspended, are lost with all that came
meanwhile. Who stood still for less than the shortest suspicion is not held
failed either; who stood still for longer may be (it was as good as dead), and returns.
"""

from collections.abc import Iterator

from protocol.swim.effect import ChangeKind
from simulations.deed import Cut, Pause
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import accused, done, shortest_suspicion_s, told
from simulations.scenarios.setting import settle

SUSPENDED_SHARE = 0.4
"""Of the processes: their machine hears nothing while they stand still, and from a moment before."""


def draw(draft: Draft) -> None:
    """Draw who, when, and for how long; half of them briefly."""
    interval_s = settle(draft, 3)
    if draft.profile == "lan":  # answers are on their way longer, and more of them arrive at a process that stands
        draft.typical_s, draft.longest_s = draft.between(0.0005, 0.04), 0.2
    for node in draft.choose(draft.rng.randint(1, max(1, min(3, draft.nodes // 4)))):
        longest = draft.rng.choice((3.5, 30.0))
        at, for_s = draft.between(1.0, 10.0), round(draft.between(0.1, longest) * interval_s, 3)
        draft.at(at, Pause(node, for_s))
        if draft.rng.random() < SUSPENDED_SHARE:
            early_s = round(draft.between(0.0, 0.1) * interval_s, 3)
            draft.at(at - early_s, Cut(for_s + early_s, (node,), ()))
    draft.lasts_s = 15.0


def judge(run: Run) -> Iterator[str]:
    """Nobody accused who ran all the time, and who was stopped was given up by nobody before its time."""
    shortest_s = shortest_suspicion_s(run, len(run.nodes))
    paused = dict.fromkeys(deed.concerns[0] for _, deed in done(run, Pause))
    stood_still = {run.nodes[index].name for index in paused}
    for node in run.nodes:
        if wrongly := [name for name in accused(node) if name not in stood_still]:
            yield f"{node.name} accused {', '.join(wrongly)}, which never stood still"
    for _, deed in done(run, Pause):
        subject = run.nodes[deed.concerns[0]]
        if deed.lasts_s > shortest_s:
            continue
        for observer in run.nodes:
            if next(told(run, observer, subject, ChangeKind.FAILED), None) is not None:
                yield f"{observer.name} held {subject.name} failed, which stood still for {deed.lasts_s:g} s only"


SCENARIO = Scenario(
    name="stalled_process",
    summary="one to three processes stand still for half a second to half a minute",
    promises=(
        "who ran all the time is accused by nobody, not even by those that wake",
        "who stood still for at most the shortest suspicion is not held failed",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.UNHARMED,
    reached=("deed_pause", "pause", "stalls", "suspicions", "refutations", "failures"),
)
