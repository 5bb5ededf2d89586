"""Times as text: RFC 3339 in UTC with a Z, from 1970 to 9999, whole milliseconds.

Written with a `T`, a `Z` and, where they are not zero, three digits of milliseconds. Read with up to nine digits
of a second, of which those beyond the third are dropped. Leap seconds are not taken: unix time has none.
"""

import re
from typing import Final

from protocol.error import InvalidRequest

SECOND_MS: Final = 1_000
DAY_S: Final = 86_400
UTC_MS_MAX: Final = 253_402_300_799_999
"""The last millisecond of 9999."""

_PATTERN = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?Z\Z"
)
_SHOWN_MAX = 40
_ERA_DAYS = 146_097
"""Days of 400 years, after which the calendar repeats."""
_EPOCH_DAYS = 719_468
"""Days from 0000-03-01 to 1970-01-01: years that begin in March have their leap day at the end."""


def parse_utc(text: str) -> int:
    """Read a time; unix ms.

    Raises:
        ValueError: another form, no such day or time, or before 1970.
    """
    found = _PATTERN.match(text)
    if found is None:
        raise ValueError(f"{text[:_SHOWN_MAX]!r} is not a time in UTC such as 2027-01-01T00:00:00Z")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        raise ValueError(f"{text!r} is not a time that exists")
    days = _days_from_civil(year, month, day)
    if _civil_from_days(days) != (year, month, day):
        raise ValueError(f"{text!r} is not a day that exists")
    if days < 0:
        raise ValueError(f"{text!r} is before 1970")
    milliseconds = int((found["fraction"] or "0").ljust(3, "0")[:3])
    return (days * DAY_S + hour * 3_600 + minute * 60 + second) * SECOND_MS + milliseconds


def format_utc(at_ms: int) -> str:
    """Write unix ms, such as 2027-01-01T00:00:00Z.

    Raises:
        InvalidRequest: before 1970 or after 9999.
    """
    if not 0 <= at_ms <= UTC_MS_MAX:
        raise InvalidRequest(f"{at_ms} ms is not a time from 1970 to 9999")
    seconds, milliseconds = divmod(at_ms, SECOND_MS)
    days, of_day = divmod(seconds, DAY_S)
    year, month, day = _civil_from_days(days)
    fraction = f".{milliseconds:03d}" if milliseconds else ""
    clock = f"{of_day // 3_600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}"
    return f"{year:04d}-{month:02d}-{day:02d}T{clock}{fraction}Z"


def _days_from_civil(year: int, month: int, day: int) -> int:
    """Count the days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms")."""
    year -= month <= 2
    of_era = year % 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year // 400 * _ERA_DAYS + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _EPOCH_DAYS


def _civil_from_days(days: int) -> tuple[int, int, int]:
    """Give year, month and day of a count of days since 1970-01-01; the inverse of `_days_from_civil`."""
    era, of_era = divmod(days + _EPOCH_DAYS, _ERA_DAYS)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    march = (5 * of_year + 2) // 153
    day = of_year - (153 * march + 2) // 5 + 1
    month = march + 3 if march < 10 else march - 9
    return year + era * 400 + (month <= 2), month, day
