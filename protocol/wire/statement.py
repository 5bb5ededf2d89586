"""Signed statements: the only things that are ever merged into a member list.

A statement travels, is stored and is compared as its raw bytes:

    signature (64 bytes) || kind (1 byte) || body (one msgpack array)

The signature is Ed25519 over `domain(kind) || cluster id || kind || body`, made and checked in
`protocol.security`; here the bytes are only read. Relays pass the raw bytes on unchanged, so two
statements are the same if and only if their bytes are.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address

from protocol.address import PORT_MAX, Address
from protocol.error import MalformedMessage
from protocol.ulid import ULID_SIZE, MemberId
from protocol.wire.fact import FACT_SIZE_MAX, KIND_FACT, Fact, read_fact
from protocol.wire.field import (
    U63_MAX,
    U64_MAX,
    pack,
    take_bool,
    take_bytes,
    take_int,
    take_text,
    take_tuple,
    unpack,
)

SIGNATURE_SIZE = 64
PUBLIC_KEY_SIZE = 32

KIND_RECORD = 1
KIND_ACCUSATION = 2
KIND_EVICTION = 3
KIND_REVOCATION = 4

RECORD_SIZE_MAX = 640
"""Encoded record with signature: an introduction must fit one datagram beside a ping."""
CLAIM_SIZE_MAX = FACT_SIZE_MAX
"""No statement is larger than a fact may be."""

INCARNATION_MAX = U63_MAX - 1
"""One below the largest, so that "held + 1" always encodes."""
VERSION_MAX = INCARNATION_MAX
"""Of a revocation; for the same reason."""
NAME_LENGTH_MAX = 64
NAME_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,63})\Z")
"""What host names look like; "~" is left free to mark the loser of a name conflict."""
VERSION_LENGTH_MAX = 24
LICENSE_ID_LENGTH_MAX = 64
DISPLAY_NAME_LENGTH_MAX = 128
DISPLAY_NAME_SIZE_MAX = 256
TAG_COUNT_MAX = 32
ARRAY_LENGTH_MAX = 256
"""Above any array of a statement (32 tags are 64 items), so that one with 63 tags is still told so."""
TAG_KEY_LENGTH_MAX = 64
TAG_VALUE_LENGTH_MAX = 255


@dataclass(frozen=True, slots=True)
class Record:
    """A member's own words about itself; the id commits to the key, so nobody else can write it."""

    raw: bytes
    id: MemberId
    public_key: bytes
    name: str
    address: Address
    incarnation: int
    goodbye: bool
    start: int
    """Random 64 bits chosen at each start of the process: tells a restart from an update."""
    protocol_range: tuple[int, int, int]
    """Lowest and highest protocol version spoken, and the one in use."""
    version: str
    license_id: str
    display_name: str
    tags: tuple[tuple[str, str], ...]
    """Sorted by key; the keys `region` and `dc` are the node's own."""


@dataclass(frozen=True, slots=True)
class Accusation:
    """The accuser's signed word that the subject, at this incarnation, did not answer it."""

    raw: bytes
    accuser: MemberId
    subject: MemberId
    incarnation: int


@dataclass(frozen=True, slots=True)
class Eviction:
    """The issuer's signed wish that the subject, once failed, be left; with `prune`, be gone at once."""

    raw: bytes
    issuer: MemberId
    subject: MemberId
    incarnation: int
    prune: bool


@dataclass(frozen=True, slots=True)
class Revocation:
    """The issuer's signed word that an id is out of the cluster, or in again.

    It outlives its issuer's membership, so it carries the issuer's key, to which the issuer's id commits.
    """

    raw: bytes
    issuer: MemberId
    """A member, or the id that the operator's key has (`operator_id`)."""
    issuer_key: bytes
    subject: MemberId
    version: int
    """Unix ms when it was signed, or one more than the word it replaces."""
    revoked: bool
    """False: reinstated."""


