"""Literals as Go reads them: text in quotes, and whole numbers with a prefix for their base."""

import re
from typing import Final

INT_MIN: Final = -(1 << 63)
INT_MAX: Final = (1 << 63) - 1
CODE_POINT_MAX: Final = 0x10FFFF
SURROGATES: Final = range(0xD800, 0xE000)
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

INVALID: Final = "invalid syntax"
OUT_OF_RANGE: Final = "value out of range"

_PLAIN_ESCAPES: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}
_DIGIT_COUNTS: Final = {"x": 2, "u": 4, "U": 8}
_PIECE: Final = re.compile(
    r"""\\(?P<plain>[abfnrtv\\"]) | \\(?P<kind>[xuU])(?P<hex>[0-9a-fA-F]*) | \\(?P<octal>[0-7]{3}) | (?P<text>[^\\"\n]+)
    """,
    re.VERBOSE,
)
_INTEGER: Final = re.compile(
    r"""(?P<sign>[+-]?)
    (?: 0[xX](?P<x>(?:_?[0-9a-fA-F])+) | 0[bB](?P<b>(?:_?[01])+) | 0[oO](?P<o>(?:_?[0-7])+)
      | 0(?P<zero>(?:_?[0-7])*) | (?P<decimal>[1-9](?:_?[0-9])*) )""",
    re.VERBOSE,
)
_BASES: Final = {"x": 16, "b": 2, "o": 8, "zero": 8, "decimal": 10}


def unquote(literal: str) -> str:
    """Read a text with its quotes, "..." with escapes or `...` without; bytes that are no UTF-8 become lone surrogates.

    Raises:
        ValueError: an escape that there is not, or a line break between double quotes.
    """
    inner = literal[1:-1]
    if literal[0] == "`":
        return inner.replace("\r", "")
    data = bytearray()
    position = 0
    while position < len(inner):
        found = _PIECE.match(inner, position)
        if found is None:
            raise ValueError(INVALID)
        position = _unescape(found, data)
    return data.decode(errors="surrogateescape")


def _unescape(found: re.Match[str], data: bytearray) -> int:
    """Add a piece's bytes; return where it ends."""
    if found["text"]:
        data += found["text"].encode()
    elif found["plain"]:
        data.append(_PLAIN_ESCAPES[found["plain"]])
    elif found["octal"]:
        code = int(found["octal"], 8)
        if code > 0xFF:
            raise ValueError(INVALID)
        data.append(code)
    else:
        count = _DIGIT_COUNTS[found["kind"]]
        digits = found["hex"][:count]
        if len(digits) < count or int(digits, 16) > CODE_POINT_MAX:
            raise ValueError(INVALID)
        code = int(digits, 16)
        if found["kind"] == "x":
            data.append(code)
        else:
            data += (REPLACEMENT if code in SURROGATES else chr(code)).encode()
        return found.start("hex") + count
    return found.end()


def parse_integer(text: str) -> int:
    """Read a whole number of 64 bits with its sign: decimal, 0x, 0b, 0o, or 0 before octal digits; `_` between digits.

    Raises:
        ValueError: it is none, or too large, in the words of Go's ParseInt.
    """
    found = _INTEGER.fullmatch(text)
    if found is None or found.lastgroup is None:
        raise ValueError(INVALID)
    digits = found[found.lastgroup].replace("_", "") or "0"
    number = int(found["sign"] + digits, _BASES[found.lastgroup])
    if not INT_MIN <= number <= INT_MAX:
        raise ValueError(OUT_OF_RANGE)
    return number
