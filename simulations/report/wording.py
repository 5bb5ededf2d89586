"""How numbers, times and foreign text are written on the page."""

import html
import re
from math import floor, isfinite, log10

UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Not allowed in HTML, or turning the direction of the text around it: names come from outside."""
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
DIGITS_MAX = 6
"""After the point; what is smaller is nothing, to a reader."""
ROUNDING = 0.0003
"""By which 9.995, written 10.0, already counts as a number of two digits."""
CLOCK_FROM_S = 600
"""From here on a moment is written h:mm:ss: four digits of seconds say little."""


def printable(text: str) -> str:
    """Put a mark in place of each character that a page must not hold."""
    return UNPRINTABLE.sub("\ufffd", text)


def escape(text: str) -> str:
    """Make foreign text safe inside an element or a quoted attribute."""
    return html.escape(printable(text))


def shorten(text: str, length: int) -> str:
    """Cut a text to at most `length` characters; the cut is seen."""
    return text if len(text) <= length else text[: length - 1] + "\u2026"


def count(number: int, noun: str, plural: str = "") -> str:
    """Write `1 run`, `2,000 runs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def figure(number: float) -> str:
    """Write a number with three digits that matter, never as a power of ten."""
    if not isfinite(number):
        return "unknown"
    size = abs(number)
    digits = 0 if size == 0 else min(max(2 - floor(log10(size) + ROUNDING), 0), DIGITS_MAX)
    return f"{number:,.{digits}f}"


def duration(seconds: float) -> str:
    """Write a length of time in the unit a person would use."""
    for unit_s, name in ((DAY_S, "days"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= 2 * unit_s:
            return f"{figure(seconds / unit_s)} {name}"
    return f"{figure(seconds)} s"


def moment(at: float) -> str:
    """Write a virtual time to the millisecond, as hover texts and lists give it."""
    return f"{at:.3f} s" if at < CLOCK_FROM_S else f"{clock(at)} ({at:.3f} s)"


def clock(at: float) -> str:
    """Write a virtual time as an axis does: seconds at first, then h:mm:ss."""
    if at < CLOCK_FROM_S:
        return f"{round(at, 3):g} s"
    whole = int(at)
    return f"{whole // HOUR_S}:{whole % HOUR_S // MINUTE_S:02}:{whole % MINUTE_S:02}"


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Give a sort key by which n2 comes before n10."""
    parts = re.findall(r"[0-9]{1,15}|[^0-9]+", name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
