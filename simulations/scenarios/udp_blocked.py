"""udp_blocked: a firewall lets no datagram of some members through, or of all, but their streams.

In the field that is a flood of logged flaps (consul#2200, #16601). Here the stream ping answers for them: nobody is
even suspected. What happens meanwhile reaches them by the syncs that differing views start.
"""

from collections.abc import Iterator

from protocol.status import Status
from protocol.swim.effect import ChangeKind
from simulations.deed import BlockDatagrams, Crash, Retag
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import status_at, told
from simulations.scenarios.setting import settle


def draw(draft: Draft) -> None:
    """Block one, two, or all; meanwhile a tag changes, and sometimes another member dies."""
    interval_s = settle(draft, 3)
    lasts_s = draft.between(20.0, 40.0) * min(2.0, interval_s)
    count = draft.rng.choice((1, 1, 2, draft.nodes))
    blocked = draft.choose(count)
    draft.at(draft.between(0.0, 3.0), BlockDatagrams(lasts_s, blocked))
    draft.at(draft.between(3.0, 10.0), Retag(draft.one(), "colour", "red"))
    if len(blocked) < draft.nodes - 1 and draft.rng.random() < 0.3:
        draft.at(draft.between(3.0, 10.0), Crash(draft.one(*blocked)))
    draft.lasts_s = lasts_s


def judge(run: Run) -> Iterator[str]:
    """Nobody who runs was suspected; who died is failed everywhere."""
    members = run.members
    for observer in members:
        for subject in members:
            if next(told(run, observer, subject, ChangeKind.SUSPECT), None) is not None:
                yield f"{observer.name} suspected {subject.name}, whose streams answer"
        for dead in (node for node in run.nodes if not node.running):
            if status_at(observer, dead) is not Status.FAILED:
                yield f"{observer.name} does not hold {dead.name} failed"


SCENARIO = Scenario(
    name="udp_blocked",
    summary="no datagram of some members gets through, but their streams",
    promises=("nobody who runs is suspected", "who dies meanwhile is held failed by all", "changes reach all"),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    sizes=(5, 20),
    reached=("deed_blockdatagrams", "blocked", "dials_ping", "dials_sync", "updates"),
)
