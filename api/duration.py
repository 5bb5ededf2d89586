"""Durations as Go writes them, which is what Nomad's and Consul's clients send."""

import re
from typing import Final

NANOSECOND: Final = 1
SECOND: Final = 1_000_000_000

_UNITS: Final = {
    "ns": NANOSECOND,
    "us": 1_000,
    "\u00b5s": 1_000,  # micro sign
    "\u03bcs": 1_000,  # Greek letter mu
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3_600 * SECOND,
}
DURATION_MAX: Final = (1 << 63) - 1
"""Go's int64 of nanoseconds, some 292 years."""
TEXT_LENGTH_MAX: Final = 64
"""Longer than any duration a client writes; keeps whole-number arithmetic small."""

_PART: Final = re.compile("([0-9]*)(?:\\.([0-9]*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")


def parse_duration(text: str) -> int:
    """Read "300ms", "1.5h", "1h30m", ".5s", "+5s", "-1s" or "0"; give whole nanoseconds, cut towards zero.

    Follows Go's time.ParseDuration.

    Raises:
        ValueError: no unit, an unknown one, a space, or beyond 64 bits.
    """
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest or len(text) > TEXT_LENGTH_MAX:
        raise ValueError(f"{text[:TEXT_LENGTH_MAX]!a} is no duration: write 300ms, 1.5h or 1h30m")
    total = 0
    position = 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None or not (part[1] or part[2]):
            raise ValueError(f"{text!a} is no duration: write 300ms, 1.5h or 1h30m")
        whole, fraction, unit = part[1] or "0", part[2] or "", _UNITS[part[3]]
        total += int(whole) * unit + int(fraction or "0") * unit // 10 ** len(fraction)
        position = part.end()
    if total > DURATION_MAX:
        raise ValueError(f"{text!a} is longer than any duration")
    return -total if text.startswith("-") else total
