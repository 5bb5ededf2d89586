"""The checker of events, before engines that keep something to themselves, or tell what is not so."""

from dataclasses import replace
from typing import Any

import pytest

from protocol.status import Status
from protocol.swim.core import Core
from protocol.swim.effect import Changed, ChangeKind
from protocol.swim.member import Member
from tests.simulations.checkers.stage import Stage

KEPT = (
    ChangeKind.JOIN,
    ChangeKind.FAILED,
    ChangeKind.LEAVE,
    ChangeKind.RESTART,
    ChangeKind.UPDATE,
    ChangeKind.REAP,
    ChangeKind.ALIVE,
)


def play(stage: Stage) -> None:
    """Let something of each kind happen."""
    world, nodes = stage.world, stage.nodes
    world.do(nodes[1], "tags", nodes[1].engine.set_tags(world.now, {"a": "b"}, ()))
    world.run(3.0)
    world.crash(nodes[2])
    world.restart(nodes[2])
    world.block(nodes[3], 4.0)
    world.leave(nodes[1])
    world.run(10.0)
    stage.crash(nodes[4])
    world.do(nodes[0], "force-leave", nodes[0].engine.force_leave(world.now, nodes[4].id, prune=True))
    world.run(5.0)


def test_told_changes_says_nothing_of_the_production_engine() -> None:
    """The same play, told in full."""
    stage = Stage()
    play(stage)
    told = {change.kind for node in stage.nodes for change in node.changes}
    assert told >= set(KEPT)
    assert stage.complainers() == set()


@pytest.mark.parametrize("kind", KEPT, ids=lambda kind: kind.value)
def test_told_changes_reports_an_engine_that_keeps_something_to_itself(
    monkeypatch: pytest.MonkeyPatch, kind: ChangeKind
) -> None:
    """One kind of change is never told."""
    change = Core.change

    def keep(self: Core, now: float, kind_: ChangeKind, member: Member, **details: Any) -> None:
        if kind_ is not kind:
            change(self, now, kind_, member, **details)

    monkeypatch.setattr(Core, "change", keep)
    stage = Stage()
    play(stage)
    assert stage.complainers() == {"told-changes"}


@pytest.mark.parametrize("wrong", [{"status": Status.ALIVE}, {"incarnation": 7}, {"kind": ChangeKind.LEAVE}])
def test_told_changes_reports_an_engine_that_tells_what_is_not_so(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, object]
) -> None:
    """Of a failure something else is told."""
    emit = Core.emit

    def twist(self: Core, effect: object) -> None:
        if isinstance(effect, Changed) and effect.change.kind is ChangeKind.FAILED:
            effect = Changed(replace(effect.change, **wrong))  # type: ignore[arg-type]
        emit(self, effect)  # type: ignore[arg-type]

    monkeypatch.setattr(Core, "emit", twist)
    stage = Stage()
    stage.crash(stage.nodes[4])
    assert stage.complainers() == {"told-changes"}
