"""bootstrap: nobody knows anybody, and all start at once, joining through one, two or three seeds.

The others join through any of the seeds, the seeds through the first of them, as in any script that starts a cluster.
All see all soon after the last one came.
"""

from collections.abc import Iterator
from math import ceil, log2

from protocol.swim.stream import MISMATCH_QUIET_S
from simulations.deed import Join
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.setting import settle


def draw(draft: Draft) -> None:
    """Let all join within an instant or two seconds."""
    settle(draft, 2)
    draft.beginning = "alone"
    seeds = draft.choose(min(draft.nodes - 1, draft.rng.randint(1, 3)))
    spread_s = draft.rng.choice((0.0, 2.0))
    for node in range(draft.nodes):
        if node != seeds[0]:
            seed = seeds[0] if node in seeds else draft.rng.choice(seeds)
            draft.at(draft.between(0.0, spread_s), Join(node, seed))
    draft.lasts_s = spread_s + 0.001


def complete_longest_s(run: Run) -> float:
    """Give how long after the last join all see all.

    News of a newcomer is gossiped. Whom it missed shows a view that differs at some probe, after a second without
    rumors, and syncs; gossip carries that on. Twice, for a sync is at most one a second and may meet one as ignorant.
    """
    settings, nodes = run.settings, len(run.nodes)
    gossip_s = (ceil(log2(nodes)) + 1) * settings.gossip_interval_s * 2
    return 2 * (gossip_s + MISMATCH_QUIET_S + 2 * settings.probe_interval_s) + settings.probe_timeout_s


def judge(run: Run) -> Iterator[str]:
    """Nobody was suspected, every join succeeded at once, and all saw all soon."""
    if suspicions := run.recorder.counts["suspicions"]:
        yield f"{suspicions} suspicions, where nothing was wrong"
    for node in run.nodes:
        for join in node.joins:
            if join.peer is None or not join.datagrams_reach:
                yield f"{node.name} did not join: {join.reason or 'its datagrams do not arrive'}"
    longest_s = complete_longest_s(run)
    if run.converged_s is not None and run.converged_s > longest_s:
        yield f"all saw all only {run.converged_s:.1f} s after the last join, at most {longest_s:.1f} s"


SCENARIO = Scenario(
    name="bootstrap",
    summary="all nodes start at once and join through one to three seeds",
    promises=(
        "every join succeeds at the first attempt, and nobody is suspected",
        "all see all within two rounds of gossip and sync after the last join",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("joins", "dials_join"),
)
