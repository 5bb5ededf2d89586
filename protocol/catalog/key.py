"""Under which keys services and checks are told: a letter for the kind, then the id in UTF-8."""

from dataclasses import dataclass
from enum import Enum

from protocol.catalog.bound import (
    CHECK_ID_LENGTH_MAX,
    CHECK_ID_SIZE_MAX,
    SERVICE_ID_LENGTH_MAX,
    SERVICE_ID_SIZE_MAX,
    take_id,
)
from protocol.error import MalformedMessage


class Kind(Enum):
    """What stands under a key."""

    SERVICE = b"s"
    CHECK = b"c"


@dataclass(frozen=True, slots=True)
class CatalogKey:
    """A key, read."""

    kind: Kind
    id: str


def service_key(id: str) -> bytes:
    """Give the key of a service."""
    return Kind.SERVICE.value + id.encode()


def check_key(id: str) -> bytes:
    """Give the key of a check."""
    return Kind.CHECK.value + id.encode()


def read_key(key: bytes) -> CatalogKey | None:
    """Read a member's key; None: something else than a service or a check stands there.

    Raises:
        MalformedMessage: the id is empty, too long, or not UTF-8.
    """
    try:
        kind = Kind(key[:1])
    except ValueError:
        return None
    try:
        id = key[1:].decode()
    except UnicodeDecodeError:
        raise MalformedMessage("an id that is not UTF-8") from None
    if kind is Kind.SERVICE:
        return CatalogKey(kind, take_id(id, "service id", SERVICE_ID_LENGTH_MAX, SERVICE_ID_SIZE_MAX))
    return CatalogKey(kind, take_id(id, "check id", CHECK_ID_LENGTH_MAX, CHECK_ID_SIZE_MAX))
