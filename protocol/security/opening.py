"""What became of a datagram that came: opened, or dropped for a reason that is counted."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from protocol.ulid import MemberId
from protocol.wire.statement import Record


class DropReason(Enum):
    """Why a datagram was dropped; the value is the label of the counter."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    VERSION = "version"
    OWN_ECHO = "own_echo"
    """Claims to come from ourselves: reflected, or sent by a clone."""
    MUTED = "muted"
    REVOKED = "revoked"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_SENDER = "unknown_sender"
    NOT_OPENED = "not_opened"
    """Forged, damaged, meant for another, or of another cluster with the same key."""
    REPLAYED = "replayed"
    INTRODUCTION_BUDGET = "introduction_budget"
    BAD_SIGNATURE = "bad_signature"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A datagram that says nothing to us."""

    reason: DropReason


class Opened(NamedTuple):
    """An authentic, new datagram.

    A named tuple: one is made per packet, at a third of a frozen dataclass's cost.
    """

    sender: MemberId
    payload: bytes
    introduction: Record | None
    """The sender's verified record, when it introduced itself."""
    newest_key_id: bytes


DROPPED = {reason: Dropped(reason) for reason in DropReason}
"""One object for each reason: nothing is made for what is dropped."""
