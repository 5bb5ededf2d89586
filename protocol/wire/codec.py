"""Packets and stream messages as bytes, and back.

A packet is one msgpack array. Each item is either a message `[kind, field, ...]`, or a claim: the raw
bytes of a statement, or `[raw bytes, age in seconds]` where the age is not 0. A stream message is one
array `[kind, field, ...]`. PROTOCOL.md has the tables and examples.

Decoders raise MalformedMessage, and otherwise only what the given `open_statement` raises: it turns raw
bytes into a verified statement, or into None where the author is unknown, and the claim is left out.
"""

from collections.abc import Callable
from typing import Any, assert_never

from protocol.error import MalformedMessage
from protocol.ulid import ULID_SIZE, MemberId
from protocol.wire.field import (
    U32_MAX,
    U64_MAX,
    pack,
    take_blob,
    take_bool,
    take_bytes,
    take_int,
    take_tuple,
    unpack,
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
    SyncKey,
    SyncRoot,
    SyncSummaries,
    Topic,
)
from protocol.wire.statement import CLAIM_SIZE_MAX, INCARNATION_MAX, Statement

OpenStatement = Callable[[bytes], Statement | None]

PACKET_SIZE_MAX = 1_400
"""Bytes of a datagram on the wire: fits an Ethernet frame with room for tunnels (memberlist's value)."""
PACKET_ITEM_MAX = 64
"""Messages and claims in one packet: more do not fit 1,400 bytes in any honest mixture."""
STREAM_MESSAGE_SIZE_MAX = 60_000
"""Plaintext of one frame of at most 64 KiB."""
KEYRING_SIZE_MAX = 1_200
"""An offer holds at most 8 keys and the ids of some retired ones."""
BUDGET_MS_MAX = 600_000
"""No probe lasts ten minutes, even on a slow profile at the highest awareness score."""
AGE_S_MAX = 100 * 365 * 86_400
SUMMARIES_MAX = 1_500
"""Lines in one SyncSummaries: at most 39 bytes each, below STREAM_MESSAGE_SIZE_MAX."""
CLAIMS_MAX = 512
"""Claims in one SyncClaims; the size bound is reached earlier unless they are small accusations."""
WANTED_MAX = 2_048
BUCKETS_SIZE = 2_048
BUCKET_COUNT = 256

PING, ACK, PING_REQ, NACK, FORGOTTEN, KEYRING_OFFER, NO_SEAT = range(1, 8)
STREAM_PING, STREAM_PONG, JOIN, JOIN_ANSWER = range(16, 20)
SYNC_ROOT, SYNC_BUCKETS, SYNC_SUMMARIES, SYNC_CLAIMS, SYNC_END = range(20, 25)


def encode_claim(claim: Claim) -> object:
    """Give a claim as the value that stands in a packet's array."""
    return (claim.statement.raw, claim.age_s) if claim.age_s else claim.statement.raw


def encoded_claim_size(claim: Claim) -> int:
    """Tell at most how many bytes a claim takes in a packet."""
    return len(claim.statement.raw) + 3 + (6 if claim.age_s else 0)


def encode_message(message: Message) -> tuple[object, ...]:
    """Give a message as the array that stands in a packet's array."""
    match message:
        case Ping(number):
            return (PING, number)
        case Ack(number, view_hash):
            return (ACK, number, view_hash)
        case PingReq(number, target, budget_ms):
            return (PING_REQ, number, target, budget_ms)
        case Nack(number):
            return (NACK, number)
        case Forgotten(subject, incarnation):
            return (FORGOTTEN, subject, incarnation)
        case KeyringOffer(blob):
            return (KEYRING_OFFER, blob)
        case NoSeat(winner):
            return (NO_SEAT, winner)
    assert_never(message)


def encode_packet(packet: Packet) -> bytes:
    """Encode what one datagram carries, claims last."""
    items: list[object] = [encode_message(message) for message in packet.messages]
    items += [encode_claim(claim) for claim in packet.claims]
    return pack(items)


def decode_packet(payload: bytes, open_statement: OpenStatement) -> Packet:
    """Read what one datagram carries.

    Raises:
        MalformedMessage: anything out of type or bound; nothing of the packet is to be used.
    """
    items = unpack(payload, PACKET_ITEM_MAX)
    if type(items) is not tuple:
        raise MalformedMessage("a packet is not an array")
    messages: list[Message] = []
    claims: list[Claim] = []
    for item in items:
        if type(item) is tuple and item and type(item[0]) is int:
            messages.append(_read_message(item))
        else:
            claim = _read_claim(item, open_statement)
            if claim is not None:
                claims.append(claim)
    return Packet(tuple(messages), tuple(claims))