MemberStatement = Record | Accusation | Eviction
"""What an entry of the member list is made of."""
Statement = MemberStatement | Revocation | Fact


def statement_subject(statement: Statement) -> MemberId:
    """Tell whom a statement is about."""
    if isinstance(statement, Record):
        return statement.id
    return statement.owner if isinstance(statement, Fact) else statement.subject


def statement_author(statement: Statement) -> MemberId:
    """Tell whose key must have signed a statement."""
    if isinstance(statement, Record):
        return statement.id
    if isinstance(statement, Fact):
        return statement.owner
    return statement.accuser if isinstance(statement, Accusation) else statement.issuer


def statement_digest(statement: Statement) -> bytes:
    """Give the 8 bytes by which ties are broken: BLAKE2b of the raw bytes."""
    return blake2b(statement.raw, digest_size=8).digest()


def encode_record(
    *,
    id: MemberId,
    public_key: bytes,
    name: str,
    address: Address,
    incarnation: int,
    goodbye: bool,
    start: int,
    protocol_range: tuple[int, int, int],
    version: str,
    license_id: str,
    display_name: str,
    tags: dict[str, str],
) -> bytes:
    """Give kind and body of a record, ready to be signed; tags are written in order of their keys."""
    flat_tags = [part for key in sorted(tags) for part in (key, tags[key])]
    body = (
        id, public_key, name, address.packed_host(), address.port, incarnation, goodbye, start,
        protocol_range, version, license_id, display_name, flat_tags,
    )  # fmt: skip
    return bytes((KIND_RECORD,)) + pack(body)


def encode_accusation(accuser: MemberId, subject: MemberId, incarnation: int) -> bytes:
    """Give kind and body of an accusation. No field is free: one accuser has one text per incarnation."""
    return bytes((KIND_ACCUSATION,)) + pack((accuser, subject, incarnation))


def encode_eviction(issuer: MemberId, subject: MemberId, incarnation: int, prune: bool) -> bytes:
    """Give kind and body of an eviction."""
    return bytes((KIND_EVICTION,)) + pack((issuer, subject, incarnation, prune))


def encode_revocation(issuer: MemberId, issuer_key: bytes, subject: MemberId, version: int, revoked: bool) -> bytes:
    """Give kind and body of a revocation."""
    return bytes((KIND_REVOCATION,)) + pack((issuer, issuer_key, subject, version, revoked))


def decode_statement(raw: bytes) -> Statement:
    """Read a statement's bytes without checking its signature.

    Raises:
        MalformedMessage: any field of another type or beyond its bound, or more than 640 bytes (a fact: 4,096).
    """
    kind = raw[SIGNATURE_SIZE] if len(raw) > SIGNATURE_SIZE else 0
    size_max = FACT_SIZE_MAX if kind == KIND_FACT else RECORD_SIZE_MAX
    if not SIGNATURE_SIZE + 2 <= len(raw) <= size_max:
        raise MalformedMessage(f"a statement of {len(raw)} bytes, at most {size_max}")
    body = unpack(raw[SIGNATURE_SIZE + 1 :], ARRAY_LENGTH_MAX)
    if kind == KIND_RECORD:
        return _read_record(raw, body)
    if kind == KIND_ACCUSATION:
        accuser, subject, incarnation = take_tuple(body, "accusation", 3)
        return Accusation(raw, _id(accuser), _id(subject), _incarnation(incarnation))
    if kind == KIND_EVICTION:
        issuer, subject, incarnation, prune = take_tuple(body, "eviction", 4)
        return Eviction(raw, _id(issuer), _id(subject), _incarnation(incarnation), take_bool(prune, "prune"))
    if kind == KIND_REVOCATION:
        return _read_revocation(raw, body)
    if kind == KIND_FACT:
        return read_fact(raw, body)
    raise MalformedMessage(f"statement kind {kind}, known are 1 to 5")


