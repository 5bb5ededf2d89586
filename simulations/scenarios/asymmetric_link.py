"""asymmetric_link: nothing gets from one member to another, though all else works, the way back included.

One partially reachable node made unrelated nodes flap (serf#185, consul#5567). Here relays answer for both ends: with
one such link nobody is even suspected, with a few nobody is held failed.
"""

from collections.abc import Iterator

from simulations.deed import Cut, Retag
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import done
from simulations.scenarios.setting import settle


def draw(draft: Draft) -> None:
    """Cut one to three links, mostly one way; one node changes a tag meanwhile."""
    interval_s = settle(draft, 4)
    lasts_s = draft.between(20.0, 40.0) * min(2.0, interval_s)
    for _ in range(draft.rng.choice((1, 1, 2, 3))):
        source, target = draft.choose(2)
        both_ways = draft.rng.random() < 0.2
        draft.at(draft.between(0.0, 3.0), Cut(lasts_s, (source,), (target,), both_ways=both_ways))
    draft.at(draft.between(3.0, lasts_s), Retag(draft.one(), "colour", "blue"))
    draft.lasts_s = lasts_s


def judge(run: Run) -> Iterator[str]:
    """One bad link makes nobody suspect anybody."""
    links = sum(1 for _ in done(run, Cut))
    suspicions = run.recorder.counts["suspicions"]
    if links == 1 and suspicions:
        yield f"{suspicions} suspicions because of one link, where relays reach both ends"


SCENARIO = Scenario(
    name="asymmetric_link",
    summary="nothing gets from one member to another, one way",
    promises=("with one such link nobody is suspected", "with up to three nobody is held failed"),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("deed_cut", "cut", "updates"),
)
