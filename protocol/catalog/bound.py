"""How large services and checks may be. Texts hold any character; lengths are in characters unless they say bytes."""

from typing import Any

from protocol.error import MalformedMessage

SERVICE_ID_LENGTH_MAX = 255
SERVICE_ID_SIZE_MAX = 480
"""Bytes: a service's id, with what makes it the id of its maintenance, still fits a key."""
SERVICE_NAME_LENGTH_MAX = 255
CHECK_ID_LENGTH_MAX = 320
"""A service's id with what is put around it; likewise the name."""
CHECK_ID_SIZE_MAX = 511
"""Bytes: a fact's key has at most 512."""
CHECK_NAME_LENGTH_MAX = 320
ADDRESS_LENGTH_MAX = 255
TAGS_MAX = 64
TAG_LENGTH_MAX = 128
META_MAX = 64
META_KEY_LENGTH_MAX = 128
META_VALUE_LENGTH_MAX = 512
NOTES_LENGTH_MAX = 512
NOTES_SIZE_MAX = 1_536
"""Bytes of a check's notes that travel: with the longest ids and output beside them a fact has room for them."""
OUTPUT_SIZE_MAX = 512
"""Bytes of a check's output that travel: enough to see what is wrong; the node that runs it shows the rest."""
TAGGED_ADDRESSES_MAX = 16
"""Networks that a service is seen from: Consul's own are lan and wan, each by its kind of IP too."""
TAGGED_ADDRESS_NAME_LENGTH_MAX = 128
FACT_SIZE_MAX = 3_500
"""Bytes of key and value together: a fact has 4,096 with its owner, version and signature."""
PORT_MAX = 65_535
WEIGHT_MAX = 65_535


def take_words(value: Any, what: str, length_max: int, length_min: int = 0) -> str:
    """Accept text of any characters, line breaks too.

    Raises:
        MalformedMessage: no text, or too short or too long.
    """
    if type(value) is not str or not length_min <= len(value) <= length_max:
        raise MalformedMessage(f"{what} is not text of {length_min} to {length_max} characters")
    return value


def take_id(value: str, what: str, length_max: int, size_max: int) -> str:
    """Accept an id.

    Raises:
        MalformedMessage: empty, too long in characters or in bytes, or no Unicode.
    """
    take_words(value, what, length_max, 1)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise MalformedMessage(f"{what} is no Unicode text") from None
    if size > size_max:
        raise MalformedMessage(f"{what} has {size} bytes, at most {size_max}")
    return value
