"""Facts as bytes: what is read back, what is refused, and what their ids are made of."""

from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import MalformedMessage
from protocol.wire.codec import decode_packet, decode_stream_message, encode_packet, encode_stream_message
from protocol.wire.fact import (
    FACT_KEY_SIZE_MAX,
    FACT_SIZE_MAX,
    FACT_VERSION_MAX,
    KIND_FACT,
    Fact,
    encode_fact,
    fact_id,
)
from protocol.wire.field import pack
from protocol.wire.message import Claim, Packet, SyncClaims
from protocol.wire.statement import decode_statement, statement_author, statement_subject
from tests.protocol.wire.fact_sample import facts, sign_fact
from tests.protocol.wire.sample import ages, author, open_any

ME = author(1)
SIGNATURE = bytes(64)


def read(*fields: Any) -> Fact:
    """Read a fact of any fields."""
    fact = decode_statement(SIGNATURE + bytes((KIND_FACT,)) + pack(fields))
    assert isinstance(fact, Fact)
    return fact


@given(facts())
def test_fact_is_read_back(fact: Fact) -> None:
    """Its bytes hold all that it says; it is about its author, who signed it."""
    assert decode_statement(fact.raw) == fact
    assert fact.raw[64:] == encode_fact(fact.owner, fact.key, fact.version, fact.value)
    assert statement_author(fact) == statement_subject(fact) == fact.owner


@given(facts(), ages)
def test_fact_travels_in_packets_and_in_syncs(fact: Fact, age_s: int) -> None:
    """As any claim."""
    claim = Claim(fact, age_s)
    assert decode_packet(encode_packet(Packet((), (claim,))), open_any).claims == (claim,)
    message = SyncClaims((claim,), (), (), last=True)
    assert decode_stream_message(encode_stream_message(message), open_any) == message


REFUSED: dict[str, tuple[Any, ...]] = {
    "no owner": (b"", b"k", 1, b"v"),
    "an owner of another size": (bytes(15), b"k", 1, b"v"),
    "an owner as text": ("0" * 16, b"k", 1, b"v"),
    "a key as text": (ME.id, "k", 1, b"v"),
    "a key that is too long": (ME.id, bytes(FACT_KEY_SIZE_MAX + 1), 1, b"v"),
    "a horizon with a value": (ME.id, b"", 1, b"v"),
    "a horizon with no bytes for a value": (ME.id, b"", 1, ()),
    "a version below 0": (ME.id, b"k", -1, b"v"),
    "a version too large": (ME.id, b"k", FACT_VERSION_MAX + 1, b"v"),
    "a version that is true": (ME.id, b"k", True, b"v"),
    "a version as text": (ME.id, b"k", "1", b"v"),
    "a value as text": (ME.id, b"k", 1, "v"),
    "a value of nothing": (ME.id, b"k", 1, None),
    "a field too few": (ME.id, b"k", 1),
    "a field too many": (ME.id, b"k", 1, b"v", b""),
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_fact_of_another_shape_is_malformed(fields: tuple[Any, ...]) -> None:
    """Types and bounds of all fields."""
    with pytest.raises(MalformedMessage):
        read(*fields)


@given(st.binary(max_size=300))
def test_fact_body_of_any_bytes_raises_malformed_message_alone(body: bytes) -> None:
    """Whatever stands behind the kind."""
    try:
        decode_statement(SIGNATURE + bytes((KIND_FACT,)) + body)
    except MalformedMessage:
        pass


def test_fact_at_its_bounds_is_read() -> None:
    """The longest key, the largest version, and a value that fills it to the last byte."""
    whole = sign_fact(ME, bytes(FACT_KEY_SIZE_MAX), FACT_VERSION_MAX, bytes(3_000))
    room = FACT_SIZE_MAX - len(whole.raw)
    longest = sign_fact(ME, bytes(FACT_KEY_SIZE_MAX), FACT_VERSION_MAX, bytes(3_000 + room))
    assert len(longest.raw) == FACT_SIZE_MAX
    with pytest.raises(MalformedMessage, match="4097 bytes, at most 4096"):
        sign_fact(ME, bytes(FACT_KEY_SIZE_MAX), FACT_VERSION_MAX, bytes(3_001 + room))


def test_only_facts_may_be_longer_than_records() -> None:
    """The larger bound is theirs alone."""
    raw = sign_fact(ME, b"k", 1, bytes(1_000)).raw
    with pytest.raises(MalformedMessage, match="at most 640"):
        decode_statement(raw[:64] + b"\x01" + raw[65:])


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_fact_id_is_one_for_each_owner_and_key(one: bytes, other: bytes) -> None:
    """16 bytes of BLAKE2b over both."""
    them = author(2)
    expected = blake2b(ME.id + one, digest_size=16, person=b"shoal-fact-id").digest()
    assert fact_id(ME.id, one) == expected
    assert (fact_id(ME.id, one) == fact_id(ME.id, other)) == (one == other)
    assert fact_id(ME.id, one) != fact_id(them.id, one)
