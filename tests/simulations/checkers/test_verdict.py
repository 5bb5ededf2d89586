"""Checkers of when verdicts are reached, each before an engine that breaks its law and no other."""

import pytest

from protocol.swim.core import Core
from protocol.swim.deadline import DeadlineQueue
from protocol.swim.probe import Prober
from protocol.swim.suspicion import Suspicion
from protocol.ulid import MemberId
from tests.simulations.checkers.stage import Stage


def _deadline(share: float) -> property:
    return property(lambda self: self.started_at + share * self.timeout_s)


def test_verdict_in_time_reports_a_suspicion_that_is_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of the shortest wait is not enough to refute."""
    monkeypatch.setattr(Suspicion, "deadline", _deadline(0.3))
    stage = Stage()
    stage.crash(stage.nodes[4])
    assert stage.complainers() == {"verdict-in-time"}


def test_verdict_in_time_reports_a_suspicion_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead member is suspect long after the longest wait."""
    monkeypatch.setattr(Suspicion, "deadline", _deadline(100.0))
    stage = Stage()
    stage.crash(stage.nodes[4], 80.0)
    assert stage.complainers() == {"verdict-in-time"}


def test_stalled_judge_reports_an_engine_that_blames_others_for_its_own_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that waited in the socket come too late for it, and it does not notice that it stood still."""
    handle_ack = Prober.handle_ack

    def late_is_never(self: Prober, now: float, sender: MemberId, number: int) -> bool:
        probe = self._probe
        late = probe is not None and now - probe.began_at > 1.0
        return not late and handle_ack(self, now, sender, number)

    stage = Stage()
    node = stage.nodes[0]
    monkeypatch.setattr(Core, "observe", lambda self, now: None)
    monkeypatch.setattr(Prober, "handle_ack", late_is_never)
    stage.world.run(10.0)
    assert stage.world.run_until(lambda: node.engine.prober.current is not None, 5.0, 0.0002) is not None
    stage.world.pause(node, 2.0)
    stage.world.run(5.0)
    assert stage.complainers() == {"stalled-judge"}


def test_stalled_judge_says_nothing_of_an_engine_that_notices_its_stall() -> None:
    """The same pause, with the production engine."""
    stage = Stage()
    node = stage.nodes[0]
    stage.world.run(10.0)
    assert stage.world.run_until(lambda: node.engine.prober.current is not None, 5.0, 0.0002) is not None
    stage.world.pause(node, 2.0)
    stage.world.run(5.0)
    assert stage.complainers() == set()


def test_stalled_judge_reports_an_engine_that_gives_relays_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a stall all that is overdue comes due at one moment: the asking of relays, and the end of the probe."""

    def gather(self: DeadlineQueue, by_s: float, not_before: float) -> None:
        moved = [(max(at + by_s, not_before), serial, key) for at, serial, key in self._armed.values()]
        self._armed = {entry[2]: entry for entry in moved}
        self._sweep()

    monkeypatch.setattr(DeadlineQueue, "postpone", gather)
    monkeypatch.setattr(Prober, "begin_anew", lambda self, now: None)
    stage = Stage()
    world, node = stage.world, stage.nodes[0]
    _lose_a_ping(stage)
    world.pause(node, 2.0)
    world.run(5.0)
    assert stage.complainers() == {"stalled-judge"}


def _lose_a_ping(stage: Stage) -> None:
    """Let the first node's next ping be lost, and nothing else."""
    world, (node, *others) = stage.world, stage.nodes
    assert world.run_until(lambda: node.engine.prober.current is None, 5.0, 0.0002) is not None
    world.network.cut([node], others)
    assert world.run_until(lambda: node.engine.prober.current is not None, 5.0, 0.0002) is not None
    world.network.heal()
