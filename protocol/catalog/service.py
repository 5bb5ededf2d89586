"""A service that a member offers, and how it travels."""

from dataclasses import dataclass
from typing import Any, Self

from protocol.catalog.bound import (
    ADDRESS_LENGTH_MAX,
    FACT_SIZE_MAX,
    META_KEY_LENGTH_MAX,
    META_MAX,
    META_VALUE_LENGTH_MAX,
    PORT_MAX,
    SERVICE_ID_LENGTH_MAX,
    SERVICE_ID_SIZE_MAX,
    SERVICE_NAME_LENGTH_MAX,
    TAG_LENGTH_MAX,
    TAGGED_ADDRESS_NAME_LENGTH_MAX,
    TAGGED_ADDRESSES_MAX,
    TAGS_MAX,
    WEIGHT_MAX,
    take_id,
    take_words,
)
from protocol.error import InvalidRequest, MalformedMessage
from protocol.wire.field import pack, take_bool, take_int, take_tuple, unpack

_ARRAY_MAX = max(TAGS_MAX, META_MAX)
_FIELD_COUNT = 8


@dataclass(frozen=True, slots=True)
class Service:
    """A service of one member, as it stands. Ids are unique within a member, names are shared."""

    id: str
    name: str
    tags: tuple[str, ...] = ()
    address: str = ""
    """Empty: the member's."""
    port: int = 0
    """0: none."""
    meta: tuple[tuple[str, str], ...] = ()
    """In order of keys, each once."""
    enable_tag_override: bool = False
    weights: tuple[int, int] = (1, 1)
    """Passing, warning; each 0 to 65,535."""
    tagged_addresses: tuple[tuple[str, str, int], ...] = ()
    """From where, address and port there; in order of the first, each once."""

    def encode(self) -> bytes:
        """Give the value of its fact; the id is in the key."""
        where = (self.address, self.port)
        return pack(
            (self.name, self.tags, *where, self.meta, self.enable_tag_override, self.weights, self.tagged_addresses)
        )

    @classmethod
    def decode(cls, id: str, data: bytes) -> Self:
        """Read the value that stands under the key of a service.

        Raises:
            MalformedMessage: any field of another type or beyond its bound.
        """
        take_id(id, "service id", SERVICE_ID_LENGTH_MAX, SERVICE_ID_SIZE_MAX)
        if (size := 1 + len(id.encode()) + len(data)) > FACT_SIZE_MAX:
            raise MalformedMessage(f"a service of {size} bytes with its tags and meta, at most {FACT_SIZE_MAX}")
        fields = take_tuple(unpack(data, _ARRAY_MAX), "service", _FIELD_COUNT)
        name, tags, address, port, meta, enable_tag_override, weights, tagged_addresses = fields
        passing, warning = take_tuple(weights, "weights", 2)
        return cls(
            id,
            take_words(name, "service name", SERVICE_NAME_LENGTH_MAX, 1),
            _read_tags(tags),
            take_words(address, "address", ADDRESS_LENGTH_MAX),
            take_int(port, "port", PORT_MAX),
            _read_meta(meta),
            take_bool(enable_tag_override, "enable_tag_override"),
            (take_int(passing, "weight", WEIGHT_MAX), take_int(warning, "weight", WEIGHT_MAX)),
            _read_tagged_addresses(tagged_addresses),
        )

    def checked(self) -> Self:
        """Give it back if it is within all bounds.

        Raises:
            InvalidRequest: one sentence, what is out of bounds.
        """
        try:
            return self.decode(self.id, self.encode())
        except UnicodeEncodeError:
            raise InvalidRequest("a service with text that is no Unicode") from None
        except OverflowError:
            raise InvalidRequest("a service with a number that is too large") from None
        except MalformedMessage as wrong:
            raise InvalidRequest(f"service {self.id[:SERVICE_ID_LENGTH_MAX]!r}: {wrong}") from None


def _read_tags(value: Any) -> tuple[str, ...]:
    if type(value) is not tuple or len(value) > TAGS_MAX:
        raise MalformedMessage(f"tags are not an array of at most {TAGS_MAX}")
    return tuple(take_words(tag, "tag", TAG_LENGTH_MAX) for tag in value)


def _read_meta(value: Any) -> tuple[tuple[str, str], ...]:
    if type(value) is not tuple or len(value) > META_MAX:
        raise MalformedMessage(f"meta is not an array of at most {META_MAX}")
    pairs: list[tuple[str, str]] = []
    for pair in value:
        key, text = take_tuple(pair, "meta", 2)
        take_words(key, "meta key", META_KEY_LENGTH_MAX, 1)
        if pairs and key <= pairs[-1][0]:
            raise MalformedMessage("meta keys are not in order, each once")
        pairs.append((key, take_words(text, "meta value", META_VALUE_LENGTH_MAX)))
    return tuple(pairs)


def _read_tagged_addresses(value: Any) -> tuple[tuple[str, str, int], ...]:
    if type(value) is not tuple or len(value) > TAGGED_ADDRESSES_MAX:
        raise MalformedMessage(f"tagged addresses are not an array of at most {TAGGED_ADDRESSES_MAX}")
    found: list[tuple[str, str, int]] = []
    for item in value:
        name, address, port = take_tuple(item, "tagged address", 3)
        take_words(name, "tagged address's name", TAGGED_ADDRESS_NAME_LENGTH_MAX, 1)
        if found and name <= found[-1][0]:
            raise MalformedMessage("tagged addresses are not in order of names, each once")
        take_words(address, "tagged address", ADDRESS_LENGTH_MAX)
        found.append((name, address, take_int(port, "tagged address's port", PORT_MAX)))
    return tuple(found)
