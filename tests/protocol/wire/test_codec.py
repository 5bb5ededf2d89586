"""Packets and stream messages: round trips, bounds, and nothing but MalformedMessage out of bad bytes."""

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import MalformedMessage
from protocol.ulid import MemberId
from protocol.wire import codec
from protocol.wire.codec import (
    decode_packet,
    decode_stream_message,
    encode_packet,
    encode_stream_message,
    encoded_claim_size,
)
from protocol.wire.message import (
    Ack,
    Claim,
    Forgotten,
    Join,
    JoinAnswer,
    KeyringOffer,
    Message,
    Nack,
    NoSeat,
    Packet,
    Ping,
    PingReq,
    StreamMessage,
    StreamPing,
    StreamPong,
    Summary,
    SyncBuckets,
    SyncClaims,
    SyncEnd,
    SyncRoot,
    SyncSummaries,
    Topic,
)
from tests.protocol.wire.sample import (
    ages,
    author,
    claims,
    hashes,
    ids,
    incarnations,
    numbers,
    open_any,
    record_claims,
    topics,
)

A, B = author(1), author(2)

keyrings = st.builds(KeyringOffer, st.binary(max_size=1_024))
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Ping, numbers),
    st.builds(Ack, numbers, hashes),
    st.builds(PingReq, numbers, ids, st.integers(0, 600_000)),
    st.builds(Nack, numbers),
    st.builds(Forgotten, ids, incarnations),
    st.builds(NoSeat, ids),
    keyrings,
)
packets = st.builds(Packet, st.lists(messages, max_size=5).map(tuple), st.lists(claims, max_size=5).map(tuple))
summaries = st.builds(Summary, topics, ids, incarnations, hashes)
stream_messages: st.SearchStrategy[StreamMessage] = st.one_of(
    st.builds(StreamPing, numbers),
    st.builds(StreamPong, numbers, hashes),
    st.builds(Join, record_claims),
    st.builds(JoinAnswer, record_claims, st.booleans()),
    st.builds(SyncRoot, hashes, st.binary(min_size=8, max_size=8)),
    st.builds(SyncBuckets, st.binary(min_size=64, max_size=64).map(lambda part: part * 32)),
    st.builds(SyncSummaries, st.binary(max_size=256), st.lists(summaries, max_size=5).map(tuple), st.booleans()),
    st.builds(
        SyncClaims,
        st.lists(claims, max_size=4).map(tuple),
        st.lists(st.tuples(topics, ids), max_size=4).map(tuple),
        st.lists(st.tuples(ids, incarnations, ages), max_size=4).map(tuple),
        st.booleans(),
    ),
    st.just(SyncEnd()),
    keyrings,
)


@given(packets)
def test_codec_packet_round_trips(packet: Packet) -> None:
    """Messages and claims, with their ages."""
    assert decode_packet(encode_packet(packet), open_any) == packet


@given(stream_messages)
def test_codec_stream_message_round_trips(message: StreamMessage) -> None:
    """Each kind."""
    assert decode_stream_message(encode_stream_message(message), open_any) == message


@given(claims)
def test_codec_claim_is_never_larger_than_announced(claim: Claim) -> None:
    """The packer of datagrams trusts this size."""
    alone = len(encode_packet(Packet((), (claim,)))) - 1
    assert alone <= encoded_claim_size(claim)


@given(messages.filter(lambda message: not isinstance(message, KeyringOffer)))
def test_codec_control_message_is_never_larger_than_the_room_kept_for_it(message: Message) -> None:
    """32 bytes, in protocol.swim.core."""
    assert len(encode_packet(Packet((message,)))) - 1 <= 32


@given(st.binary(max_size=300))
def test_codec_decoders_raise_only_malformed_on_any_bytes(data: bytes) -> None:
    """Whatever is inside."""
    for decode in (decode_packet, decode_stream_message):
        try:
            decode(data, open_any)
        except MalformedMessage:
            pass


def decode_mutants(data: bytes, draw: st.DataObject, decode: Any) -> None:
    """Feed a good message with one byte changed, cut short, and with bytes added."""
    mutant = bytearray(data)
    mutant[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, len(data) - 1))
    try:
        decode(bytes(mutant), open_any)
    except MalformedMessage:
        pass
    for wrong in (data[:cut], data + b"\xc0"):
        with pytest.raises(MalformedMessage):
            decode(wrong, open_any)


