"""One sync between two engines: what each stage takes, what it costs, and that both end alike."""

from dataclasses import dataclass, field

import pytest

from protocol.error import MalformedMessage
from protocol.swim.effect import KeyringReceived
from protocol.swim.engine import Engine
from protocol.swim.sync import EXPECTED, SUMMARIES_TOTAL_MAX, Stage, SyncExchange
from protocol.ulid import MemberId
from protocol.wire.codec import WANTED_MAX, decode_stream_message, encode_stream_message
from protocol.wire.message import (
    Claim,
    Join,
    KeyringOffer,
    Packet,
    StreamMessage,
    StreamPing,
    Summary,
    SyncBuckets,
    SyncClaims,
    SyncEnd,
    SyncRoot,
    SyncSummaries,
    Topic,
)
from protocol.wire.statement import Statement
from tests.protocol.swim.bench import ACCUSER, ME, PEER, SUBJECT, only, started
from tests.protocol.wire.sample import author, open_any

KEYS = (b"ring", b"12345678")
OTHER_KEYS = (b"gnir", b"87654321")


def packet(*statements: Statement, age_s: int = 0) -> Packet:
    """Pack statements as claims."""
    return Packet((), tuple(Claim(statement, age_s) for statement in statements))


@dataclass
class Talk:
    """What was said in a sync, by both."""

    messages: list[StreamMessage] = field(default_factory=list)
    size: int = 0


def exchange(engine: Engine, peer: Engine, stage: Stage, keys: tuple[bytes, bytes] = KEYS) -> SyncExchange:
    """Give one side of a sync."""
    return SyncExchange(engine.core, peer.core.own_id, engine.reception, keys, stage)


def sync(one: Engine, other: Engine, *, now: float = 0.0, keys: tuple[bytes, bytes] = KEYS) -> Talk:
    """Let one start a sync with the other, over bytes; both must end it."""
    initiator, responder = exchange(one, other, Stage.ANSWER), exchange(other, one, Stage.ROOT, keys)
    talk = Talk()
    outgoing = initiator.open()
    speaker, listener = initiator, responder
    while outgoing:
        answers: list[StreamMessage] = []
        for message in outgoing:
            data = encode_stream_message(message)
            talk.size += len(data)
            talk.messages.append(message)
            answers += listener.receive(now, decode_stream_message(data, open_any))
        outgoing, speaker, listener = answers, listener, speaker
    assert initiator.done
    assert responder.done
    return talk


def pair(*known: Statement) -> tuple[Engine, Engine]:
    """Give two engines that know each other, and some statements."""
    one, other = started(ME, None, *known), started(PEER, None, *known)
    one.handle_packet(0.0, PEER.id, packet(other.local.record))
    other.handle_packet(0.0, ME.id, packet(one.local.record))
    assert one.membership.hash.root == other.membership.hash.root
    return one, other


def number_id(number: int) -> MemberId:
    """Give one of many ids."""
    return MemberId(number.to_bytes(16, "big"))


def crowd(count: int) -> list[Statement]:
    """Give the records of a thousand members like those of a real cluster."""
    tags = {"region": "global", "dc": "dc1"}
    return [author(1_000 + index).record(1_700_000_000_000, tags=tags) for index in range(count)]


def test_sync_of_equal_views_ends_at_once_and_small() -> None:
    """1,000 members: two messages, far below 4 KiB."""
    one, other = pair(*crowd(1_000))
    talk = sync(one, other)
    assert [type(message) for message in talk.messages] == [SyncRoot, SyncEnd]
    assert talk.size < 64


def test_sync_of_ten_differences_in_a_thousand_moves_only_those() -> None:
    """Less than 16 KiB, and the views are equal after it."""
    people = crowd(1_000)
    one, other = pair(*people)
    for index in range(5):
        one.handle_packet(0.0, PEER.id, packet(author(3_000 + index).record(7)))
        other.handle_packet(0.0, ME.id, packet(author(4_000 + index).record(7)))
    talk = sync(one, other)
    assert one.membership.hash.root == other.membership.hash.root
    claims = [claim for m in talk.messages if isinstance(m, SyncClaims) for claim in m.claims]
    assert len(claims) == 10
    assert talk.size < 16 * 1024


@pytest.mark.parametrize("forward", [True, False])
def test_sync_heals_every_kind_of_difference(forward: bool) -> None:
    """Missing, older, accused, evicted, gone: whoever starts."""
    one, other = pair(SUBJECT.record(5), ACCUSER.record(5), author(7).record(5), author(8).record(5))
    one.handle_packet(0.0, PEER.id, packet(ACCUSER.accuse(SUBJECT.id, 5), author(9).record(5)))
    one.handle_packet(0.0, PEER.id, packet(author(7).record(6)))
    other.handle_packet(0.0, ME.id, packet(PEER.evict(SUBJECT.id, 5), author(8).record(5, goodbye=True)))
    sync(*((one, other) if forward else (other, one)))
    assert one.membership.hash.root == other.membership.hash.root
    for engine in (one, other):
        member = engine.membership.get(SUBJECT.id)
        assert member is not None
        assert member.entry.accusations
        assert member.entry.eviction


