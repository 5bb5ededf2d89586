"""lossy_links: a share of all datagrams is lost everywhere, or more at a few members; some arrive twice or late.

Up to a fifth lost everywhere nobody is held failed: a probe has its own ping, one repeated, three relays and a stream,
whoever is accused all the same is told by everybody's ping, and each looks once more before a verdict. At a few
members up to two fifths; they may be suspected, and refute.
"""

from simulations.deed import Disorder, Lose, Retag
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.setting import settle, share

EVERYWHERE_MAX = 0.2
AT_FEW_MAX = 0.4


def draw(draft: Draft) -> None:
    """Draw where, and how much; a tag is changed meanwhile."""
    interval_s = settle(draft, 3)
    lasts_s = draft.between(20.0, 40.0) * min(2.0, interval_s)
    everywhere = draft.rng.random() < 0.6
    if everywhere:
        draft.at(0.0, Lose(lasts_s, (), share(draft, "loss", draft.between(0.01, EVERYWHERE_MAX))))
    else:
        few = draft.choose(max(1, draft.nodes // 8))
        loss = share(draft, "loss", draft.between(0.1, AT_FEW_MAX))
        arriving, leaving = draft.rng.choice(((True, True), (True, False), (False, True)))
        draft.at(0.0, Lose(lasts_s, few, loss, arriving=arriving, leaving=leaving))
    if draft.rng.random() < 0.5:
        late_s = draft.between(0.01, 0.1) * interval_s
        draft.at(0.0, Disorder(lasts_s, draft.between(0.0, 0.2), draft.between(0.0, 0.2), late_s))
    draft.at(draft.between(0.0, lasts_s), Retag(draft.one(), "colour", "green"))
    draft.lasts_s = lasts_s


SCENARIO = Scenario(
    name="lossy_links",
    summary="up to 20 % of all datagrams are lost everywhere, or 40 % at a few members",
    promises=("nobody is held failed", "a change of tags reaches all"),
    draw=draw,
    spared=Spared.ALL,
    reached=("deed_lose", "lost", "duplicated", "delayed", "probe_failures", "updates"),
    options={"loss": "share of datagrams lost, above 0, at most 1 (drawn: up to 0.2 everywhere, 0.4 at a few)"},
)
