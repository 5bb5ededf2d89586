"""slow_member: one to three processes get CPU only now and then, as on an overbooked machine.

Healthy nodes flapped because one under load could not keep up and accused them (consul#1212, alertmanager#1909). A
process here that stood still notices it, and believes its own clock before it believes the silence of others: no
healthy member is accused, by healthy ones or by the slow one. It may be held failed itself, and returns. Nor may its
doubts keep it from ever reaching a verdict: of a member that dies meanwhile it hears from others, and holds it failed
not long after them, at the pace at which it runs.
"""

from collections.abc import Iterator

from protocol.swim.effect import ChangeKind
from simulations.deed import Crash, Stutter
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import accused, done, shortest_suspicion_s, told
from simulations.scenarios.setting import settle

SLACK_INTERVALS = 6
"""Probe intervals of its own that a slow member may need beyond the suspicion."""


def draw(draft: Draft) -> None:
    """Draw who stutters, and how."""
    interval_s = settle(draft, 5)
    if draft.profile == "lan":  # answers are on their way longer, and more of them arrive at a process that stands
        draft.typical_s, draft.longest_s = draft.between(0.0005, 0.04), 0.2
    lasts_s = draft.between(25.0, 45.0) * min(2.0, interval_s)
    slow = draft.choose(draft.rng.randint(1, max(1, min(3, draft.nodes // 5))))
    for node in slow:
        stop_s, go_s = draft.between(0.1, 4.0) * interval_s, draft.between(0.02, 1.0) * interval_s
        draft.at(draft.between(0.0, 3.0), Stutter(node, round(stop_s, 3), round(go_s, 3), lasts_s))
    if draft.rng.random() < 0.5:
        draft.at(draft.between(3.0, 5.0), Crash(draft.one(*slow)))
    draft.lasts_s = lasts_s


def judge(run: Run) -> Iterator[str]:
    """Nobody accuses a healthy member, not even a slow one; and the slow ones reach their verdicts."""
    troubled = {run.nodes[index].name for planned in run.plan.deeds for index in planned.deed.concerns}
    for observer in run.nodes:
        if wrongly := [name for name in accused(observer) if name not in troubled]:
            yield f"{observer.name} accused {', '.join(wrongly)}, with which nothing was wrong"
        for subject in (node for node in run.nodes if node.name not in troubled):
            if next(told(run, observer, subject, ChangeKind.FAILED), None) is not None:
                yield f"{observer.name} held {subject.name} failed, with which nothing was wrong"
    slow = [deed for _, deed in done(run, Stutter) if isinstance(deed, Stutter)]
    for dead in (node.name for node in run.nodes if not node.running):
        found = {d.observer: d.after_s for d in run.recorder.detections if d.subject == dead}
        healthy_s = max((after_s for name, after_s in found.items() if name not in troubled), default=0.0)
        for deed in slow:
            longest_s = healthy_s + slowed_s(run, deed)
            after_s = found.get(run.nodes[deed.node].name, longest_s)
            if after_s > longest_s:
                yield f"n{deed.node} held {dead} failed after {after_s:.1f} s, others within {healthy_s:.1f} s"


def slowed_s(run: Run, deed: Stutter) -> float:
    """Give how much later a slow member may reach a verdict: the shortest suspicion and some rounds, at its pace."""
    wait_s = shortest_suspicion_s(run, len(run.nodes)) + SLACK_INTERVALS * run.settings.probe_interval_s
    return deed.stop_s + wait_s * (deed.stop_s + deed.go_s) / deed.go_s


SCENARIO = Scenario(
    name="slow_member",
    summary="one to three processes run only now and then",
    promises=(
        "no healthy member is accused by anybody, the slow ones included",
        "who dies meanwhile is held failed by the slow ones too, at their pace",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.UNHARMED,
    sizes=(5, 20),
    reached=("deed_stutter", "pause", "stalls", "suspicions", "refutations"),
)
