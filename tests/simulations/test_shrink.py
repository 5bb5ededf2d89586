"""shrink: from a plan that fails to the least that still does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.deed import Crash, Cut, Lose, Pause, Retag
from simulations.plan import Plan, Planned
from simulations.result import Violation
from simulations.shrink import SHORTEST_S, Shrinker, describe, kind_of, shrink

PLAN = Plan(
    scenario="invented",
    seed=1,
    nodes=30,
    drift=0.001,
    encode=True,
    deeds=(
        Planned(1.5, Pause(4, 20.0)),
        Planned(3.0, Crash(3)),
        Planned(8.0, Lose(30.0, (1, 5, 9), 0.3)),
        Planned(20.0, Cut(60.0, (0, 2, 7, 8), (1, 3, 5))),
        Planned(30.0, Crash(20)),
        Planned(40.0, Retag(11, "role", "web")),
    ),
    lasts_s=100.0,
)


def needs_crash_and_cut(plan: Plan) -> bool:
    """Fail where n3 dies and n2 is cut off from n5 for at least 4 s, later."""
    died = False
    for planned in plan.deeds:
        deed = planned.deed
        if isinstance(deed, Crash) and deed.node == 3:
            died = True
        if isinstance(deed, Cut) and died and 2 in deed.sources and 5 in deed.targets and deed.for_s >= 4.0:
            return True
    return False


def test_shrink_leaves_the_core_of_a_plan() -> None:
    """What has nothing to do with the failure is gone; what has is as short and small as it can be."""
    shrunk = shrink(PLAN, needs_crash_and_cut)
    plan = shrunk.plan
    assert shrunk.is_least
    assert needs_crash_and_cut(plan)
    assert [type(planned.deed) for planned in plan.deeds] == [Crash, Cut]
    cut = plan.deeds[1].deed
    assert isinstance(cut, Cut)
    assert (cut.sources, cut.targets) == ((2,), (5,))
    assert 4.0 <= cut.for_s < 8.0
    assert plan.deeds[0].at == 0.0
    assert plan.deeds[1].at < 2 * SHORTEST_S
    assert (plan.nodes, plan.lasts_s, plan.drift, plan.encode) == (6, 0.0, 0.0, False)


def test_shrink_keeps_nodes_that_the_failure_needs() -> None:
    """Nodes that no deed names go only while the plan still fails."""
    plan = shrink(PLAN, lambda plan: plan.nodes >= 11).plan
    assert (plan.nodes, plan.deeds) == (11, ())


def test_shrink_never_names_nobody_for_that_may_mean_everybody() -> None:
    """A cut of nobody from nobody would be another deed."""
    tried: list[Plan] = []

    def fails(plan: Plan) -> bool:
        tried.append(plan)
        return any(isinstance(planned.deed, Cut) for planned in plan.deeds)

    shrink(PLAN, fails)
    cuts = [planned.deed for plan in tried for planned in plan.deeds if isinstance(planned.deed, Cut)]
    assert all(cut.sources and cut.targets for cut in cuts)


def test_shrink_ends_when_its_attempts_are_used_up() -> None:
    """What it has by then fails, and it says that there may be less."""
    shrunk = shrink(PLAN, needs_crash_and_cut, attempts_max=5)
    assert (shrunk.attempts, shrunk.is_least) == (5, False)
    assert needs_crash_and_cut(shrunk.plan)


def test_shrink_tells_of_each_attempt_and_tries_no_plan_twice() -> None:
    """Progress is shown, and a run is never done again."""
    told: list[int] = []
    tried: list[bytes] = []

    def fails(plan: Plan) -> bool:
        tried.append(repr(plan).encode())
        return needs_crash_and_cut(plan)

    shrunk = Shrinker(PLAN, fails, tell=lambda attempts, least: told.append(attempts)).shrink()
    assert told == list(range(1, shrunk.attempts + 1))
    assert len(set(tried)) == len(tried) == shrunk.attempts


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 24).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_shrink_finds_exactly_the_deeds_that_are_needed(case: tuple[int, set[int]]) -> None:
    """Law: if a plan fails when it has certain deeds, these are what is left, in their order."""
    count, needed = case
    deeds = tuple(Planned(float(number), Retag(0, "key", str(number))) for number in range(count))
    plan = Plan(scenario="invented", seed=1, nodes=3, deeds=deeds)
    values = {str(number) for number in needed}

    def fails(plan: Plan) -> bool:
        return values <= {planned.deed.value for planned in plan.deeds if isinstance(planned.deed, Retag)}

    shrunk = shrink(plan, fails, attempts_max=10_000)
    left = [planned.deed.value for planned in shrunk.plan.deeds if isinstance(planned.deed, Retag)]
    assert left == [str(number) for number in sorted(needed)]


def test_shrink_describes_a_plan_in_lines() -> None:
    """A person reads when what is done, and when it is over."""
    lines = describe(PLAN)
    assert lines[0] == "30 nodes, profile lan, begins joined, seed 1, clocks drift by up to 0.001, sealed"
    assert lines[2] == "at 3 s: n3 crashes"
    assert lines[-1] == "calm at 100 s"


def test_shrink_knows_violations_of_one_kind() -> None:
    """Another moment, node or number is the same kind; another checker, or another promise, is not."""
    promise = Violation("promise", 3.0, "", "n1 does not hold n3 failed")
    assert kind_of(promise) == kind_of(Violation("promise", 9.0, "", "n4 does not hold n17 failed"))
    assert kind_of(promise) != kind_of(Violation("promise", 3.0, "", "3 suspicions, where nothing was wrong"))
    law = Violation("legal-states", 3.0, "n1", "n2 went from alive to failed at incarnation 5")
    assert kind_of(law) == kind_of(Violation("legal-states", 4.0, "n7", "another sentence"))
    assert kind_of(law) != kind_of(promise)
