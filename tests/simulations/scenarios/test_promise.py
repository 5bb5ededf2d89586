"""Each scenario's promises hold, and the stories that a few seeds do not tell."""

from collections import Counter

import msgspec
import pytest

from simulations.run import Run
from simulations.scenario import Spared
from simulations.scenarios import SCENARIOS
from tests.simulations.scenarios.finished import carry_out

OWN = sorted(set(SCENARIOS) - {"liar", "forger"})
SEEDS = (1, 2, 3)


@pytest.mark.parametrize("name", OWN)
def test_scenario_holds_for_some_seeds(name: str) -> None:
    """No law, bound or promise is broken."""
    scenario = SCENARIOS[name]
    for seed in SEEDS:
        nodes = min(scenario.size(seed), 12)
        result = Run(scenario.plan(seed, nodes), scenario).carry_out("")
        assert not result.violations, (seed, nodes, result.violations[0])


@pytest.mark.parametrize("name", OWN)
def test_scenario_says_what_it_promises(name: str) -> None:
    """It has a summary, promises and sizes; whoever spares all has nothing weaker to judge by."""
    scenario = SCENARIOS[name]
    assert scenario.name == name
    assert scenario.summary
    assert scenario.promises
    assert scenario.reached
    assert 1 <= scenario.sizes[0] <= scenario.sizes[1]
    assert scenario.judge is not None or scenario.spared is not Spared.NOBODY


def test_partition_longer_than_the_reap_time_heals() -> None:
    """Both sides take the other off their lists, and find each other all the same."""
    plan = SCENARIOS["partition_heal"].plan(1, 4, {"cut_s": "3600"})
    deeds = tuple(msgspec.structs.replace(p, deed=msgspec.structs.replace(p.deed, for_s=2_500.0)) for p in plan.deeds)
    run = Run(
        msgspec.structs.replace(plan, deeds=deeds, lasts_s=2_500.0, settings={"reap_after_s": 1_000.0}),
        SCENARIOS["partition_heal"],
    )
    result = run.carry_out("")
    assert not result.violations, result.violations[0]
    assert result.counts["reaps"] >= 8


def test_partition_heal_draws_all_its_durations() -> None:
    """Over a thousand seeds three in four cuts take a minute, one in four an hour, few of them days."""
    plans = [SCENARIOS["partition_heal"].plan(seed, 12) for seed in range(1, 1001)]
    cuts = Counter(plan.deeds[0].deed.lasts_s for plan in plans)
    assert set(cuts) == {60.0, 3_600.0, 90_000.0, 691_200.0}
    assert 680 <= cuts[60.0] <= 780
    assert 200 <= cuts[3_600.0] <= 300
    assert all(plan.nodes <= 5 and plan.profile == "wan" for plan in plans if plan.deeds[0].deed.lasts_s > 60.0)


def test_name_reuse_tells_each_of_its_stories() -> None:
    """Twenty seeds show a refused newcomer, one that takes a dead member's name, and a conflict after a partition."""
    scenario = SCENARIOS["name_reuse"]
    kinds = {
        tuple(sorted({type(p.deed).__name__ for p in scenario.plan(seed, 6).deeds})): len(scenario.plan(seed, 6).deeds)
        for seed in range(1, 21)
    }
    assert set(kinds) == {("Start",), ("Crash", "Start"), ("Cut", "Start")}


def test_key_rotation_seals_its_messages() -> None:
    """A newcomer with an old disk apart, all end with one key, which is not the first."""
    run = carry_out("key_rotation", 4, 4)
    keyrings = [run.world.transport.keyring(node) for node in run.members]
    assert {len(keyring.key_ids) for keyring in keyrings if keyring is not None} == {1}
    assert run.recorder.counts["key-retire"] == 1