def test_sync_of_two_strangers_of_two_thousand_members_comes_in_bounded_frames() -> None:
    """Thousands of summaries and claims are cut into messages that the decoder takes."""
    one, other = pair()
    one.handle_packet(0.0, PEER.id, packet(*crowd(2_000)))
    sync(one, other)
    assert len(other.membership) == 2_002
    assert one.membership.hash.root == other.membership.hash.root


def test_sync_passes_on_what_was_forgotten() -> None:
    """One reaped a failed member; the other, who has it still, lets go of it too."""
    one, other = pair(SUBJECT.record(5))
    for engine in (one, other):
        engine.handle_packet(0.0, ACCUSER.id, packet(ACCUSER.accuse(SUBJECT.id, 5)))
        engine.verdicts.handle_timer(0.0, SUBJECT.id)
    one.handle_packet(0.0, PEER.id, packet(PEER.evict(SUBJECT.id, 5, prune=True)))
    assert one.membership.get(SUBJECT.id) is None
    sync(one, other)
    other.handle_timer(0.0)
    assert other.membership.get(SUBJECT.id) is None
    assert one.membership.hash.root == other.membership.hash.root


def test_sync_exchanges_keyrings_that_differ() -> None:
    """Both offer theirs, though the views are equal."""
    one, other = pair()
    talk = sync(one, other, keys=OTHER_KEYS)
    assert [m.blob for m in talk.messages if isinstance(m, KeyringOffer)] == [b"gnir", b"ring"]
    assert only(KeyringReceived, one.core.drain()) == [KeyringReceived(PEER.id, b"gnir")]
    assert only(KeyringReceived, other.core.drain()) == [KeyringReceived(ME.id, b"ring")]


WORDS: list[StreamMessage] = [
    SyncRoot(1, bytes(8)),
    SyncBuckets(bytes(2_048)),
    SyncSummaries(b"", (), True),
    SyncClaims((), (), (), True),
    SyncEnd(),
    KeyringOffer(b"x"),
    StreamPing(1),
    Join(Claim(SUBJECT.record())),
]


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("word", WORDS, ids=lambda word: type(word).__name__)
def test_sync_stage_takes_only_what_it_expects(stage: Stage, word: StreamMessage) -> None:
    """Whatever else comes is MalformedMessage, and the stage stays as it was."""
    one, other = pair()
    side = exchange(one, other, stage)
    if isinstance(word, EXPECTED[stage]):
        side.receive(0.0, word)
        assert side.stage is not stage or isinstance(word, KeyringOffer)
    else:
        with pytest.raises(MalformedMessage):
            side.receive(0.0, word)
        assert side.stage is stage


def test_sync_listing_without_end_is_refused() -> None:
    """Nobody makes us hold more than 131,072 lines."""
    one, other = pair()
    side = exchange(one, other, Stage.SUMMARIES)
    with pytest.raises(MalformedMessage, match="131072"):
        for start in range(0, SUMMARIES_TOTAL_MAX + 1_500, 1_500):
            ids = [number_id(start + index) for index in range(1_500)]
            side.receive(0.0, SyncSummaries(b"", tuple(Summary(Topic.MEMBER, id, 1, 1) for id in ids), False))


def test_sync_wishes_without_end_are_refused() -> None:
    """Nor more than as many ids to send."""
    one, other = pair()
    side = exchange(one, other, Stage.CLAIMS)
    with pytest.raises(MalformedMessage, match="131072"):
        for start in range(0, SUMMARIES_TOTAL_MAX + WANTED_MAX, WANTED_MAX):
            wanted = tuple((Topic.MEMBER, number_id(start + index)) for index in range(WANTED_MAX))
            side.receive(0.0, SyncClaims((), wanted, (), False))


def test_sync_sends_a_member_wished_for_twice_once() -> None:
    """A small wish must not become a large answer."""
    one, other = pair(SUBJECT.record(5))
    side = exchange(one, other, Stage.ANSWER)
    side.receive(0.0, SyncBuckets(bytes(2_048)))
    answer = side.receive(0.0, SyncClaims((), ((Topic.MEMBER, SUBJECT.id),) * WANTED_MAX, (), True))
    assert [len(m.claims) for m in answer if isinstance(m, SyncClaims)] == [1]


def test_sync_ages_stay_within_what_decoders_take() -> None:
    """A goodbye said to be a hundred years old, forgotten here, and told on an hour later."""
    one, other = pair(SUBJECT.record(5))
    hundred_years_s = 100 * 365 * 86_400
    leaver = author(7)
    one.handle_packet(0.0, PEER.id, packet(leaver.record(5)))
    other.handle_packet(0.0, PEER.id, packet(leaver.record(5)))
    one.handle_packet(0.0, PEER.id, packet(leaver.record(6, goodbye=True), age_s=hundred_years_s))
    one.handle_timer(0.0)
    assert one.membership.get(leaver.id) is None
    sync(one, other, now=3_600.0)
