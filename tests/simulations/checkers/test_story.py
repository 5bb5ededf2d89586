"""Checkers of what an observer holds over time, each before an engine that breaks its law and no other."""

import pytest

from protocol.status import Status
from protocol.swim import membership as membership_module
from protocol.swim.effect import ChangeKind
from protocol.swim.entry import Entry, add_statement
from protocol.swim.membership import Membership
from protocol.swim.reception import Reception
from protocol.swim.verdict import Verdicts
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import MemberStatement, Record
from tests.simulations.checkers.stage import Stage


def test_incarnation_grows_reports_an_engine_that_believes_older_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever record comes last is taken."""

    def take_any(entry: Entry, statement: MemberStatement) -> Entry:
        return Entry(statement) if isinstance(statement, Record) else add_statement(entry, statement)

    stage = Stage()
    one, two, three, *_ = stage.nodes
    old = three.engine.local.record
    three.engine.local.update(stage.world.now, three.engine.local.profile)  # another incarnation, the same words
    stage.world.run(5.0)
    monkeypatch.setattr(membership_module, "record_rank", lambda record: 0)
    monkeypatch.setattr(membership_module, "add_statement", take_any)
    stage.hear(two, one, Claim(old))
    assert stage.complainers() == {"incarnation-grows"}


def test_no_resurrection_reports_an_engine_that_believes_its_own_verdict_less_than_an_old_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The record of one who failed, heard again, brings it back at the same incarnation."""
    accept = Reception.accept

    def forgive(self: Reception, now: float, sender: MemberId, claim: Claim) -> bool:
        membership = self._core.membership
        member = membership.get(claim.statement.id) if isinstance(claim.statement, Record) else None
        if member is not None and member.status is Status.FAILED:
            membership.forget(member, now)
            membership._forgotten.clear()
        return accept(self, now, sender, claim)

    stage = Stage()
    stage.crash(stage.nodes[4])
    monkeypatch.setattr(Reception, "accept", forgive)
    stage.hear(stage.nodes[1], stage.nodes[0], Claim(stage.nodes[4].engine.local.record))
    assert stage.complainers() == {"no-resurrection"}


def test_no_resurrection_reports_an_engine_that_forgets_whom_it_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was taken off the list is back with the incarnation at which it was."""
    forget = Membership.forget

    def forget_all(self: Membership, member: object, gone_at: float) -> None:
        forget(self, member, gone_at)  # type: ignore[arg-type]
        self._forgotten.clear()

    stage = Stage()
    dead, one = stage.nodes[4], stage.nodes[0]
    stage.crash(dead)
    monkeypatch.setattr(Membership, "forget", forget_all)
    stage.world.do(one, "force-leave", one.engine.force_leave(stage.world.now, dead.id, prune=True))
    stage.world.run(3.0)
    stage.hear(stage.nodes[1], one, Claim(dead.engine.local.record))
    assert stage.complainers() == {"no-resurrection"}


def test_legal_states_reports_an_engine_that_takes_an_accusation_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspect whose time is up is alive again, without a word of its own."""

    def acquit(self: Verdicts, now: float, id: MemberId) -> None:
        member = self._core.membership.writable(id)
        member.entry = Entry(member.record)
        self._core.membership._refresh(member)
        self.clear(id)
        self._core.change(now, ChangeKind.ALIVE, member)

    monkeypatch.setattr(Verdicts, "handle_timer", acquit)
    stage = Stage()
    stage.crash(stage.nodes[4])
    assert stage.complainers() == {"legal-states"}