def _read_claim(item: Any, open_statement: OpenStatement) -> Claim | None:
    age_s = 0
    if type(item) is tuple:
        item, age = take_tuple(item, "claim", 2)
        age_s = take_int(age, "age", AGE_S_MAX)
    statement = open_statement(take_blob(item, "statement", CLAIM_SIZE_MAX))
    return None if statement is None else Claim(statement, age_s)


def _read_message(item: tuple[Any, ...]) -> Message:
    kind = item[0]
    if kind == PING:
        _, number = take_tuple(item, "ping", 2)
        return Ping(_u32(number))
    if kind == ACK:
        _, number, view_hash = take_tuple(item, "ack", 3)
        return Ack(_u32(number), _u64(view_hash))
    if kind == PING_REQ:
        _, number, target, budget_ms = take_tuple(item, "ping-req", 4)
        return PingReq(_u32(number), _id(target), take_int(budget_ms, "budget", BUDGET_MS_MAX))
    if kind == NACK:
        _, number = take_tuple(item, "nack", 2)
        return Nack(_u32(number))
    if kind == FORGOTTEN:
        _, subject, incarnation = take_tuple(item, "forgotten", 3)
        return Forgotten(_id(subject), _incarnation(incarnation))
    if kind == KEYRING_OFFER:
        _, blob = take_tuple(item, "keyring offer", 2)
        return KeyringOffer(take_blob(blob, "keyring", KEYRING_SIZE_MAX))
    if kind == NO_SEAT:
        _, winner = take_tuple(item, "no seat", 2)
        return NoSeat(_id(winner))
    raise MalformedMessage(f"message kind {kind} in a packet")


def encode_stream_message(message: StreamMessage) -> bytes:
    """Encode one message of a stream."""
    return pack(_stream_fields(message))


def _stream_fields(message: StreamMessage) -> tuple[object, ...]:
    match message:
        case StreamPing(number):
            return (STREAM_PING, number)
        case StreamPong(number, view_hash):
            return (STREAM_PONG, number, view_hash)
        case Join(record):
            return (JOIN, encode_claim(record))
        case JoinAnswer(record, datagrams_reach):
            return (JOIN_ANSWER, encode_claim(record), datagrams_reach)
        case SyncRoot(view_hash, keyring_digest):
            return (SYNC_ROOT, view_hash, keyring_digest)
        case SyncBuckets(sums):
            return (SYNC_BUCKETS, sums)
        case SyncSummaries(buckets, summaries, last):
            flat = [(s.topic, s.id, s.version, s.mark) for s in summaries]
            return (SYNC_SUMMARIES, buckets, flat, last)
        case SyncClaims(claims, wanted, forgotten, last):
            return (SYNC_CLAIMS, [encode_claim(c) for c in claims], wanted, forgotten, last)
        case SyncEnd():
            return (SYNC_END,)
        case KeyringOffer(blob):
            return (KEYRING_OFFER, blob)
    assert_never(message)


def decode_stream_message(data: bytes, open_statement: OpenStatement) -> StreamMessage:
    """Read one message of a stream.

    Raises:
        MalformedMessage: anything out of type or bound.
    """
    if len(data) > STREAM_MESSAGE_SIZE_MAX:
        raise MalformedMessage(f"a message of {len(data)} bytes, at most {STREAM_MESSAGE_SIZE_MAX}")
    item = unpack(data)
    if type(item) is not tuple or not item or type(item[0]) is not int:
        raise MalformedMessage("a stream message is not an array that begins with its kind")
    read = _STREAM_READERS.get(item[0])
    if read is None:
        raise MalformedMessage(f"message kind {item[0]} on a stream")
    return read(item, open_statement)


def _read_stream_ping(item: tuple[Any, ...], _: OpenStatement) -> StreamMessage:
    _, number = take_tuple(item, "stream ping", 2)
    return StreamPing(_u32(number))


def _read_stream_pong(item: tuple[Any, ...], _: OpenStatement) -> StreamMessage:
    _, number, view_hash = take_tuple(item, "stream pong", 3)
    return StreamPong(_u32(number), _u64(view_hash))


def _read_join(item: tuple[Any, ...], open_statement: OpenStatement) -> StreamMessage:
    _, record = take_tuple(item, "join", 2)
    return Join(_record_claim(record, open_statement))


