"""Who may come in: license, limit and name, in this order."""

import pytest

from protocol.address import Address
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.candidate import Candidate
from protocol.swim.effect import StreamVerdict
from protocol.swim.engine import Engine
from protocol.swim.settings import Settings
from protocol.wire.message import Ack, Ping
from tests.protocol.swim.bench import FIRST, ME, PEER, SUBJECT, advance, only, said, say, started
from tests.protocol.wire.sample import HOME, author

NEW = author(9)
ELSEWHERE = Address("10.9.9.9", 1)


def candidate(
    name: str = "new", *, license_id: str = "", address: Address = ELSEWHERE, purpose: Purpose = Purpose.JOIN
) -> Candidate:
    """Give a newcomer."""
    return Candidate(NEW.id, NEW.key, name, license_id, address, purpose)


def verdict(engine: Engine, who: Candidate, *, dialled: bool = False) -> list[StreamVerdict]:
    """Give the verdicts that come at once."""
    return only(StreamVerdict, engine.handle_stream_proposed(0.0, 7, who, dialled=dialled))


def holding() -> Engine:
    """Give an engine that knows two others, by the names n2 and n3."""
    return started(ME, Settings.lan(license_id="acme", members_max=3), *(
        who.record(FIRST, license_id="acme") for who in (PEER, SUBJECT)
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("license_id", "name", "expected"),
    [("", "n2", Refusal.LICENSE_MISMATCH), ("acme", "n2", Refusal.NODE_LIMIT), ("acme", "new", Refusal.NODE_LIMIT)],
)
def test_candidate_is_judged_by_license_then_limit_then_name(license_id: str, name: str, expected: Refusal) -> None:
    """The first reason is the one that is told."""
    assert verdict(holding(), candidate(name, license_id=license_id)) == [StreamVerdict(7, expected)]


def test_candidate_that_is_a_live_member_needs_no_seat() -> None:
    """It restarted, or syncs."""
    known = Candidate(PEER.id, PEER.key, "n2", "acme", HOME, Purpose.JOIN)
    assert verdict(holding(), known) == [StreamVerdict(7, None)]


@pytest.mark.parametrize(("purpose", "dialled"), [(Purpose.SYNC, False), (Purpose.PING, False), (Purpose.JOIN, True)])
def test_candidate_name_is_asked_about_at_a_join_and_by_the_responder_alone(purpose: Purpose, dialled: bool) -> None:
    """A sync between members is never refused for a name."""
    engine = started(ME, None, PEER.record(FIRST))
    assert verdict(engine, candidate("n2", purpose=purpose), dialled=dialled) == [StreamVerdict(7, None)]


def test_candidate_with_the_responders_own_name_is_refused_at_once() -> None:
    """We are alive: nobody need ask."""
    assert verdict(started(), candidate("n1")) == [StreamVerdict(7, Refusal.NAME_IN_USE)]


@pytest.mark.parametrize("answers", [True, False])
def test_candidate_with_a_used_name_waits_for_the_holders_answer(answers: bool) -> None:
    """An ack refuses it; silence admits it, and the former holder is accused and evicted."""
    engine = started(ME, None, PEER.record(FIRST), SUBJECT.record(FIRST))
    effects = engine.handle_stream_proposed(0.0, 7, candidate("n2"), dialled=False)
    assert only(StreamVerdict, effects) == []
    (ping,) = [message for message in said(effects, PEER.id) if isinstance(message, Ping)]
    if answers:
        assert only(StreamVerdict, say(engine, 0.1, Ack(ping.number, 0))) == [StreamVerdict(7, Refusal.NAME_IN_USE)]
    else:
        assert only(StreamVerdict, advance(engine, 0.51)) == [StreamVerdict(7, None)]
    holder = engine.membership.get(PEER.id)
    assert holder is not None
    assert bool(holder.entry.accusations) == (holder.entry.eviction is not None) == (not answers)


def test_candidate_that_claims_the_holders_address_is_not_taken_at_its_word() -> None:
    """The holder is asked all the same: an address is claimed by whoever names it."""
    engine = started(ME, None, PEER.record(FIRST, address=ELSEWHERE))
    effects = engine.handle_stream_proposed(0.0, 7, candidate("n2"), dialled=False)
    (ping,) = [message for message in said(effects, PEER.id) if isinstance(message, Ping)]
    assert only(StreamVerdict, say(engine, 0.1, Ack(ping.number, 0))) == [StreamVerdict(7, Refusal.NAME_IN_USE)]


def test_candidate_at_the_address_of_a_silent_holder_supersedes_it() -> None:
    """A machine that lost its data directory; the log says why."""
    engine = started(ME, None, PEER.record(FIRST, address=ELSEWHERE))
    engine.handle_stream_proposed(0.0, 7, candidate("n2"), dialled=False)
    assert only(StreamVerdict, advance(engine, 0.51)) == [StreamVerdict(7, None)]
    holder = engine.membership.get(PEER.id)
    assert holder is not None
    assert holder.entry.eviction is not None
    assert any("address was taken over" in note.note for note in holder.evidence)
