"""Checkers of who is out, and of why rows go, each before an engine that breaks its law and no other."""

import pytest

from protocol.swim import revocations as revocations_module
from protocol.swim.effect import ChangeKind, RevocationTaken
from protocol.swim.membership import Membership
from protocol.swim.reception import Reception
from protocol.swim.revocations import Revocations
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import Record, Revocation
from simulations.attack.voice import made_up_voice
from tests.simulations.checkers.stage import Stage

merge = Revocations.merge


def revoke(stage: Stage, subject: int = 4, *, revoked: bool = True, run_s: float = 3.0) -> None:
    """Let the first node sign a word about another, and all hear it."""
    stage.world.revoke(stage.nodes[0], stage.nodes[subject].id, revoked=revoked)
    stage.world.run(run_s)


def test_revocation_and_reinstatement_break_no_law() -> None:
    """Out, told to join in vain, in again, and invited."""
    stage = Stage()
    revoke(stage)
    stage.world.join(stage.nodes[4], stage.nodes[1])
    stage.world.run(20.0)
    revoke(stage, revoked=False)
    stage.world.invite(stage.nodes[1], stage.nodes[4])
    stage.world.run(10.0)
    assert stage.nodes[1].joins[-1].peer == stage.nodes[4].id
    assert {len(node.engine.membership) for node in stage.nodes} == {5}
    assert stage.complainers() == set()


def test_out_stays_out_reports_an_engine_that_lets_the_revoked_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its list does not ask who is out, and a third member tells the record."""
    stage = Stage()
    subject = stage.nodes[4]
    record = subject.engine.local.record
    revoke(stage)
    monkeypatch.setattr(Membership, "_refuses", lambda self, now, record: False)
    stage.hear(stage.nodes[1], stage.nodes[0], Claim(record))
    assert "out-stays-out" in stage.complainers()


def test_out_stays_out_reports_an_engine_that_keeps_the_revoked_on_its_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the word, and does nothing about it."""
    stage = Stage()
    stage.world.crash(stage.nodes[4])
    monkeypatch.setattr(Reception, "_put_out", lambda self, now, revocation: None)
    stage.world.revoke(stage.nodes[0], stage.nodes[4].id)
    assert stage.complainers() == {"out-stays-out"}


def test_words_grow_reports_an_engine_that_believes_the_last_word_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old word, told again, takes back a newer one."""

    def take_any(self: Revocations, revocation: Revocation) -> bool:
        held = self.get(revocation.subject)
        if held is not None:
            self._put(revocation.subject, None)
        return merge(self, revocation)

    stage = Stage()
    stage.world.crash(stage.nodes[4])
    revoke(stage)
    first = stage.nodes[0].engine.membership.revocations.listing()[0]
    revoke(stage, revoked=False)
    monkeypatch.setattr(Revocations, "merge", take_any)
    stage.hear(stage.nodes[1], stage.nodes[0], Claim(first))
    assert stage.complainers() == {"words-grow"}


def test_words_grow_reports_an_engine_that_forgets_at_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was on its disk is not on its list of words."""
    stage = Stage()
    revoke(stage)
    stage.world.crash(stage.nodes[1])
    monkeypatch.setattr(Revocations, "merge", lambda self, revocation: False)
    stage.world.restart(stage.nodes[1])
    assert "words-grow" in stage.complainers()


def test_words_may_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go, and nobody calls that a loss."""
    monkeypatch.setattr(revocations_module, "REVOCATIONS_MAX", 3)
    monkeypatch.setattr("simulations.checkers.revocation.REVOCATIONS_MAX", 3)
    stage = Stage()
    for number in range(6):
        issuer = made_up_voice(stage.world, stage.nodes[3], number)
        word = issuer.revoke(MemberId(bytes([number] * 16)), 1, revoked=True)
        stage.world.act(stage.nodes[0], stage.nodes[0].engine.take_revocation(stage.world.now, word))
    stage.world.run(10.0)
    assert {len(node.engine.membership.revocations) for node in stage.nodes} == {3}
    assert stage.complainers() == set()


def test_removed_with_cause_reports_an_engine_that_drops_a_live_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets a tag is taken off."""
    handle_news = Reception._handle_record

    def drop(self: Reception, now: float, member: object, applied: object, claim: Claim) -> None:
        handle_news(self, now, member, applied, claim)  # type: ignore[arg-type]
        record = claim.statement
        row = self._core.membership.get(record.id) if isinstance(record, Record) and record.tags else None
        if row is not None:
            self._core.change(now, ChangeKind.REAP, row)
            self._core.membership.drop(row)

    monkeypatch.setattr(Reception, "_handle_record", drop)
    stage = Stage()
    node = stage.nodes[4]
    stage.world.do(node, "tags", node.engine.set_tags(stage.world.now, {"drop": "me"}, ()))
    stage.world.run(0.5)
    assert "removed-with-cause" in stage.complainers()


def test_removed_with_cause_reports_an_engine_that_reaps_too_early() -> None:
    """Its own reap time is a tenth of what its settings say to everybody else."""
    stage = Stage()
    stage.crash(stage.nodes[4], 30.0)
    one = stage.nodes[0]
    one.engine.reception._forget(stage.world.now, one.engine.membership.get(stage.nodes[4].id), stage.world.now)  # type: ignore[arg-type]
    stage.world.do(one, "timer", one.engine.core.drain())
    assert "removed-with-cause" in stage.complainers()


def test_persisted_first_reports_a_word_that_is_told_before_it_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash at that moment would make the node forget what it has told."""
    take = Reception._take_revocation

    def hasten(self: Reception, now: float, sender: MemberId, revocation: Revocation) -> None:
        take(self, now, sender, revocation)
        self._core._outbox.sort(key=lambda effect: isinstance(effect, RevocationTaken))

    monkeypatch.setattr(Reception, "_take_revocation", hasten)
    stage = Stage()
    revoke(stage)
    assert "persisted-first" in stage.complainers()


def test_genuine_reports_a_word_that_its_issuer_did_not_sign() -> None:
    """It gets in past the door at which signatures are looked at."""
    stage = Stage()
    one, two = stage.nodes[:2]
    ghost = MemberId(bytes(16))
    forged = Revocation(bytes(200), two.id, two.profile.public_key, ghost, 5, revoked=True)
    stage.hear(two, one, Claim(forged))
    assert "genuine" in stage.complainers()


def test_silent_after_leave_reports_one_who_was_put_out_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it has left, and probes on."""
    take = Reception._take_revocation

    def go_on(self: Reception, now: float, sender: MemberId, revocation: Revocation) -> None:
        take(self, now, sender, revocation)
        self._core.silent = False
        self._prober.wake(now)

    monkeypatch.setattr(Reception, "_take_revocation", go_on)
    stage = Stage()
    revoke(stage, run_s=10.0)
    assert "silent-after-leave" in stage.complainers()
