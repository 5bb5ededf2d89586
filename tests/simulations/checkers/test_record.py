"""Checkers of who said what, each before an engine that breaks its law and no other."""

from dataclasses import replace

import pytest

from protocol.swim.member import Member
from protocol.swim.membership import Applied, Membership
from protocol.wire.message import Claim
from protocol.wire.statement import Accusation, Record, encode_accusation
from simulations.attack.voice import Voice, made_up_voice
from tests.simulations.checkers.stage import Stage


def stranger(stage: Stage) -> Voice:
    """Give a member whose engine is not of this world."""
    return made_up_voice(stage.world, stage.nodes[4], 1)


def test_one_record_reports_a_member_that_changes_its_tags_without_rising() -> None:
    """Two observers hold different records of one incarnation."""
    stage = Stage()
    voice = stranger(stage)
    for place, target in enumerate(stage.nodes[:2]):
        stage.hear(stage.nodes[4], target, Claim(voice.record(1_000, tags={"role": f"r{place}"})))
    assert stage.complainers() == {"one-record"}


def test_one_record_excuses_an_announced_equivocator() -> None:
    """Whoever attacks in this way says so to the checkers, and to nobody else."""
    stage = Stage()
    node = stage.nodes[4]
    stage.world.equivocators.add(node.index)
    profile = node.engine.local.profile
    other = node.engine.local._compose(replace(profile, tags={"a": "b"}), node.engine.local.incarnation, goodbye=False)
    stage.hear(node, stage.nodes[0], Claim(other))
    assert stage.complainers() == set()


def test_genuine_reports_an_engine_that_changes_what_others_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record is stored with tags that its subject never gave."""
    apply = Membership._apply_record

    def embellish(self: Membership, now: float, record: Record, age_s: int, member: Member | None) -> Applied:
        if record.id != self.own_id:
            record = replace(record, tags=(("role", "better"),))
        return apply(self, now, record, age_s, member)

    monkeypatch.setattr(Membership, "_apply_record", embellish)
    assert Stage().complainers() == {"genuine"}


def test_genuine_reports_an_accusation_that_its_author_did_not_sign() -> None:
    """A statement gets in whose signature nobody looked at."""
    stage = Stage()
    one, two, three, *_ = stage.nodes
    body = encode_accusation(two.id, three.id, three.engine.local.incarnation)
    forged = Accusation(bytes(64) + body, two.id, three.id, three.engine.local.incarnation)
    stage.hear(two, one, Claim(forged))
    assert stage.complainers() == {"genuine"}
