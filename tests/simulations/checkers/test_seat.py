"""The checker of seats, before engines that do not count."""

import pytest

from protocol.swim.admission import RACE_EXCESS_MAX, Admission
from protocol.swim.membership import Membership
from protocol.swim.settings import Settings
from protocol.wire.message import Claim
from simulations.attack.voice import made_up_voice
from tests.simulations.checkers.stage import Stage

SEATS = 5


def full(settled_s: float = 30.0) -> Stage:
    """Give a cluster whose seats are all taken, and have been for a while."""
    stage = Stage(SEATS, settings=Settings.lan(seats=SEATS))
    stage.world.run(settled_s)
    return stage


def tell_of_newcomers(stage: Stage, *serials: int) -> None:
    """Let one member hear of members that nobody knows."""
    for serial in serials:
        voice = made_up_voice(stage.world, stage.nodes[4], serial)
        stage.hear(stage.nodes[4], stage.nodes[0], Claim(voice.record(voice.incarnation)))


def test_seats_says_nothing_of_a_full_house() -> None:
    """Newcomers are refused, by the door and past it."""
    stage = full()
    tell_of_newcomers(stage, 1, 2)
    assert len(stage.nodes[0].engine.membership) == SEATS
    assert stage.complainers() == set()


def test_seats_reports_a_newcomer_for_whom_there_was_no_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes whoever has the right license."""
    stage = full()
    monkeypatch.setattr(Admission, "admits", lambda self, now, id, license_id: True)
    tell_of_newcomers(stage, 1)
    assert "seats" in stage.complainers()


def test_seats_reports_a_race_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a race may bring."""
    stage = full()
    monkeypatch.setattr(Admission, "admits", lambda self, now, id, license_id: True)
    tell_of_newcomers(stage, *range(RACE_EXCESS_MAX + 2, 0, -1))
    stage.watch.finish()
    assert any("beyond the seats" in v.text for v in stage.watch.violations if v.checker == "seats")


def test_seats_reports_an_engine_that_counts_the_failed_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seat is given away while its holder may come back."""
    monkeypatch.setattr(Membership, "seats_taken", property(lambda self: self.live_count))
    stage = full()
    stage.crash(stage.nodes[3])
    tell_of_newcomers(stage, 1)
    assert "seats" in stage.complainers()


def test_seats_says_nothing_of_those_whom_a_healed_partition_brings() -> None:
    """One side gave the seats of the other away; together they are more than seats."""
    stage = full()
    world, nodes = stage.world, stage.nodes
    world.network.cut(nodes[:3], nodes[3:])
    world.run(60.0)
    for subject in nodes[3:]:
        world.do(nodes[0], "force-leave", nodes[0].engine.force_leave(world.now, subject.id, prune=False))
    world.run(5.0)
    newcomer = world.add()
    world.network.cut([newcomer], nodes[3:])
    world.join(newcomer, nodes[0])
    world.run(15.0)
    world.network.heal()
    world.run(60.0)
    assert {len(node.engine.membership) for node in (*nodes, newcomer)} == {SEATS + 1}
    assert stage.complainers() == set()
