"""Durations in Go's syntax."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.duration import SECOND, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("300ms", 300_000_000),
        ("1.5h", 5_400 * SECOND),
        ("1h30m", 5_400 * SECOND),
        (".5s", SECOND // 2),
        ("5.s", 5 * SECOND),
        ("+5s", 5 * SECOND),
        ("-1s", -SECOND),
        ("0", 0),
        ("-0", 0),
        ("120000ms", 120 * SECOND),
        ("1us1\u00b5s1\u03bcs", 3_000),
        ("7ns", 7),
        ("1m1m", 120 * SECOND),
    ],
)
def test_duration_accepted(text: str, expected: int) -> None:
    """What Go's ParseDuration accepts has Go's value."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "+", "15", "1h 5m", "s", ".s", "1d", "1S", "--1s", "1e3s", "5s ", "9" * 30 + "h", "9999999h", "\u0665s"],
)
def test_duration_refused(text: str) -> None:
    """Everything else is a ValueError."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.integers(0, 2_000_000), st.sampled_from([("ms", 10**6), ("s", 10**9), ("m", 60 * 10**9)]))
def test_duration_whole_units(count: int, unit: tuple[str, int]) -> None:
    """A whole count of a unit is that many of it."""
    assert parse_duration(f"{count}{unit[0]}") == count * unit[1]


@given(st.text(max_size=20))
def test_duration_any_text(text: str) -> None:
    """Any text gives a number or a ValueError, nothing else."""
    try:
        assert isinstance(parse_duration(text), int)
    except ValueError:
        pass
