"""steady: nothing happens, while clocks run apart. Nobody is suspected, and it costs what idle costs.

That is one ping and one ack per member and probe interval, and a sync by each in about ten sync periods. A floor is
promised too: whoever is not probed would not be missed.
"""

from collections.abc import Iterator
from math import ceil

from protocol.swim.stream import AGREED_SKIPS_MAX, sync_period_s
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.setting import positive, settle

DATAGRAMS_PER_PROBE = 2
SLACK = 3
"""Probes that a node may have begun more or less than its share: at both ends, and for its clock's sake."""


def draw(draft: Draft) -> None:
    """Begin settled, with clocks that drift, and let a minute pass."""
    settle(draft, 1)
    draft.beginning = "settled"
    draft.drift = draft.rng.choice((0.0, 0.0001, 0.001))
    draft.lasts_s = positive(draft, "lasts_s", 60.0)


def judge(run: Run) -> Iterator[str]:
    """Nothing was suspected, each member probed once per interval, and next to nothing else was sent."""
    counts, settings = run.recorder.counts, run.settings
    if counts["suspicions"]:
        yield f"{counts['suspicions']} suspicions, where nothing was wrong"
    lasted_s, others = run.world.now - run.began_at, len(run.nodes) - 1
    expected = lasted_s / settings.probe_interval_s if others else 0.0
    left_out = AGREED_SKIPS_MAX + 1
    syncs_max = ceil(2 * lasted_s / (left_out * sync_period_s(settings.sync_interval_s, len(run.nodes)))) + 1
    for node in run.nodes:
        counters = node.engine.counters
        if abs(counters.probes - expected) > SLACK + expected * 0.002:
            yield f"{node.name} made {counters.probes} probes in {lasted_s:g} s, not {expected:.0f}"
        if counters.syncs > syncs_max:
            yield f"{node.name} began {counters.syncs} syncs in {lasted_s:g} s, at most {syncs_max}"
        if counters.stalls:
            yield f"{node.name} noticed {counters.stalls} stalls of its own, and had none"
    sent = sum(node.sent for node in run.nodes)
    most = DATAGRAMS_PER_PROBE * (expected + SLACK) * len(run.nodes)
    if sent > most:
        yield f"{sent} datagrams in {lasted_s:g} s, at most {most:.0f}"


SCENARIO = Scenario(
    name="steady",
    summary="nothing happens for a minute",
    promises=(
        "nobody is suspected, no node believes that it stood still",
        "each member makes one probe per interval, which costs two datagrams",
        "each begins at most two syncs per ten sync periods, and one",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("probes",),
    options={"lasts_s": "virtual seconds (60)"},
)
