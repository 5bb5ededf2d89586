"""partition_heal: the cluster is cut in two, or three, for a minute, an hour, 25 hours or 8 days, and heals.

The field's partitions that never heal: memberlist forgets the other side after 30 s, serf after 24 h, consul after
72 h (memberlist#222, serf#605, metallb#589). Here the failed are taken off the list after 24 h, which the longer cuts
pass, but not out of the address book, which is tried for ever.

A cut that is drawn: of 200, 146 take a minute, 50 an hour, 3 take 25 hours, one 8 days. An hour is spent by at most 5
nodes, days by 4 (sides of at least two), under the wan profile, which probes each 5 s: 8 days are millions of events.
"""

from collections.abc import Iterator

from protocol.status import Status
from protocol.swim.effect import ChangeKind
from protocol.swim.settings import DAY_S
from simulations.deed import Cut
from simulations.run import Run
from simulations.scenario import Draft, Scenario
from simulations.scenarios.account import shortest_suspicion_s, told
from simulations.scenarios.setting import need, positive, settle, settle_in
from simulations.world import Node

MINUTE_S, HOUR_S = 60.0, 3_600.0
DAY_AND_HOUR_S, EIGHT_DAYS_S = 90_000.0, 691_200.0
SHARES = ((0.73, MINUTE_S), (0.98, HOUR_S), (0.995, DAY_AND_HOUR_S), (1.0, EIGHT_DAYS_S))
"""Up to which share of the seeds each cut is drawn."""
HOUR_NODES_MAX, DAYS_NODES_MAX = 5, 4
"""Of a long cut that was drawn."""


def draw(draft: Draft) -> None:
    """Draw how long, and who is on which side."""
    need(draft, 4)
    share = draft.rng.random()
    drawn_s = next(cut_s for upto, cut_s in SHARES if share <= upto)
    cut_s = positive(draft, "cut_s", drawn_s)
    if cut_s <= MINUTE_S:
        settle(draft, 4)
    else:
        settle_in(draft, "wan")
        if "cut_s" not in draft.options:
            draft.nodes = min(draft.nodes, HOUR_NODES_MAX if cut_s <= HOUR_S else DAYS_NODES_MAX)
    nodes = draft.choose(draft.nodes)
    part_count = 3 if draft.nodes >= 9 and draft.rng.random() < 0.3 else 2
    places = sorted(draft.rng.sample(range(2, draft.nodes - 1), part_count - 1))
    began = draft.between(0.0, 5.0)
    for begin, end in zip([0, *places], [*places, draft.nodes], strict=True):
        if end < draft.nodes:  # the last part is cut off by the others' cuts
            draft.at(began, Cut(cut_s, tuple(sorted(nodes[begin:end])), tuple(sorted(nodes[end:]))))
    draft.lasts_s = began + cut_s


def sides(run: Run) -> list[frozenset[int]]:
    """Give the parts, by index."""
    cuts = [planned.deed for planned in run.plan.deeds if isinstance(planned.deed, Cut)]
    return [*(frozenset(cut.sources) for cut in cuts), frozenset(cuts[-1].targets)] if cuts else []


def judge(run: Run) -> Iterator[str]:
    """Each side gave up the other, if there was time, and nobody of its own."""
    parts = sides(run)
    part_of = {index: place for place, part in enumerate(parts) for index in part}
    cut_s = max((planned.deed.lasts_s for planned in run.plan.deeds), default=0.0)
    for observer in run.nodes:
        for subject in run.nodes:
            if observer is subject:
                continue
            if part_of.get(observer.index) == part_of.get(subject.index):
                if any(c.status is Status.FAILED for c in told(run, observer, subject, ChangeKind.FAILED)):
                    yield f"{observer.name} held {subject.name} failed, which was on its own side"
            else:
                yield from _judge_across(run, observer, subject, cut_s)


def noticed_longest_s(run: Run) -> float:
    """Give how long one side may take to give up the other.

    Half of a prober's relays are silent too, so that it may doubt itself as much as it can (Lifeguard 4.1) until it
    has asked everybody; and a side may be too small for confirmations.
    """
    settings, nodes = run.settings, len(run.nodes)
    asked_s = settings.awareness_max * 2 * nodes * settings.probe_interval_s
    return asked_s + settings.suspicion_beta * shortest_suspicion_s(run, nodes)


def _judge_across(run: Run, observer: Node, subject: Node, cut_s: float) -> Iterator[str]:
    kinds = {change.kind for change in told(run, observer, subject, *ChangeKind)}
    longest_s = noticed_longest_s(run)
    if cut_s > longest_s and ChangeKind.FAILED not in kinds:
        yield f"{observer.name} never held {subject.name} failed, which was cut off for {cut_s:g} s"
    if ChangeKind.FAILED in kinds and ChangeKind.JOIN not in kinds:
        yield f"{observer.name} was never told that {subject.name} returned"
    if cut_s > run.settings.reap_after_s + HOUR_S / 2 and ChangeKind.REAP not in kinds:
        yield f"{observer.name} never took {subject.name} off its list, which was cut off for {cut_s / DAY_S:.1f} days"


SCENARIO = Scenario(
    name="partition_heal",
    summary="the cluster is cut in two or three, for a minute to 8 days, and heals",
    promises=(
        "each side comes to hold the other failed, and never one of its own",
        "after 24 h the others are taken off the list",
        "once healed, all hold all alive within the bound, after a cut of any length",
    ),
    draw=draw,
    judge=judge,
    sizes=(4, 24),
    reached=("deed_cut", "cut", "failures", "retries", "joins"),
    options={"cut_s": "seconds the cut lasts: 60, 3600, 90000 (25 h), 691200 (8 days) or any other"},
)
