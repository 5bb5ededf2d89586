"""flip_flop: for some members one direction is cut 20 s of each 40 s (Rapid's set-up, 10 of 1,000).

They hear nobody, accuse everybody, and then hear again; or nobody hears them. Memberlist never settled. Here the
troubled may be held failed and return, but no healthy member is held failed by a healthy one.
"""

from simulations.deed import Flap
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.setting import positive, settle


def draw(draft: Draft) -> None:
    """Let up to a tenth flap, in, out, or both."""
    settle(draft, 5)
    count = draft.rng.randint(1, max(1, draft.nodes // 10))
    off_s = positive(draft, "off_s", draft.rng.choice((5.0, 10.0, 20.0)))
    on_s = positive(draft, "on_s", off_s)
    arriving, leaving = draft.rng.choice(((True, False), (True, False), (False, True), (True, True)))
    lasts_s = (3 if off_s < 20.0 else 2) * (off_s + on_s)
    draft.at(draft.between(0.0, 2.0), Flap(lasts_s, draft.choose(count), off_s, on_s, arriving, leaving))
    draft.lasts_s = lasts_s


SCENARIO = Scenario(
    name="flip_flop",
    summary="for some members one direction comes and goes",
    promises=("no healthy member is held failed by a healthy one",),
    draw=draw,
    spared=Spared.UNHARMED,
    sizes=(5, 20),
    reached=("deed_flap", "cut", "suspicions", "refutations", "probe_failures"),
    options={"off_s": "seconds cut (20, 10 or 5)", "on_s": "seconds between cuts (as off_s)"},
)
