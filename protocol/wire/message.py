"""What members say to each other: control messages, and claims that carry signed statements.

In memory these are objects; the simulator passes them as they are. `protocol.wire.codec` turns them
into bytes and back.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar, dataclass_transform

from protocol.ulid import MemberId
from protocol.wire.statement import Statement

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def light_value(cls: type[T]) -> type[T]:
    """Make a dataclass that is frozen for the type checker alone, for the values made with each datagram.

    One that is frozen as it runs takes two to four times as long to make: a sixth of all the time of an engine.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


# --- in datagrams -------------------------------------------------------------------------------


@light_value
class Ping:
    """Are you there? `number` (32 random bits) matches the answer."""

    number: int


@light_value
class Ack:
    """I am here; or, from a relay: the one you asked me about is. With the sender's view hash."""

    number: int
    view_hash: int


@dataclass(frozen=True, slots=True)
class PingReq:
    """Ping `target` for me; an answer helps for `budget_ms` more, so a nack must come before that."""

    number: int
    target: MemberId
    budget_ms: int


@dataclass(frozen=True, slots=True)
class Nack:
    """I, the relay, am alive, but your target did not answer me."""

    number: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """To a subject alone: I reaped or pruned you at this incarnation, or hold charges against it. Rise above it."""

    subject: MemberId
    incarnation: int


@dataclass(frozen=True, slots=True)
class NoSeat:
    """To a newcomer: while you joined, this one of a smaller id took the license's last seat. Step down."""

    winner: MemberId


@dataclass(frozen=True, slots=True)
class KeyringOffer:
    """The sender's keyring as `protocol.security.keyring` encodes it; opaque to swim."""

    blob: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A verified statement as a relay passes it on, with the age of what it says.

    `age_s` is how long, by the sender, the subject has been failed or left, or the accusation stood;
    0 for an alive record. It is the sender's word alone; the larger age wins.
    """

    statement: Statement
    age_s: int = 0


Message = Ping | Ack | PingReq | Nack | Forgotten | KeyringOffer | NoSeat


@light_value
class Packet:
    """What one datagram carries. Claims are handled before messages."""

    messages: tuple[Message, ...] = ()
    claims: tuple[Claim, ...] = ()


# --- on streams, after the handshake ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamPing:
    """The last word of a failing probe: does the process answer over a stream?"""

    number: int


@dataclass(frozen=True, slots=True)
class StreamPong:
    """The answer to a StreamPing."""

    number: int
    view_hash: int


@dataclass(frozen=True, slots=True)
class Join:
    """A newcomer, or one that returns, shows its record and asks to be checked by datagram."""

    record: Claim


@dataclass(frozen=True, slots=True)
class JoinAnswer:
    """The responder's record, and whether the newcomer answered a ping at its advertised address."""

    record: Claim
    datagrams_reach: bool


@dataclass(frozen=True, slots=True)
class SyncRoot:
    """Opens a sync: the view hash, and the digest of the keyring (8 bytes each)."""

    view_hash: int
    keyring_digest: bytes


@dataclass(frozen=True, slots=True)
class SyncBuckets:
    """256 sums of 8 bytes, one for each value of an id's last byte, in order (2,048 bytes)."""

    sums: bytes


class Topic(IntEnum):
    """What a line of a sync's listing is about."""

    MEMBER = 0
    """A member's entry; its version is the record's incarnation."""
    REVOCATION = 1
    """What is signed about an id's being out or in."""
    FACT = 2
    """What a member says of itself under a key; the id is made of both (`fact_id`)."""


SyncKey = tuple[Topic, MemberId]


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a sync's listing."""

    topic: Topic
    id: MemberId
    version: int
    mark: int
    """Its share of the view hash: equal marks, equal content."""


@dataclass(frozen=True, slots=True)
class SyncSummaries:
    """What the sender holds in some buckets. `last` ends the listing; `buckets` are those it covers."""

    buckets: bytes
    summaries: tuple[Summary, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class SyncClaims:
    """Statements the other side lacks, what is wanted in return, and ages of what was forgotten here."""

    claims: tuple[Claim, ...]
    wanted: tuple[SyncKey, ...]
    forgotten: tuple[tuple[MemberId, int, int], ...]
    """(id, incarnation, age in s): reaped or pruned here at that incarnation."""
    last: bool


@dataclass(frozen=True, slots=True)
class SyncEnd:
    """Nothing more to say; both sides close."""


StreamMessage = (
    StreamPing
    | StreamPong
    | Join
    | JoinAnswer
    | SyncRoot
    | SyncBuckets
    | SyncSummaries
    | SyncClaims
    | SyncEnd
    | KeyringOffer
)
