"""A sync about who is out: nobody comes back by it, and it costs what differs."""

import pytest

from protocol.status import Status
from protocol.swim.engine import Engine
from protocol.swim.sync import Stage
from protocol.ulid import MemberId
from protocol.wire.message import Claim, StreamMessage, SyncBuckets, SyncClaims, SyncSummaries, Topic
from protocol.wire.statement import Revocation, Statement
from tests.protocol.swim.bench import ACCUSER, FIRST, PEER, SUBJECT, status, tell
from tests.protocol.swim.test_sync import Talk, exchange, pair, sync
from tests.protocol.wire.sample import author

NOW = 1.0
ABOUT = SUBJECT.id
OUT, BACK = PEER.revoke(ABOUT, 10), PEER.revoke(ABOUT, 11, revoked=False)


def words_about_many(count: int) -> list[Revocation]:
    """Give words about ids that nobody knows."""
    return [PEER.revoke(author(5_000 + number).id, 1) for number in range(count)]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("holder", [0, 1])
def test_sync_does_not_bring_a_revoked_member_back(holder: int, forward: bool) -> None:
    """One knows that it is out, the other has it alive: whoever begins, it is off both lists."""
    engines = pair(SUBJECT.record(FIRST))
    tell(engines[holder], NOW, OUT)
    sync(*(engines if forward else engines[::-1]), now=NOW)
    for engine in engines:
        assert status(engine) is None
        assert engine.membership.revocations.get(ABOUT) == OUT
    assert engines[0].membership.hash.root == engines[1].membership.hash.root


@pytest.mark.parametrize("forward", [True, False])
def test_sync_spreads_a_reinstatement(forward: bool) -> None:
    """The newer word wins; who did not want the member's record before has it after one more sync."""
    engines = pair()
    tell(engines[0], NOW, OUT)
    for word in (OUT, BACK, SUBJECT.record(FIRST + 1)):
        tell(engines[1], NOW, word)
    assert status(engines[1]) is Status.ALIVE
    for _ in range(2):
        sync(*(engines if forward else engines[::-1]), now=NOW)
    for engine in engines:
        assert status(engine) is Status.ALIVE
        assert engine.membership.revocations.get(ABOUT) == BACK
    assert engines[0].membership.hash.root == engines[1].membership.hash.root


@pytest.mark.parametrize("forward", [True, False])
def test_sync_settles_two_words_of_one_version(forward: bool) -> None:
    """By their marks: both sides send theirs, and the same one stays."""
    engines = pair()
    tell(engines[0], NOW, PEER.revoke(ABOUT, 10))
    tell(engines[1], NOW, ACCUSER.revoke(ABOUT, 10, revoked=False))
    sync(*(engines if forward else engines[::-1]), now=NOW)
    for engine in engines:
        assert engine.membership.revocations.bars(ABOUT)
    assert engines[0].membership.hash.root == engines[1].membership.hash.root


def claims_of(talk: Talk) -> list[Statement]:
    """Give the statements that went either way."""
    return [claim.statement for m in talk.messages if isinstance(m, SyncClaims) for claim in m.claims]


def by_sync(engine: Engine, said_: list[Revocation]) -> None:
    """Let an engine hold words, past the budget of gossip."""
    for word in said_:
        engine.reception.accept(NOW, PEER.id, Claim(word))
    engine.core.drain()


@pytest.mark.parametrize("forward", [True, False])
def test_sync_of_two_thousand_revocations_moves_only_the_difference(forward: bool) -> None:
    """Ten are new on each side: twenty claims, and lines of the differing buckets alone."""
    engines = pair()
    many = words_about_many(2_000)
    by_sync(engines[0], many)
    by_sync(engines[1], many)
    assert sync(*engines, now=NOW).size < 64
    by_sync(engines[0], [PEER.revoke(author(9_000 + number).id, 2) for number in range(10)])
    by_sync(engines[1], [PEER.revoke(author(5_000 + number).id, 2) for number in range(10)])
    talk = sync(*(engines if forward else engines[::-1]), now=NOW)
    assert len(claims_of(talk)) == 20
    lines = [line for m in talk.messages if isinstance(m, SyncSummaries) for line in m.summaries]
    assert len(lines) <= 20 * (2_000 // 256 + 2)
    assert talk.size < 20_000
    assert engines[0].membership.hash.root == engines[1].membership.hash.root


@pytest.mark.parametrize("forward", [True, False])
def test_sync_of_a_newcomer_brings_all_two_thousand_in_one(forward: bool) -> None:
    """No budget of gossip holds it up; each goes once, in bounded frames."""
    engines = pair(SUBJECT.record(FIRST))
    by_sync(engines[0], [*words_about_many(1_999), OUT])
    talk = sync(*(engines if forward else engines[::-1]), now=NOW)
    words = [statement for statement in claims_of(talk) if isinstance(statement, Revocation)]
    assert len(words) == len({word.subject for word in words}) == 2_000
    assert engines[0].membership.hash.root == engines[1].membership.hash.root
    assert status(engines[1]) is None


def test_sync_tells_who_is_out_before_it_tells_of_members() -> None:
    """A listing, the statements, and what is wished for: revocations first."""
    one, other = pair()
    for engine, who in ((one, author(30)), (other, author(40))):
        tell(engine, NOW, who.record(FIRST))
        tell(engine, NOW, PEER.revoke(author(who.key[0] + 1).id, 5))
    talk = sync(one, other, now=NOW)
    for message in talk.messages:
        if isinstance(message, SyncSummaries):
            topics = [line.topic for line in message.summaries]
            assert topics == sorted(topics, reverse=True)
        if isinstance(message, SyncClaims):
            kinds_ = [isinstance(claim.statement, Revocation) for claim in message.claims]
            assert kinds_ == sorted(kinds_, reverse=True)


def test_sync_wish_for_a_revocation_nobody_holds_is_no_answer() -> None:
    """Nor is a member's statement an answer to a wish for a revocation."""
    one, other = pair(SUBJECT.record(FIRST))
    side = exchange(one, other, Stage.ANSWER)
    side.receive(NOW, SyncBuckets(bytes(2_048)))
    wished: tuple[tuple[Topic, MemberId], ...] = ((Topic.REVOCATION, ABOUT), (Topic.REVOCATION, author(77).id))
    answers: list[StreamMessage] = side.receive(NOW, SyncClaims((), wished, (), True))
    assert [claim for m in answers if isinstance(m, SyncClaims) for claim in m.claims] == []


def test_sync_of_what_one_side_does_not_heed_ends_all_the_same() -> None:
    """Another operator's word, left out by its verifier: both sides end, and differ."""
    one, other = pair()
    by_sync(one, [OUT])
    initiator, responder = exchange(one, other, Stage.ANSWER), exchange(other, one, Stage.ROOT)
    speaker, listener, outgoing = initiator, responder, initiator.open()
    while outgoing:
        answers: list[StreamMessage] = []
        for message in outgoing:
            if isinstance(message, SyncClaims):
                message = SyncClaims((), message.wanted, message.forgotten, message.last)
            answers += listener.receive(NOW, message)
        outgoing, speaker, listener = answers, listener, speaker
    assert initiator.done
    assert responder.done
    assert one.membership.hash.root != other.membership.hash.root
