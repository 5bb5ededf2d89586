"""join_storm: as many newcomers as there are members, or twice that, join a running cluster at once, under loss.

A newcomer must not be suspected because others have not heard of it, nor may a thousand rumors at once hold up the
few that matter. (The field's state cap, memberlist#253, let nobody in any more.)
"""

from collections.abc import Iterator

from simulations.deed import Lose, Start
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import done
from simulations.scenarios.setting import settle

LOSS_MAX = 0.1
"""Of one datagram in ten lost a probe still has four ways to succeed."""


def draw(draft: Draft) -> None:
    """Lose datagrams everywhere, and let newcomers join through several members."""
    settle(draft, 2)
    count = draft.rng.randint(max(1, draft.nodes // 2), 2 * draft.nodes)
    seeds = draft.choose(draft.rng.randint(1, 3))
    spread_s = draft.rng.choice((0.0, 1.0))
    draft.at(0.0, Lose(12.0, (), draft.between(0.01, LOSS_MAX)))
    for _ in range(count):
        draft.at(2.0 + draft.between(0.0, spread_s), Start(draft.rng.choice(seeds)))
    draft.lasts_s = 12.0


def judge(run: Run) -> Iterator[str]:
    """Every newcomer got in."""
    newcomers = sum(1 for _ in done(run, Start))
    if len(run.nodes) != run.plan.nodes + newcomers:
        yield f"{len(run.nodes)} nodes, where {newcomers} joined {run.plan.nodes}"
    for node in run.nodes[run.plan.nodes :]:
        if not any(join.peer is not None for join in node.joins):
            yield f"{node.name} never joined: {node.joins[-1].reason if node.joins else 'no attempt ended'}"


SCENARIO = Scenario(
    name="join_storm",
    summary="up to twice as many newcomers as members join at once, under loss",
    promises=("every newcomer joins and is seen by all", "nobody is held failed"),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    sizes=(3, 12),
    reached=("deed_start", "joins", "lost"),
)
