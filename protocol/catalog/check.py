"""A check that a member has on itself or on one of its services, and how it travels."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Self

from protocol.catalog.bound import (
    CHECK_ID_LENGTH_MAX,
    CHECK_ID_SIZE_MAX,
    CHECK_NAME_LENGTH_MAX,
    FACT_SIZE_MAX,
    NOTES_LENGTH_MAX,
    NOTES_SIZE_MAX,
    OUTPUT_SIZE_MAX,
    SERVICE_ID_LENGTH_MAX,
    take_id,
    take_words,
)
from protocol.error import InvalidRequest, MalformedMessage
from protocol.wire.field import pack, take_int, take_tuple, unpack

_FIELD_COUNT = 6


class CheckStatus(Enum):
    """What a check says. The order is that of the numbers that travel."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


class CheckKind(Enum):
    """How a check comes to its status. The order is that of the numbers that travel."""

    NONE = ""
    """It is set, and not run: maintenance."""
    TTL = "ttl"
    HTTP = "http"
    TCP = "tcp"
    SCRIPT = "script"
    DOCKER = "docker"


_STATUSES = tuple(CheckStatus)
_KINDS = tuple(CheckKind)
_STATUS_NUMBERS = {status: number for number, status in enumerate(_STATUSES)}
_KIND_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one member, as it stands. Ids are unique within a member."""

    id: str
    name: str
    status: CheckStatus = CheckStatus.CRITICAL
    notes: str = ""
    """Of a check of this node all that is kept, of another's at most 512 characters and 1,536 bytes."""
    output: str = ""
    """Of a check of this node all that is kept, of another's at most 512 bytes."""
    service_id: str = ""
    """Empty: it is about the whole node."""
    kind: CheckKind = CheckKind.NONE

    def encode(self) -> bytes:
        """Return the value of its fact, the output and the notes clipped; the id is in the key."""
        output, notes = clip_output(self.output), _clip_notes(self.notes)
        status, kind = _STATUS_NUMBERS[self.status], _KIND_NUMBERS[self.kind]
        return pack((self.name, status, notes, output, self.service_id, kind))

    @classmethod
    def decode(cls, id: str, data: bytes) -> Self:
        """Read the value that stands under the key of a check.

        Raises:
            MalformedMessage: any field of another type or beyond its bound.
        """
        take_id(id, "check id", CHECK_ID_LENGTH_MAX, CHECK_ID_SIZE_MAX)
        if (size := 1 + len(id.encode()) + len(data)) > FACT_SIZE_MAX:
            raise MalformedMessage(f"a check of {size} bytes with its notes, at most {FACT_SIZE_MAX}")
        name, status, notes, output, service_id, kind = take_tuple(unpack(data, _FIELD_COUNT), "check", _FIELD_COUNT)
        take_words(output, "output", OUTPUT_SIZE_MAX)
        if len(output.encode()) > OUTPUT_SIZE_MAX:
            raise MalformedMessage(f"output is not at most {OUTPUT_SIZE_MAX} bytes")
        return cls(
            id,
            take_words(name, "check name", CHECK_NAME_LENGTH_MAX, 1),
            _STATUSES[take_int(status, "check status", len(_STATUSES) - 1)],
            take_words(notes, "notes", NOTES_LENGTH_MAX),
            output,
            take_words(service_id, "service id", SERVICE_ID_LENGTH_MAX),
            _KINDS[take_int(kind, "check kind", len(_KINDS) - 1)],
        )

    @property
    def size_max(self) -> int:
        """Bytes of its value with the longest output that travels."""
        return len(replace(self, output="x" * OUTPUT_SIZE_MAX).encode())

    def checked(self) -> Self:
        """Give it back if it is within all bounds, whatever its output will be.

        Raises:
            InvalidRequest: one sentence, what is out of bounds.
        """
        try:
            self.decode(self.id, replace(self, output="x" * OUTPUT_SIZE_MAX).encode())
        except UnicodeEncodeError:
            raise InvalidRequest("a check with text that is no Unicode") from None
        except MalformedMessage as wrong:
            raise InvalidRequest(f"check {self.id[:CHECK_ID_LENGTH_MAX]!r}: {wrong}") from None
        return self


def clip_output(text: str) -> str:
    """Give the beginning of an output, at most 512 bytes of UTF-8; half a character at the end is left out."""
    return text.encode(errors="replace")[:OUTPUT_SIZE_MAX].decode(errors="ignore")


def _clip_notes(text: str) -> str:
    """Return the beginning of notes, at most 512 characters and 1,536 bytes.

    Raises:
        UnicodeEncodeError: a lone surrogate is in it.
    """
    kept = text[:NOTES_LENGTH_MAX]
    if 4 * len(kept) <= NOTES_SIZE_MAX or len(kept.encode()) <= NOTES_SIZE_MAX:
        return kept
    return kept.encode()[:NOTES_SIZE_MAX].decode(errors="ignore")
