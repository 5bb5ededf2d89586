"""MessagePack in and out, and the checks that every field off the wire goes through.

`unpack` and the `take_*` functions raise only MalformedMessage.
"""

from collections.abc import Callable
from typing import Any

import msgpack

from protocol.error import MalformedMessage

U32_MAX = (1 << 32) - 1
U63_MAX = (1 << 63) - 1
"""Largest counter or incarnation: fits SQLite's signed integer."""
U64_MAX = (1 << 64) - 1

ARRAY_MAX = 4_096
"""Longest array in one message: a sync frame of 64 KiB holds at most some 3,000 ids."""


PACK_BUFFER_SIZE = 4_096
"""Bytes held for what is packed next; it grows with the longest message. msgpack's own choice is 256 KiB."""

pack: Callable[[object], bytes] = msgpack.Packer(use_bin_type=True, buf_size=PACK_BUFFER_SIZE).pack
"""Encode lists, tuples, ints, bools, str and bytes; the same value always gives the same bytes.

One packer for all, for to make one costs as much as to pack a ping; a value that it cannot encode leaves it empty.
"""


def unpack(data: bytes, array_max: int = ARRAY_MAX) -> Any:
    """Decode one value that fills `data` exactly; arrays come as tuples, of at most `array_max` items.

    The head of an array costs memory for all items it promises, before any is there: 1,400 bytes of heads
    that promise 4,096 each cost 15 MB. So whoever knows a smaller bound gives it.

    Raises:
        MalformedMessage: whatever is wrong with the bytes; maps and extension types are refused.
    """
    size = len(data)
    try:
        return msgpack.unpackb(
            data,
            use_list=False,
            raw=False,
            max_str_len=size,
            max_bin_len=size,
            max_array_len=array_max,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as wrong:
        raise MalformedMessage(f"not one bounded msgpack value: {wrong}") from None


def take_tuple(value: Any, what: str, size: int) -> tuple[Any, ...]:
    """Accept an array of exactly `size` items."""
    if type(value) is not tuple or len(value) != size:
        raise MalformedMessage(f"{what} is not an array of {size}")
    return value


def take_int(value: Any, what: str, largest: int, smallest: int = 0) -> int:
    """Accept a whole number within bounds; a bool is none."""
    if type(value) is not int or not smallest <= value <= largest:
        raise MalformedMessage(f"{what} is not a whole number of {smallest} to {largest}")
    return value


def take_bool(value: Any, what: str) -> bool:
    """Accept true or false and nothing that resembles them."""
    if type(value) is not bool:
        raise MalformedMessage(f"{what} is not true or false")
    return value


def take_bytes(value: Any, what: str, size: int) -> bytes:
    """Accept exactly `size` bytes."""
    if type(value) is not bytes or len(value) != size:
        raise MalformedMessage(f"{what} is not {size} bytes")
    return value


def take_blob(value: Any, what: str, size_max: int) -> bytes:
    """Accept at most `size_max` bytes."""
    if type(value) is not bytes or len(value) > size_max:
        raise MalformedMessage(f"{what} is not at most {size_max} bytes")
    return value


def take_text(value: Any, what: str, length_max: int) -> str:
    """Accept text of at most `length_max` characters with no control character in it."""
    if type(value) is not str or len(value) > length_max:
        raise MalformedMessage(f"{what} is not text of at most {length_max} characters")
    if not value.isprintable():
        raise MalformedMessage(f"{what} has a character that cannot be printed")
    return value
