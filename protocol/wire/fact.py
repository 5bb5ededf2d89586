"""Facts: what a member says of itself under a key - a service it offers, a check's status, where it stands.

A fact is a signed statement like a record (`protocol.wire.statement`), written by its owner alone. What keys and values
mean is for those who write and read them: here they are bytes.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from protocol.error import MalformedMessage
from protocol.ulid import ULID_SIZE, MemberId
from protocol.wire.field import U63_MAX, pack, take_blob, take_bytes, take_int, take_tuple

KIND_FACT = 5
FACT_SIZE_MAX = 4_096
"""Encoded fact with signature: a service with its tags and notes takes some hundred bytes, a large one 2 KiB."""
FACT_KEY_SIZE_MAX = 512
"""A letter for the kind, and an id of up to 255 characters."""
FACT_VERSION_MAX = U63_MAX - 1
HORIZON_KEY = b""
"""Below the version of the fact under this key all of the owner's facts are gone."""

FactId = MemberId
"""16 bytes that name an owner's key, as ids name members: listings and buckets treat both alike."""
_ID_PERSON = b"shoal-fact-id"


@dataclass(frozen=True, slots=True)
class Fact:
    """The owner's signed word that under `key` stands `value`, or nothing any more."""

    raw: bytes
    owner: MemberId
    key: bytes
    version: int
    """Unix ms when it was written, or one more than the owner's fact before; of one owner no two are equal."""
    value: bytes
    """Empty: nothing stands there any more (a tombstone)."""


def fact_id(owner: MemberId, key: bytes) -> FactId:
    """Give the 16 bytes that name an owner's key."""
    return FactId(blake2b(owner + key, digest_size=ULID_SIZE, person=_ID_PERSON).digest())


def encode_fact(owner: MemberId, key: bytes, version: int, value: bytes) -> bytes:
    """Give kind and body of a fact."""
    return bytes((KIND_FACT,)) + pack((owner, key, version, value))


def read_fact(raw: bytes, body: Any) -> Fact:
    """Read a fact's body.

    Raises:
        MalformedMessage: any field of another type or beyond its bound.
    """
    owner, key, version, value = take_tuple(body, "fact", 4)
    if key == HORIZON_KEY and value:
        raise MalformedMessage("a horizon with a value")
    return Fact(
        raw,
        MemberId(take_bytes(owner, "member id", ULID_SIZE)),
        take_blob(key, "key", FACT_KEY_SIZE_MAX),
        take_int(version, "version", FACT_VERSION_MAX),
        take_blob(value, "value", FACT_SIZE_MAX),
    )
