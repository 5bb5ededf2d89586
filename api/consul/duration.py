"""Durations in a registration, refused in the words of Go's time.ParseDuration."""

import re
from typing import Final

from api.consul.wording import quote
from api.duration import parse_duration

_NUMBER: Final = re.compile(r"[0-9]*\.?[0-9]*")
_UNIT: Final = re.compile(r"[^.0-9]*")
_UNITS: Final = frozenset({"ns", "us", "\u00b5s", "\u03bcs", "ms", "s", "m", "h"})


def read_duration(text: str) -> int:
    """Read "300ms", "1.5h", "1h30m", "-1s" or "0" as whole nanoseconds.

    Raises:
        ValueError: it is none; the text is Go's.
    """
    try:
        return parse_duration(text)
    except ValueError:
        raise ValueError(f"time: {_find_wrong(text)}") from None


def _find_wrong(text: str) -> str:
    """Find what Go finds first from left to right; all else is out of bounds."""
    position = 1 if text[:1] in ("+", "-") else 0
    while position < len(text):
        number = _NUMBER.match(text, position)
        if number is None or number[0] in ("", "."):
            break
        unit = _UNIT.match(text, number.end())
        if unit is None or not unit[0]:
            return f"missing unit in duration {quote(text)}"
        if unit[0] not in _UNITS:
            return f"unknown unit {quote(unit[0])} in duration {quote(text)}"
        position = unit.end()
    return f"invalid duration {quote(text)}"