def _read_join_answer(item: tuple[Any, ...], open_statement: OpenStatement) -> StreamMessage:
    _, record, reach = take_tuple(item, "join answer", 3)
    return JoinAnswer(_record_claim(record, open_statement), take_bool(reach, "reach"))


def _record_claim(item: Any, open_statement: OpenStatement) -> Claim:
    claim = _read_claim(item, open_statement)
    if claim is None:
        raise MalformedMessage("a join without a record")
    return claim


def _read_sync_root(item: tuple[Any, ...], _: OpenStatement) -> StreamMessage:
    _, view_hash, digest = take_tuple(item, "sync root", 3)
    return SyncRoot(_u64(view_hash), take_bytes(digest, "keyring digest", 8))


def _read_sync_buckets(item: tuple[Any, ...], _: OpenStatement) -> StreamMessage:
    _, sums = take_tuple(item, "sync buckets", 2)
    return SyncBuckets(take_bytes(sums, "bucket sums", BUCKETS_SIZE))


def _read_sync_summaries(item: tuple[Any, ...], _: OpenStatement) -> StreamMessage:
    _, buckets, flat, last = take_tuple(item, "sync summaries", 4)
    if type(flat) is not tuple or len(flat) > SUMMARIES_MAX:
        raise MalformedMessage(f"summaries are not an array of at most {SUMMARIES_MAX}")
    summaries = []
    for entry in flat:
        topic, id_, version, mark = take_tuple(entry, "summary", 4)
        summaries.append(Summary(_topic(topic), _id(id_), _incarnation(version), _u64(mark)))
    return SyncSummaries(take_blob(buckets, "buckets", BUCKET_COUNT), tuple(summaries), take_bool(last, "last"))


def _read_sync_claims(item: tuple[Any, ...], open_statement: OpenStatement) -> StreamMessage:
    _, raw_claims, wanted, forgotten, last = take_tuple(item, "sync claims", 5)
    if type(raw_claims) is not tuple or len(raw_claims) > CLAIMS_MAX:
        raise MalformedMessage(f"claims are not an array of at most {CLAIMS_MAX}")
    for name, value in (("wanted", wanted), ("forgotten", forgotten)):
        if type(value) is not tuple or len(value) > WANTED_MAX:
            raise MalformedMessage(f"{name} is not an array of at most {WANTED_MAX}")
    claims = (_read_claim(raw, open_statement) for raw in raw_claims)
    gone = []
    for entry in forgotten:
        id_, incarnation, age = take_tuple(entry, "forgotten", 3)
        gone.append((_id(id_), _incarnation(incarnation), take_int(age, "age", AGE_S_MAX)))
    return SyncClaims(
        tuple(claim for claim in claims if claim is not None),
        tuple(_sync_key(value) for value in wanted),
        tuple(gone),
        take_bool(last, "last"),
    )


def _read_sync_end(item: tuple[Any, ...], _: OpenStatement) -> StreamMessage:
    take_tuple(item, "sync end", 1)
    return SyncEnd()


def _read_stream_keyring(item: tuple[Any, ...], _: OpenStatement) -> StreamMessage:
    _, blob = take_tuple(item, "keyring offer", 2)
    return KeyringOffer(take_blob(blob, "keyring", KEYRING_SIZE_MAX))


_STREAM_READERS: dict[int, Callable[[tuple[Any, ...], OpenStatement], StreamMessage]] = {
    STREAM_PING: _read_stream_ping,
    STREAM_PONG: _read_stream_pong,
    JOIN: _read_join,
    JOIN_ANSWER: _read_join_answer,
    SYNC_ROOT: _read_sync_root,
    SYNC_BUCKETS: _read_sync_buckets,
    SYNC_SUMMARIES: _read_sync_summaries,
    SYNC_CLAIMS: _read_sync_claims,
    SYNC_END: _read_sync_end,
    KEYRING_OFFER: _read_stream_keyring,
}


def _topic(value: Any) -> Topic:
    return Topic(take_int(value, "topic", max(Topic)))


def _sync_key(value: Any) -> SyncKey:
    topic, id_ = take_tuple(value, "wanted", 2)
    return _topic(topic), _id(id_)


def _u32(value: Any) -> int:
    return take_int(value, "number", U32_MAX)


def _u64(value: Any) -> int:
    return take_int(value, "hash", U64_MAX)


def _id(value: Any) -> MemberId:
    return MemberId(take_bytes(value, "member id", ULID_SIZE))


def _incarnation(value: Any) -> int:
    return take_int(value, "incarnation", INCARNATION_MAX)
