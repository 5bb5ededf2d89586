"""Moments as JSON has them: RFC 3339 in UTC."""

from datetime import UTC, datetime
from typing import Final, Literal

LAST_MOMENT: Final = 253_402_300_799.0
"""The end of the year 9999, the last there is a date for: an id can claim a later one, and is shown with this."""


def format_moment(at: float) -> str:
    """Write unix seconds with milliseconds: 2026-11-21T02:28:23.369Z."""
    return _format(at, "milliseconds")


def format_second(at: float) -> str:
    """Write unix seconds in whole seconds, as the Peers API does: 2026-11-21T02:28:23Z."""
    return _format(at, "seconds")


def _format(at: float, timespec: Literal["milliseconds", "seconds"]) -> str:
    moment = datetime.fromtimestamp(min(max(0.0, at), LAST_MOMENT), UTC)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