@given(packets, st.data())
def test_codec_mutated_packet_raises_only_malformed(packet: Packet, data: st.DataObject) -> None:
    """A prefix, or one byte more, is never a packet."""
    decode_mutants(encode_packet(packet), data, decode_packet)


@given(stream_messages, st.data())
def test_codec_mutated_stream_message_raises_only_malformed(message: StreamMessage, data: st.DataObject) -> None:
    """Nor a stream message."""
    decode_mutants(encode_stream_message(message), data, decode_stream_message)


trees: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.floats(), st.text(max_size=5),
        st.binary(max_size=20), st.just({}), st.just({1: 2}), st.just(msgpack.ExtType(5, b"x")),
        st.just(msgpack.Timestamp(1, 1)),
    ),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


@given(st.lists(trees, max_size=5), st.integers(0, 30))
def test_codec_decoders_raise_only_malformed_on_any_tree(items: list[Any], kind: int) -> None:
    """Good msgpack of the wrong types, under each kind."""
    for value in (items, [kind, *items], [[kind, *items]]):
        for decode in (decode_packet, decode_stream_message):
            try:
                decode(msgpack.packb(value), open_any)
            except MalformedMessage:
                pass


PACKET_WRONGS: dict[str, Any] = {
    "not an array": 1,
    "a map": {},
    "too many items": [[1, 1]] * (codec.PACKET_ITEM_MAX + 1),
    "an empty item": [[]],
    "unknown kind": [[8, 1]],
    "no-seat with a word": [[codec.NO_SEAT, 1]],
    "a stream's kind": [[codec.STREAM_PING, 1]],
    "negative number": [[codec.PING, -1]],
    "number of 33 bits": [[codec.PING, 1 << 32]],
    "bool as number": [[codec.PING, True]],
    "float as number": [[codec.PING, 1.0]],
    "one field more": [[codec.PING, 1, 1]],
    "one field less": [[codec.ACK, 1]],
    "bool as kind": [[True, 1]],
    "id of 15 bytes": [[codec.PING_REQ, 1, bytes(15), 1]],
    "budget beyond ten minutes": [[codec.PING_REQ, 1, bytes(16), 600_001]],
    "incarnation beyond the largest": [[codec.FORGOTTEN, bytes(16), (1 << 63) - 1]],
    "keyring beyond its bound": [[codec.KEYRING_OFFER, bytes(codec.KEYRING_SIZE_MAX + 1)]],
    "keyring as text": [[codec.KEYRING_OFFER, "x"]],
    "claim of 641 bytes": [bytes(641)],
    "claim as text": ["x" * 100],
    "nil claim": [None],
    "claim with an age below 0": [[A.record().raw, -1]],
    "claim of over a hundred years": [[A.record().raw, codec.AGE_S_MAX + 1]],
    "claim with two ages": [[A.record().raw, 1, 1]],
}


@pytest.mark.parametrize("wrong", PACKET_WRONGS.values(), ids=PACKET_WRONGS)
def test_codec_packet_out_of_bounds_is_malformed(wrong: Any) -> None:
    """Each bound of a datagram's payload, one beyond."""
    with pytest.raises(MalformedMessage):
        decode_packet(msgpack.packb(wrong), open_any)


