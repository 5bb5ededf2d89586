"""Checkers of silence, each before an engine that breaks its law and no other."""

import pytest

from protocol.swim import address_book
from protocol.swim.leave import Leaving
from tests.simulations.checkers.stage import Stage


def test_silent_after_leave_reports_an_engine_that_gossips_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says goodbye, and does not fall silent."""
    begin = Leaving.begin

    def talk(self: Leaving, now: float) -> None:
        begin(self, now)
        self._core.silent = False
        self._core.arm_gossip(now)

    monkeypatch.setattr(Leaving, "begin", talk)
    stage = Stage()
    stage.world.leave(stage.nodes[1])
    stage.world.run(10.0)
    assert stage.complainers() == {"silent-after-leave"}


def test_silent_after_leave_says_nothing_of_one_who_leaves_and_returns() -> None:
    """Ten seconds of silence, and then a join."""
    stage = Stage()
    stage.world.leave(stage.nodes[1])
    stage.world.run(10.0)
    stage.world.join(stage.nodes[1], stage.nodes[0])
    stage.world.run(10.0)
    assert stage.complainers() == set()


def test_quiet_about_the_dead_reports_retries_that_do_not_decay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who failed is pinged once an interval, for ever."""
    monkeypatch.setattr(address_book, "RETRY_LONGEST_ON_LIST_INTERVALS", 1)
    stage = Stage()
    stage.crash(stage.nodes[4], 120.0)
    assert stage.complainers() == {"quiet-about-the-dead"}


def test_quiet_about_the_dead_says_nothing_of_the_decay() -> None:
    """Ten minutes after a death."""
    stage = Stage()
    stage.crash(stage.nodes[4], 600.0)
    assert stage.complainers() == set()
