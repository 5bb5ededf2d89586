"""The Watch: what it shows, how much of it, and that healthy engines in all kinds of trouble break no law."""

import pytest

from simulations.checkers import ALL_CHECKERS, Checker, Watch
from simulations.checkers.watch import AUDIT_ROWS_MAX
from simulations.deed.attack import Attack
from simulations.run import Run
from simulations.world import Node, World
from tests.simulations.checkers.stage import Stage
from tests.simulations.checkers.trouble import TROUBLE

LAWS = {checker.name for checker in ALL_CHECKERS}


class Audited(Checker):
    """Writes down whom it was shown."""

    name = "audited"
    seen: list[int]

    def audit(self, node: Node) -> None:
        """Note the node."""
        self.__dict__.setdefault("seen", []).append(node.index)


def test_checkers_each_have_a_name_and_a_law() -> None:
    """A violation names its checker, so no two bear one name."""
    assert len(LAWS) == len(ALL_CHECKERS)
    assert all(checker.law and checker.name for checker in ALL_CHECKERS)


@pytest.mark.parametrize("seed", range(1, 31))
def test_checkers_say_nothing_of_the_production_engine_in_trouble(seed: int) -> None:
    """Crashes, pauses, cuts, leaves, restarts, prunes, tags, jumps: eight within twenty seconds."""
    run = Run(TROUBLE.plan(seed, TROUBLE.size(seed)), TROUBLE)
    run.carry_out("")
    assert [violation for violation in run.watch.violations if violation.checker in LAWS] == []


def test_checkers_change_nothing_in_a_run() -> None:
    """Watched and not, the same plan gives the same digest."""
    plan = TROUBLE.plan(3, 7)
    runs = [Run(plan, TROUBLE, checkers=checkers) for checkers in (ALL_CHECKERS, ())]
    assert len({run.carry_out("").digest for run in runs}) == 1


def test_watch_excuses_an_attacker_and_nobody_else() -> None:
    """Who wears a mask signs what its engine does not say; the others are watched on."""
    stage = Stage()
    own = stage.nodes[4].id
    Attack(4, "equivocator", 20.0, 20.0).do(stage.world)
    stage.world.run(30.0)
    assert stage.complainers() == set()
    assert [checker.is_excused(own) for checker in stage.watch.checkers] == [True] * len(ALL_CHECKERS)
    assert not any(checker.is_excused(stage.nodes[0].id) for checker in stage.watch.checkers)


def test_watch_audits_all_of_a_small_world_and_a_large_one_in_turn() -> None:
    """An audit of many rows would cost more than the run."""
    world = World(1)
    watch = Watch(world, (Audited,))
    nodes = world.settled(60)
    for _ in range(6):
        watch.audit()
    seen = watch.checkers[0].__dict__["seen"]
    assert len(seen) == 6 * (-(-AUDIT_ROWS_MAX // len(nodes)))
    assert set(seen) == set(range(60))


def test_watch_keeps_a_bounded_number_of_violations() -> None:
    """The first explain; the others are counted."""
    watch = Watch(World(1), ())
    for number in range(150):
        watch.report("law", float(number), None, "broken")
    assert (len(watch.violations), watch.dropped) == (100, 50)