STREAM_WRONGS: dict[str, Any] = {
    "not an array": 1,
    "empty": [],
    "unknown kind": [99],
    "a packet's kind": [codec.PING, 1],
    "join without a record's bytes": [codec.JOIN, None],
    "reach not a bool": [codec.JOIN_ANSWER, A.record().raw, 1],
    "hash of 65 bits": [codec.SYNC_ROOT, -1, bytes(8)],
    "digest of 7 bytes": [codec.SYNC_ROOT, 1, bytes(7)],
    "2,047 bytes of sums": [codec.SYNC_BUCKETS, bytes(2_047)],
    "257 buckets": [codec.SYNC_SUMMARIES, bytes(257), [], True],
    "summary of three fields": [codec.SYNC_SUMMARIES, b"", [[bytes(16), 1, 1]], True],
    "summary of an unknown topic": [codec.SYNC_SUMMARIES, b"", [[3, bytes(16), 1, 1]], True],
    "summary of a topic that is a bool": [codec.SYNC_SUMMARIES, b"", [[True, bytes(16), 1, 1]], True],
    "summary of a version beyond the largest": [codec.SYNC_SUMMARIES, b"", [[1, bytes(16), (1 << 63) - 1, 1]], True],
    "1,501 summaries": [codec.SYNC_SUMMARIES, b"", [[0, bytes(16), 1, 1]] * 1_501, True],
    "513 claims": [codec.SYNC_CLAIMS, [A.accuse(B.id).raw] * 513, [], [], True],
    "2,049 wanted": [codec.SYNC_CLAIMS, [], [[0, bytes(16)]] * 2_049, [], True],
    "wanted without a topic": [codec.SYNC_CLAIMS, [], [bytes(16)], [], True],
    "wanted of an unknown topic": [codec.SYNC_CLAIMS, [], [[3, bytes(16)]], [], True],
    "wanted of a topic below 0": [codec.SYNC_CLAIMS, [], [[-1, bytes(16)]], [], True],
    "wanted of 15 bytes": [codec.SYNC_CLAIMS, [], [[1, bytes(15)]], [], True],
    "2,049 forgotten": [codec.SYNC_CLAIMS, [], [], [[bytes(16), 1, 1]] * 2_049, True],
    "forgotten of over a hundred years": [codec.SYNC_CLAIMS, [], [], [[bytes(16), 1, codec.AGE_S_MAX + 1]], True],
    "last not a bool": [codec.SYNC_CLAIMS, [], [], [], 1],
    "an end with words": [codec.SYNC_END, 1],
}


@pytest.mark.parametrize("wrong", STREAM_WRONGS.values(), ids=STREAM_WRONGS)
def test_codec_stream_message_out_of_bounds_is_malformed(wrong: Any) -> None:
    """Each bound of a stream message, one beyond."""
    with pytest.raises(MalformedMessage):
        decode_stream_message(msgpack.packb(wrong), open_any)


def test_codec_stream_message_larger_than_a_frame_is_malformed() -> None:
    """60,000 bytes of plaintext."""
    with pytest.raises(MalformedMessage, match="at most 60000"):
        decode_stream_message(bytes(60_001), open_any)


def test_codec_leaves_out_what_nobody_can_verify() -> None:
    """An accuser not known here: the claim is left out, the rest of the packet counts."""
    known, unknown = Claim(A.record()), Claim(B.accuse(A.id))
    packet = Packet((Ping(1),), (unknown, known))
    read = decode_packet(encode_packet(packet), lambda raw: None if raw == unknown.statement.raw else open_any(raw))
    assert read == Packet((Ping(1),), (known,))


def test_codec_join_with_a_record_nobody_can_verify_is_malformed() -> None:
    """A join without a record is none."""
    with pytest.raises(MalformedMessage):
        decode_stream_message(encode_stream_message(Join(Claim(A.record()))), lambda raw: None)


def test_codec_what_opening_raises_comes_through() -> None:
    """A bad signature is not the codec's to judge."""

    class Forged(Exception):
        pass

    def refuse(raw: bytes) -> None:
        raise Forged

    with pytest.raises(Forged):
        decode_packet(encode_packet(Packet((), (Claim(A.record()),))), refuse)


def test_codec_largest_listing_fits_a_frame() -> None:
    """1,500 summaries of the largest numbers; 2,048 wanted ids; 1,024 forgotten."""
    id = MemberId(b"\xff" * 16)
    line = Summary(Topic.REVOCATION, id, (1 << 63) - 2, (1 << 64) - 1)
    for message in (
        SyncSummaries(bytes(256), (line,) * codec.SUMMARIES_MAX, True),
        SyncClaims((), ((Topic.REVOCATION, id),) * codec.WANTED_MAX, (), True),
        SyncClaims((), (), ((id, (1 << 63) - 2, codec.AGE_S_MAX),) * (codec.WANTED_MAX // 2), True),
    ):
        data = encode_stream_message(message)
        assert len(data) <= codec.STREAM_MESSAGE_SIZE_MAX
        assert decode_stream_message(data, open_any) == message
