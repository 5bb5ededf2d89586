"""The network breaks into two halves, drawn from the seed, and is whole again after a while.

What must hold: each half holds the other failed, and its own members alive, with no wrong verdict; after the healing
all show all alive, by themselves, within 30 s; each name stands for the id and address that it stood for before.
"""

from simulations.processes.checker import Statuses, binding_moved, bindings
from simulations.processes.scenario import HEALED_WITHIN_S, PARTED_WITHIN_S, RealScenario, Stage


def play(stage: Stage) -> None:
    """Cut, wait, heal."""
    network = stage.start_wired_cluster()
    numbers = stage.rng.sample(range(1, stage.nodes + 1), stage.nodes)
    halves = sorted(numbers[: stage.nodes // 2]), sorted(numbers[stage.nodes // 2 :])
    half_of = {f"n{number}": half for half in (0, 1) for number in halves[half]}
    before = bindings(stage.cluster.seed.rows())

    cut_at = stage.story.now
    network.cut(*halves)
    stage.story.tell(" | ".join(" ".join(f"n{number}" for number in half) for half in halves) + "  the wire is cut")
    parted: dict[str, Statuses] = {
        seer: {name: "alive" if half_of[name] == half_of[seer] else "failed" for name in half_of} for seer in half_of
    }
    stage.expect_statuses("each half holds the other failed, and itself alive", parted, PARTED_WITHIN_S)
    left_s = stage.duration_s - (stage.story.now - cut_at)
    if left_s > 0:
        stage.story.rest(left_s, "the wire stays cut")
        stage.expect_statuses("it is so still", parted, 1)

    network.heal()
    stage.story.tell("the wire is whole")
    stage.expect_all_alive(HEALED_WITHIN_S)
    stage.expect_one_view()
    stage.story.check("each name is bound as before", binding_moved(stage.cluster.views(), before))
    stage.check_verdicts(
        "no verdict was spoken within a half", lambda seer, subject: half_of[seer] != half_of.get(subject)
    )


SCENARIO = RealScenario(
    "partition_heal",
    "two halves lose each other, and meet again",
    play,
    needs="network",
    nodes_min=4,
    duration_s=60.0,
)
