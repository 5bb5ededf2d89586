"""Golden bytes: the wire format of version 1, one example of each kind. They change with a note in PROTOCOL.md."""

from hashlib import blake2b

import pytest

from protocol.ulid import MemberId
from protocol.wire.codec import decode_packet, decode_stream_message, encode_packet, encode_stream_message
from protocol.wire.message import (
    Ack,
    Claim,
    Forgotten,
    Join,
    JoinAnswer,
    KeyringOffer,
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
from tests.protocol.wire.fact_sample import sign_fact, sign_horizon
from tests.protocol.wire.sample import author, open_any

A, B = author(1), author(2)
RECORD = A.record(5, name="n1", tags={"dc": "dc1", "region": "global"})
ID = MemberId(bytes(range(16)))
ID_HEX = "000102030405060708090a0b0c0d0e0f"

STATEMENTS = {
    "record": (
        RECORD.raw[64:],
        "019dc410" "018bcfe5680100000000000000000001" "c420" + "01" * 32 + "a26e31" "c4040a000001" "cd1f0a" "05" "c2"
        "01" "93010101" "a131" "a0" "a0" "94" "a26463" "a3646331" "a6726567696f6e" "a6676c6f62616c",
    ),
    "accusation": (A.accuse(ID, 5).raw[64:], "0293c410" + A.id.hex() + "c410" + ID_HEX + "05"),
    "eviction": (A.evict(ID, 5, prune=True).raw[64:], "0394c410" + A.id.hex() + "c410" + ID_HEX + "05c3"),
    "revocation": (
        A.revoke(ID, 5).raw[64:], "0495c410" + A.id.hex() + "c420" + "01" * 32 + "c410" + ID_HEX + "05c3"
    ),
    "reinstatement": (
        A.revoke(ID, 1_700_000_000_000, revoked=False).raw[64:],
        "0495c410" + A.id.hex() + "c420" + "01" * 32 + "c410" + ID_HEX + "cf0000018bcfe56800" "c2",
    ),
    "fact": (
        sign_fact(A, b"web", 5, b"80").raw[64:], "0594c410" + A.id.hex() + "c403776562" + "05" + "c4023830"
    ),
    "tombstone": (
        sign_fact(A, b"web", 1_700_000_000_000).raw[64:],
        "0594c410" + A.id.hex() + "c403776562" + "cf0000018bcfe56800" + "c400",
    ),
    "horizon": (sign_horizon(A, 5).raw[64:], "0594c410" + A.id.hex() + "c400" + "05" + "c400"),
}  # fmt: skip

PACKETS = {
    "empty": (Packet(), "90"),
    "ping": (Packet((Ping(0x01020304),)), "919201ce01020304"),
    "ack": (Packet((Ack(7, 0xAABBCCDDEEFF0011),)), "91930207cfaabbccddeeff0011"),
    "ping-req": (Packet((PingReq(7, ID, 500),)), "91940307c410" + ID_HEX + "cd01f4"),
    "nack": (Packet((Nack(7),)), "91920407"),
    "forgotten": (Packet((Forgotten(ID, 5),)), "919305c410" + ID_HEX + "05"),
    "keyring offer": (Packet((KeyringOffer(b"\xca\xfe"),)), "919206c402cafe"),
    "no seat": (Packet((NoSeat(ID),)), "919207c410" + ID_HEX),
    "claim": (Packet((), (Claim(A.accuse(B.id)),)), "91c467" + A.accuse(B.id).raw.hex()),
    "claim with age": (Packet((), (Claim(A.accuse(B.id), 90),)), "9192c467" + A.accuse(B.id).raw.hex() + "5a"),
}

STREAM: dict[str, tuple[StreamMessage, str]] = {
    "stream ping": (StreamPing(7), "921007"),
    "stream pong": (StreamPong(7, 8), "93110708"),
    "join": (Join(Claim(RECORD)), "9212c4" + f"{len(RECORD.raw):02x}" + RECORD.raw.hex()),
    "join answer": (JoinAnswer(Claim(RECORD), True), "9313c4" + f"{len(RECORD.raw):02x}" + RECORD.raw.hex() + "c3"),
    "sync root": (SyncRoot(8, bytes(8)), "931408c408" + "00" * 8),
    "sync buckets": (SyncBuckets(bytes(2_048)), "9215c50800" + "00" * 2_048),
    "sync summaries": (
        SyncSummaries(b"\x0f", (Summary(Topic.MEMBER, ID, 5, 9), Summary(Topic.REVOCATION, ID, 6, 7)), True),
        "9416c4010f929400c410" + ID_HEX + "05099401c410" + ID_HEX + "0607c3",
    ),
    "sync summaries of a fact": (
        SyncSummaries(b"", (Summary(Topic.FACT, ID, 5, 9),), False),
        "9416c400919402c410" + ID_HEX + "0509c2",
    ),
    "sync claims of a fact": (
        SyncClaims((Claim(sign_fact(A, b"web", 5, b"80")),), ((Topic.FACT, ID),), (), True),
        "951791c45e" + sign_fact(A, b"web", 5, b"80").raw.hex() + "919202c410" + ID_HEX + "90c3",
    ),
    "sync claims": (
        SyncClaims((Claim(A.accuse(B.id)),), ((Topic.MEMBER, ID), (Topic.REVOCATION, ID)), ((ID, 5, 60),), False),
        "951791c467"
        + A.accuse(B.id).raw.hex()
        + "929200c410"
        + ID_HEX
        + "9201c410"
        + ID_HEX
        + "9193c410"
        + ID_HEX
        + "053cc2",
    ),
    "sync end": (SyncEnd(), "9118"),
    "keyring offer": (KeyringOffer(b"\xca\xfe"), "9206c402cafe"),
}


@pytest.mark.parametrize(("body", "expected"), STATEMENTS.values(), ids=STATEMENTS)
def test_golden_statement(body: bytes, expected: str) -> None:
    """Kind and body, as they are signed."""
    assert body.hex() == expected


@pytest.mark.parametrize(("packet", "expected"), PACKETS.values(), ids=PACKETS)
def test_golden_packet(packet: Packet, expected: str) -> None:
    """What is sealed into a datagram, both ways."""
    assert encode_packet(packet).hex() == expected
    assert decode_packet(bytes.fromhex(expected), open_any) == packet


@pytest.mark.parametrize(("message", "expected"), STREAM.values(), ids=STREAM)
def test_golden_stream_message(message: StreamMessage, expected: str) -> None:
    """What is sealed into a frame, both ways."""
    assert encode_stream_message(message).hex() == expected
    assert decode_stream_message(bytes.fromhex(expected), open_any) == message


def test_golden_sample_does_not_hide_the_signature() -> None:
    """The 64 bytes before the kind are the signature over kind and body."""
    assert RECORD.raw[:64] == blake2b(A.key + RECORD.raw[64:], digest_size=64).digest()
