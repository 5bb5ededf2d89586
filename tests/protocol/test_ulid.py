"""Identifiers as bytes and as the 26 letters people see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.ulid import TIME_MS_MAX, compose_ulid, format_ulid, parse_ulid, ulid_time_ms


@given(st.binary(min_size=16, max_size=16))
def test_ulid_text_round_trips_in_either_case(raw: bytes) -> None:
    """What is written is read again, small letters too."""
    assert parse_ulid(format_ulid(raw)) == raw
    assert parse_ulid(format_ulid(raw).lower()) == raw


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_ulid_text_sorts_as_the_bytes(one: bytes, other: bytes) -> None:
    """People who sort the text get the order of age."""
    assert (one < other) == (format_ulid(one) < format_ulid(other))


def test_ulid_known_value_of_the_format() -> None:
    """The example of the ULID specification: its time part."""
    raw = parse_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert ulid_time_ms(raw) == 1_469_922_850_259
    assert format_ulid(raw) == "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.mark.parametrize(
    "text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "U" * 26, "0" * 25 + "I", "0" * 25 + "é", "0" * 25 + "\u0660"]
)
def test_ulid_refuses_what_is_no_id(text: str) -> None:
    """Length, alphabet, and 128 bits."""
    with pytest.raises(ValueError, match="id"):
        parse_ulid(text)


def test_ulid_composes_of_time_and_tail() -> None:
    """The largest time fits; one more, or another tail, does not."""
    assert ulid_time_ms(compose_ulid(TIME_MS_MAX, bytes(10))) == TIME_MS_MAX
    with pytest.raises(OverflowError):
        compose_ulid(TIME_MS_MAX + 1, bytes(10))
    with pytest.raises(ValueError, match="tail"):
        compose_ulid(0, bytes(9))
