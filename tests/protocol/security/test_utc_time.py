"""Times as text: they agree with the standard library's calendar, and whatever is no time is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest
from protocol.security.utc_time import UTC_MS_MAX, format_utc, parse_utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, UTC_MS_MAX))
def test_utc_time_agrees_with_the_standard_calendar(at_ms: int) -> None:
    """Law: it writes what `datetime` writes, and reads back what it wrote."""
    text = format_utc(at_ms)
    moment = EPOCH + timedelta(milliseconds=at_ms)
    spec = "milliseconds" if at_ms % 1000 else "seconds"
    assert text == moment.isoformat(timespec=spec).replace("+00:00", "Z")
    assert parse_utc(text) == at_ms


@given(st.integers(1970, 9999), st.integers(0, 13), st.integers(0, 32))
def test_utc_time_refuses_days_that_do_not_exist(year: int, month: int, day: int) -> None:
    """Law: it takes exactly the days that `datetime` takes."""
    text = f"{year:04d}-{month:02d}-{day:02d}T12:00:00Z"
    try:
        expected = datetime(year, month, day, 12, tzinfo=UTC)
    except ValueError:
        with pytest.raises(ValueError, match="exist"):
            parse_utc(text)
    else:
        assert parse_utc(text) == (expected - EPOCH) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1500),
        ("1970-01-01T00:00:00.001999999Z", 1),
        ("9999-12-31T23:59:59.999Z", UTC_MS_MAX),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
    ],
)
def test_utc_time_reads_fractions(text: str, at_ms: int) -> None:
    """Up to nine digits; those beyond milliseconds are dropped."""
    assert parse_utc(text) == at_ms


@pytest.mark.parametrize(
    "text",
    [
        "", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01 00:00:00Z", "2027-01-01t00:00:00z",
        "2027-01-01T00:00:00+00:00", "2027-01-01T00:00:00.Z", "2027-01-01T00:00:00.1234567890Z",
        "2027-01-01T24:00:00Z", "2027-01-01T23:60:00Z", "2027-06-30T23:59:60Z", "2027-01-01T00:00:00Z\n",
        "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "\u0662027-01-01T00:00:00Z", "12027-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_utc_time_refuses_other_forms(text: str) -> None:
    """One form, one zone, no leap second, nothing before 1970."""
    with pytest.raises(ValueError, match=r"not a|before"):
        parse_utc(text)


@pytest.mark.parametrize("at_ms", [-1, UTC_MS_MAX + 1])
def test_utc_time_writes_only_what_it_reads(at_ms: int) -> None:
    """Beyond four digits of year there is no text."""
    with pytest.raises(InvalidRequest):
        format_utc(at_ms)


@given(st.text(max_size=40))
def test_utc_time_raises_nothing_else(text: str) -> None:
    """Whatever comes, ValueError or a time within bounds."""
    try:
        assert 0 <= parse_utc(text) <= UTC_MS_MAX
    except ValueError as wrong:
        assert str(wrong)
