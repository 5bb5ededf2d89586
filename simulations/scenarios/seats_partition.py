"""seats_partition: a full cluster is cut in two; one side, or both, force-leave the other and give its seats away.

Healed, there are more members than seats. Nobody is removed for that, all views become one, and the door stays shut.
"""

from collections.abc import Iterator

from protocol.refusal import Refusal
from protocol.swim.effect import ChangeKind, SteppedDown
from simulations.deed import Cut, ForceLeave, Lose, Start
from simulations.deed.joining import PASSING_REFUSALS_S
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import done, shortest_suspicion_s, told
from simulations.scenarios.setting import need, settle
from simulations.world import Node

FAILED_S = 45.0
"""Probe intervals after which one side mostly holds the other failed."""
GIVEN_S = 50.0
"""Probe intervals more that the cut lasts: who was refused tries for 30 s, and who came within the last ten intervals
cannot tell the other side's newcomers from rivals in a race (`last_seat`), to whom it may have to give way."""
HEALED_S = 60.0
"""Probe intervals after which a healed partition lets nobody in any more."""
LOSS_MAX = 0.02

Sides = tuple[tuple[int, ...], tuple[int, ...]]
"""One's own side, and the other."""


def draw(draft: Draft) -> None:
    """Cut, let newcomers come to seats that were freed, heal, and let one more come."""
    need(draft, 4)
    interval_s = settle(draft, 4)
    draft.settings = {"seats": draft.nodes}
    nodes = draft.choose(draft.nodes)
    place = draft.rng.randint(2, draft.nodes - 2)
    sides = [(nodes[:place], nodes[place:])]
    if draft.rng.random() < 0.4:
        sides.append((nodes[place:], nodes[:place]))
    cut_s = (FAILED_S + GIVEN_S) * interval_s
    draft.at(0.0, Cut(cut_s, nodes[:place], nodes[place:]))
    newcomers: list[tuple[float, int, int]] = []
    for side, (one, other) in enumerate(sides):
        at = draft.between(FAILED_S - 5.0, FAILED_S) * interval_s
        evicted = draft.rng.sample(other, draft.rng.randint(1, min(3, len(other))))
        for subject in evicted:
            draft.at(at, ForceLeave(draft.rng.choice(one), subject))
        for _ in evicted:
            at += draft.between(1.0, 2.5) * interval_s
            newcomers.append((at, side, draft.rng.choice(one)))
    _let_come(draft, sides, sorted(newcomers), cut_s)
    late = cut_s + draft.between(0.0, 2.0) * HEALED_S * interval_s
    draft.at(late, Start(draft.one()))
    draft.lasts_s = max(late + PASSING_REFUSALS_S + 3.0, cut_s + HEALED_S * interval_s)
    if draft.rng.random() < 0.3:
        draft.at(0.0, Lose(draft.lasts_s, (), draft.between(0.005, LOSS_MAX)))


def _let_come(draft: Draft, sides: list[Sides], newcomers: list[tuple[float, int, int]], cut_s: float) -> None:
    """Start newcomers in order, each cut off from the other side, and from those who came to that side before."""
    came: tuple[list[int], list[int]] = ([], [])
    for place, (at, side, seed) in enumerate(newcomers):
        index = draft.nodes + place
        draft.at(at, Start(seed))
        draft.at(at, Cut(cut_s - at, (index,), (*sides[side][1], *came[1 - side])))
        came[side].append(index)


def judge(run: Run) -> Iterator[str]:
    """All who were members on either side are, in excess of the seats; the last to come was turned away."""
    members, seats = run.members, run.plan.settings["seats"]
    let_in = [node for node in run.nodes if any(join.peer is not None for join in node.joins)]
    late = run.nodes[-1]
    expected = run.plan.nodes + sum(1 for node in let_in if node is not late and node.index >= run.plan.nodes)
    if late in let_in or late in members:
        yield f"{late.name} was let in, though there was no seat"
    elif not any(join.refusal is Refusal.NODE_LIMIT for join in late.joins):
        yield f"{late.name} was not told that there is no seat: {[join.refusal for join in late.joins][-3:]}"
    if len(members) != expected:
        yield f"{len(members)} are members, and {expected} were on either side"
    run.recorder.counts["seats_in_excess"] += max(0, len(members) - int(seats))
    for node in members:
        excess = node.engine.membership.admission.excess
        if excess != max(0, len(members) - seats):
            yield f"{node.name} counts {excess} beyond {seats} seats, and {len(members)} are members"
        if any(isinstance(refusal, SteppedDown) for refusal in node.refusals):
            yield f"{node.name} gave its seat up, because a partition healed"
    yield from _judge_healed(run, members)


def _judge_healed(run: Run, members: list[Node]) -> Iterator[str]:
    """Look for members that were removed when the last suspicion from the time of the cut was over."""
    healed_at = run.began_at + max(deed.lasts_s for at, deed in done(run, Cut) if at <= run.began_at)
    settled_at = healed_at + run.settings.suspicion_beta * shortest_suspicion_s(run, len(run.nodes))
    for observer in members:
        for subject in members:
            for change in told(run, observer, subject, ChangeKind.LEAVE, ChangeKind.REAP):
                if observer.clock.virtual(change.at) > settled_at:
                    yield f"{observer.name} took {subject.name} for {change.status.value} after the cut had healed"


SCENARIO = Scenario(
    name="seats_partition",
    summary="in a partition seats are given away; healed, there are more members than seats",
    promises=(
        "nobody is removed, and nobody gives way, when the two sides meet again",
        "all views become one, with as many members as both sides had",
        "nobody new is let in while there are more members than seats",
    ),
    draw=draw,
    judge=judge,
    sizes=(5, 16),
    spared=Spared.NOBODY,
    reached=("deed_cut", "deed_forceleave", "leaves", "seats_in_excess", "refused_node_limit"),
)
