"""Checkers of what a node says of itself, each before an engine that breaks its law and no other."""

import pytest

from protocol.swim.effect import PersistPresence
from protocol.swim.leave import Leaving
from protocol.swim.reception import Reception
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import Accusation
from simulations.world import world as world_module
from tests.simulations.checkers.stage import Stage


def test_own_incarnation_reports_a_start_that_ignores_the_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that went back an hour lets a node begin where it was an hour ago."""
    stage = Stage()
    node = stage.nodes[2]
    stage.world.crash(node)
    node.clock.wall_offset_s = -3_600.0
    monkeypatch.setattr(world_module, "first_incarnation", lambda reserve, unix_ms: unix_ms)
    stage.world.restart(node)
    assert stage.complainers() == {"own-incarnation"}


def test_own_incarnation_excuses_one_who_lost_its_disk() -> None:
    """Without a reserve the clock is all there is."""
    stage = Stage()
    node = stage.nodes[2]
    stage.world.crash(node)
    node.clock.wall_offset_s = -3_600.0
    stage.world.restart(node, keep_disk=False)
    stage.world.join(node, stage.nodes[0])
    stage.world.run(10.0)
    assert stage.complainers() == set()


def test_own_status_reports_an_engine_that_believes_what_is_said_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An accusation of itself is merged as anybody's."""

    def believe(self: Reception, now: float, sender: MemberId, claim: Claim) -> None:
        if isinstance(claim.statement, Accusation):
            self._core.membership.apply(now, claim)

    monkeypatch.setattr(Reception, "_meet_claim", believe)
    stage = Stage()
    stage.world.block(stage.nodes[1], 5.0)
    stage.world.run(8.0)
    assert stage.complainers() == {"own-status"}


def test_persisted_first_reports_a_goodbye_that_is_sent_before_it_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of effects is the order in which they are done."""
    begin = Leaving.begin

    def hasten(self: Leaving, now: float) -> None:
        begin(self, now)
        self._core._outbox.sort(key=lambda effect: isinstance(effect, PersistPresence))

    monkeypatch.setattr(Leaving, "begin", hasten)
    stage = Stage()
    stage.world.leave(stage.nodes[1])
    stage.world.run(3.0)
    assert stage.complainers() == {"persisted-first"}


def test_persisted_first_reports_an_incarnation_beyond_the_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine believes a million to be reserved where two are."""
    monkeypatch.setattr(world_module, "RESERVE_STEP", 2)
    stage = Stage()
    node = stage.nodes[1]
    for turn in range(3):
        stage.world.do(node, "tags", node.engine.set_tags(stage.world.now, {"turn": str(turn)}, ()))
    assert stage.complainers() == {"persisted-first"}