def check_name(name: str) -> str:
    """Accept a member name.

    Raises:
        MalformedMessage: not 1 to 64 of letters, digits, dot, underscore, hyphen, the first one a letter
            or digit.
    """
    if not NAME_PATTERN.match(name):
        raise MalformedMessage(
            f"{name[:80]!r} is no member name: 1 to {NAME_LENGTH_MAX} letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit"
        )
    return name


def check_tags(tags: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Accept tags within their bounds, sorted by key and each key once.

    Raises:
        MalformedMessage: too many, too long, empty key, or out of order.
    """
    if len(tags) > TAG_COUNT_MAX:
        raise MalformedMessage(f"{len(tags)} tags, at most {TAG_COUNT_MAX}")
    previous = ""
    for key, value in tags:
        take_text(key, "tag key", TAG_KEY_LENGTH_MAX)
        take_text(value, f"value of tag {key!r}", TAG_VALUE_LENGTH_MAX)
        if key <= previous:
            raise MalformedMessage("tag keys are empty, repeated or out of order")
        previous = key
    return tags


def check_display_name(name: str) -> str:
    """Accept free text of at most 128 characters and 256 bytes; empty means none.

    Raises:
        MalformedMessage: longer, or with control characters.
    """
    take_text(name, "display name", DISPLAY_NAME_LENGTH_MAX)
    if len(name.encode()) > DISPLAY_NAME_SIZE_MAX:
        raise MalformedMessage(f"display name of over {DISPLAY_NAME_SIZE_MAX} bytes")
    return name


def _read_revocation(raw: bytes, body: object) -> Revocation:
    issuer, issuer_key, subject, version, revoked = take_tuple(body, "revocation", 5)
    if issuer == subject:
        raise MalformedMessage("a revocation by its own subject")
    return Revocation(
        raw,
        _id(issuer),
        take_bytes(issuer_key, "public key", PUBLIC_KEY_SIZE),
        _id(subject),
        take_int(version, "version", VERSION_MAX),
        take_bool(revoked, "revoked"),
    )


def _id(value: object) -> MemberId:
    return MemberId(take_bytes(value, "member id", ULID_SIZE))


def _incarnation(value: object) -> int:
    return take_int(value, "incarnation", INCARNATION_MAX)


def _read_record(raw: bytes, body: object) -> Record:
    (
        id_, public_key, name, host, port, incarnation, goodbye, start,
        protocol_range, version, license_id, display_name, flat_tags,
    ) = take_tuple(body, "record", 13)  # fmt: skip
    if type(name) is not str:
        raise MalformedMessage("name is not text")
    if type(host) is not bytes or len(host) not in (4, 16):
        raise MalformedMessage("address is not 4 or 16 bytes")
    if type(flat_tags) is not tuple or len(flat_tags) % 2:
        raise MalformedMessage("tags are not pairs")
    lowest, highest, current = take_tuple(protocol_range, "protocol range", 3)
    return Record(
        raw=raw,
        id=_id(id_),
        public_key=take_bytes(public_key, "public key", PUBLIC_KEY_SIZE),
        name=check_name(name),
        address=Address(str(ip_address(host)), take_int(port, "port", PORT_MAX, 1)),
        incarnation=_incarnation(incarnation),
        goodbye=take_bool(goodbye, "goodbye"),
        start=take_int(start, "start", U64_MAX),
        protocol_range=(
            take_int(lowest, "lowest version", 255),
            take_int(highest, "highest version", 255),
            take_int(current, "current version", 255),
        ),
        version=take_text(version, "version", VERSION_LENGTH_MAX),
        license_id=take_text(license_id, "license id", LICENSE_ID_LENGTH_MAX),
        display_name=check_display_name(take_text(display_name, "display name", 256)),
        tags=check_tags(
            tuple((_tag_text(k), _tag_text(v)) for k, v in zip(flat_tags[::2], flat_tags[1::2], strict=True))
        ),
    )


def _tag_text(value: object) -> str:
    if type(value) is not str:
        raise MalformedMessage("a tag is not text")
    return value
