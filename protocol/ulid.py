"""Identifiers that sort by age: 128 bits, 48 of milliseconds and 80 of commitment (the ULID format)."""

from typing import NewType

ULID_SIZE = 16
ULID_TEXT_LENGTH = 26
TIME_SIZE = 6
TIME_MS_MAX = (1 << 48) - 1

MemberId = NewType("MemberId", bytes)
"""16 bytes: creation time in ms, then the first 80 bits of a hash over the public key and that time."""

ClusterId = NewType("ClusterId", bytes)
"""16 bytes, a ULID whose last 80 bits are random."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_VALUES |= {letter.lower(): value for letter, value in _VALUES.items()}


def format_ulid(raw: bytes) -> str:
    """Write 16 bytes as the 26 letters people and programs see."""
    number = int.from_bytes(raw, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def parse_ulid(text: str) -> bytes:
    """Read 26 letters in either case.

    Raises:
        ValueError: another length, a letter outside Crockford's alphabet, or more than 128 bits.
    """
    if len(text) != ULID_TEXT_LENGTH:
        raise ValueError(f"an id has {ULID_TEXT_LENGTH} letters, not {len(text)}")
    number = 0
    for letter in text:
        value = _VALUES.get(letter)
        if value is None:
            raise ValueError(f"{letter!r} is no letter of an id")
        number = number << 5 | value
    if number >> 128:
        raise ValueError("an id has at most 128 bits: its first letter is 0 to 7")
    return number.to_bytes(ULID_SIZE, "big")


def compose_ulid(time_ms: int, tail: bytes) -> bytes:
    """Join a creation time (unix ms, 0 to 2**48 - 1) and 10 bytes of commitment or chance."""
    if len(tail) != ULID_SIZE - TIME_SIZE:
        raise ValueError(f"a tail of {len(tail)} bytes, not {ULID_SIZE - TIME_SIZE}")
    return time_ms.to_bytes(TIME_SIZE, "big") + tail


def ulid_time_ms(raw: bytes) -> int:
    """Tell the creation time that an id claims, unix ms. Claimed by its maker, proven by nobody."""
    return int.from_bytes(raw[:TIME_SIZE], "big")
