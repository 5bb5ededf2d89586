"""What the engine asks its shell to do: values, in the order in which they are to be done."""

from dataclasses import dataclass
from enum import Enum

from protocol.address import Address
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.evidence import Evidence
from protocol.ulid import MemberId
from protocol.wire.fact import Fact
from protocol.wire.message import Packet, StreamMessage, light_value
from protocol.wire.statement import Record, Revocation


@light_value
class Send:
    """Seal the packet for `to` and send it as one datagram; `introduce` first if it may not know us."""

    to: MemberId
    address: Address
    packet: Packet
    introduce: bool = False


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a stream and shake hands; answer with handle_stream_opened or handle_stream_closed."""

    stream: int
    to: MemberId | None
    """Who must answer; None when only an address is known."""
    address: Address
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class StreamVerdict:
    """Go on with a handshake that was proposed, or end it with a reason."""

    stream: int
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class StreamSend:
    """Send a message on an open stream."""

    stream: int
    message: StreamMessage


@dataclass(frozen=True, slots=True)
class StreamClose:
    """Close a stream; the engine has forgotten it already."""

    stream: int


@dataclass(frozen=True, slots=True)
class JoinEnded:
    """A join is over: `peer` was reached and synced with, or `reason` says why not."""

    stream: int
    peer: MemberId | None
    refusal: Refusal | None = None
    reason: str = ""
    datagrams_reach: bool = True
    own_echo: bool = False
    """The address is this node's own."""
    met: MemberId | None = None
    """Who proved itself there, though nothing came of it."""
    was_live: bool = False
    """Whether that one was a live member already when hands were shaken."""


@dataclass(frozen=True, slots=True)
class PersistReserve:
    """Store that incarnations below this one may have been used; the next start begins at it or later."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class PersistPresence:
    """Store whether this node has left of its own will."""

    left: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """A peer as the address book keeps it, longer than the list does."""

    id: MemberId
    public_key: bytes
    name: str
    address: Address
    incarnation: int

    @classmethod
    def of(cls, record: Record) -> "Contact":
        """Keep of a record what it takes to find its author again."""
        return cls(record.id, record.public_key, record.name, record.address, record.incarnation)


@dataclass(frozen=True, slots=True)
class PersistContact:
    """Store a contact, replacing an older one of the same id."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class ForgetContact:
    """Drop a contact from the store."""

    id: MemberId


@dataclass(frozen=True, slots=True)
class RevocationTaken:
    """Store who was put out, or taken in again; drop what is held of a peer that is out."""

    revocation: Revocation


@dataclass(frozen=True, slots=True)
class FactTaken:
    """A member said something new of itself; or, without `fact`, all that it said is gone with it."""

    owner: MemberId
    fact: Fact | None


@dataclass(frozen=True, slots=True)
class Expelled:
    """This node itself was revoked: it has fallen silent, and says nothing more until it is invited or told to join."""

    revocation: Revocation


@dataclass(frozen=True, slots=True)
class SteppedDown:
    """Another newcomer of a smaller id took the license's last seat: this node is leaving."""


class ChangeKind(Enum):
    """What happened to a member; the value is the event's name in logs and streams."""

    JOIN = "member-join"
    SUSPECT = "member-suspect"
    ALIVE = "member-alive"
    FAILED = "member-failed"
    LEAVE = "member-leave"
    RESTART = "member-restart"
    UPDATE = "member-update"
    REAP = "member-reap"
    CONFLICT = "member-conflict"


@dataclass(frozen=True, slots=True)
class Change:
    """What an accepted statement, or a timer, did to the list."""

    kind: ChangeKind
    id: MemberId
    name: str
    """As shown at that moment."""
    address: Address
    incarnation: int
    status: Status
    at: float
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """Tell whoever listens about a change."""

    change: Change


@dataclass(frozen=True, slots=True)
class KeyringReceived:
    """Merge a keyring that a member offered; if that changed ours, call offer_keyring."""

    sender: MemberId
    blob: bytes


@dataclass(frozen=True, slots=True)
class LeaveEnded:
    """The goodbye has been told as well as it can be."""


@dataclass(frozen=True, slots=True)
class StartRaised:
    """Count datagrams anew under this incarnation: peers remember a later start of ours than this one's."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class Cloned:
    """Another process runs with this node's identity: stop, and say so."""

    address: Address


Effect = (
    Send
    | Dial
    | StreamVerdict
    | StreamSend
    | StreamClose
    | JoinEnded
    | PersistReserve
    | PersistPresence
    | PersistContact
    | ForgetContact
    | Changed
    | KeyringReceived
    | LeaveEnded
    | StartRaised
    | RevocationTaken
    | FactTaken
    | Expelled
    | SteppedDown
    | Cloned
)
