"""graceful_leave: some members say goodbye, and end, stay as idle processes, or come back later.

A leaver was shown as failed or stuck as "leaving" (consul#3706, #13379), and could not rejoin from the same process
(memberlist#217). Here it is told within 5 s, known everywhere within the gossip that follows, and nobody ever
holds it failed.
"""

from collections.abc import Iterator
from math import ceil, log2

from protocol.status import Status
from protocol.swim.effect import ChangeKind
from protocol.swim.leave import LEAVE_LONGEST_S
from protocol.swim.stream import MISMATCH_QUIET_S
from simulations.deed import Join, Leave, Lose
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import done, status_at, told, told_after_s
from simulations.scenarios.setting import settle

RETURN_SHARE = 0.3
LOSSY_SHARE = 0.3
"""Of all runs; up to one datagram in twenty is lost then."""


def draw(draft: Draft) -> None:
    """Let up to a third leave, all at once or one by one; some of those that stay join again."""
    interval_s = settle(draft, 3)
    at_once = draft.rng.random() < 0.3
    leavers = draft.choose(max(1, round(draft.nodes * draft.between(0.05, 0.34))))
    at = draft.between(0.0, 5.0)
    for node in leavers:
        stays = draft.rng.random() < 0.5
        draft.at(at, Leave(node, stays=stays))
        if stays and draft.rng.random() < RETURN_SHARE:
            draft.at(at + draft.between(0.2, 20.0), Join(node, draft.one(*leavers)))
        at += 0.0 if at_once else draft.between(0.1, 4.0) * interval_s
    draft.lasts_s = at + knowledge_longest_s(interval_s, interval_s, draft.nodes)
    if draft.rng.random() < LOSSY_SHARE:
        draft.at(0.0, Lose(draft.lasts_s, (), draft.between(0.01, 0.05)))


def knowledge_longest_s(probe_interval_s: float, gossip_interval_s: float, nodes: int) -> float:
    """Give the longest until all know of a goodbye: the leave, gossip, and, where gossip missed one, a sync.

    A view that differs shows at the next probe that has an answer, once a second passed without rumors.
    """
    gossip_s = 2 * (ceil(log2(nodes)) + 1) * gossip_interval_s
    return LEAVE_LONGEST_S + gossip_s + MISMATCH_QUIET_S + 3 * probe_interval_s


def judge(run: Run) -> Iterator[str]:
    """Whoever left is held left by all, soon, and was failed for nobody."""
    settings = run.settings
    longest_s = knowledge_longest_s(settings.probe_interval_s, settings.gossip_interval_s, len(run.nodes))
    returned = {deed.concerns[0] for _, deed in done(run, Join)}
    for left_at, deed in done(run, Leave):
        leaver = run.nodes[deed.concerns[0]]
        for observer in run.members:
            if next(told(run, observer, leaver, ChangeKind.FAILED), None) is not None:
                yield f"{observer.name} held {leaver.name} failed, which left"
            if leaver.index in returned or observer is leaver:
                continue
            if (held := status_at(observer, leaver)) is not Status.LEFT:
                yield f"{observer.name} holds {leaver.name} {held.value if held else 'not at all'}, which left"
            first = next(told(run, observer, leaver, ChangeKind.LEAVE), None)
            if first is None or observer.index in returned:
                continue
            after_s = told_after_s(observer, first, left_at)
            if after_s > longest_s:
                yield f"{observer.name} was told {after_s:.1f} s after it that {leaver.name} left"


SCENARIO = Scenario(
    name="graceful_leave",
    summary="some members say goodbye; some of them join again",
    promises=(
        "who left is held left by every member, and failed by none at any time",
        "every member is told within 5 s, two times log2 n + 1 gossip rounds and a sync",
        "who joins again from the same process is alive",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("leaves", "deed_join", "deed_leave"),
)
