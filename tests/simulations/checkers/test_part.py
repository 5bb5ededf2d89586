"""The checker of one engine's parts, before engines one of whose parts forgets something."""

from collections.abc import Callable

import pytest

from protocol.swim.deadline import DeadlineQueue, Timer
from protocol.swim.live import LiveList
from protocol.swim.name_index import NameIndex
from protocol.swim.ring import ProbeRing
from protocol.swim.rumor import RumorKey, RumorQueue
from protocol.swim.verdict import Verdicts
from protocol.swim.view_hash import ViewHash
from protocol.ulid import MemberId
from protocol.wire.message import Claim, KeyringOffer
from tests.simulations.checkers.stage import Stage

replace, arm, clear, discard = ViewHash.replace, DeadlineQueue.arm, Verdicts.clear, NameIndex.discard
put = RumorQueue._put


def _forget_who_goes(self: ViewHash, id: MemberId, old_mark: int, new_mark: int) -> None:
    replace(self, id, old_mark, new_mark if new_mark else old_mark)


def _same_bucket(self: ViewHash, id: MemberId, old_mark: int, new_mark: int) -> None:
    replace(self, MemberId(bytes(16)), old_mark, new_mark)


def _put_and_count_again(self: RumorQueue, key: RumorKey, rumor: Claim | KeyringOffer, size: int) -> None:
    put(self, key, rumor, size)
    self.size += size


def _arm_no_reap(self: DeadlineQueue, at: float, timer: Timer, about: MemberId | int | None = None) -> None:
    if timer is not Timer.REAP:
        arm(self, at, timer, about)


def _clear_but_the_timer(self: Verdicts, id: MemberId) -> None:
    self._suspicions.pop(id, None)


def _keep_dead_bearers(self: NameIndex, name: str, id: MemberId, *, live: bool) -> None:
    if live:
        discard(self, name, id, live=live)


DEFECTS: dict[str, tuple[type, str, Callable[..., object]]] = {
    "view hash keeps who is pruned": (ViewHash, "replace", _forget_who_goes),
    "view hash counts all in one bucket": (ViewHash, "replace", _same_bucket),
    "live list keeps the dead": (LiveList, "remove", lambda self, id: None),
    "names keep the pruned": (NameIndex, "discard", _keep_dead_bearers),
    "rumors are counted twice": (RumorQueue, "_put", _put_and_count_again),
    "ring misses newcomers": (ProbeRing, "add", lambda self, id: None),
    "nobody is reaped": (DeadlineQueue, "arm", _arm_no_reap),
    "the refuted keep their timer": (Verdicts, "clear", _clear_but_the_timer),
    "suspicions have no timer": (Verdicts, "_arm", lambda self, now, id, suspicion: None),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_parts_agree_reports_an_engine_with_a_forgetful_part(monkeypatch: pytest.MonkeyPatch, defect: str) -> None:
    """A dead member is pruned, and another one refutes."""
    where, method, broken = DEFECTS[defect]
    monkeypatch.setattr(where, method, broken)
    stage = Stage()
    world, nodes = stage.world, stage.nodes
    world.block(nodes[3], 4.0)
    stage.crash(nodes[4], 20.0)
    world.do(nodes[0], "force-leave", nodes[0].engine.force_leave(world.now, nodes[4].id, prune=True))
    world.run(3.0)
    assert stage.complainers() == {"parts-agree"}
