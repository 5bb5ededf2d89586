"""Literals: what Go reads out of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.consul.literal import INT_MAX, INT_MIN, parse_integer, unquote


@given(st.integers(INT_MIN, INT_MAX))
def test_integer_is_read_in_every_base(number: int) -> None:
    """Each number of 64 bits is read with each prefix that Go knows, and with a sign."""
    sign, size = "-" if number < 0 else "", abs(number)
    for text in (f"{size}", f"0x{size:x}", f"0X{size:X}", f"0b{size:b}", f"0o{size:o}", f"0{size:o}", f"0x_{size:x}"):
        assert parse_integer(sign + text) == number
    assert parse_integer(f"{sign}{size:_}") == number


@pytest.mark.parametrize(
    "text", ["", "-", "1_", "_1", "1__0", "08", "0x", "0b2", "1.0", "1e3", " 1", "1 ", "\u0661", "0o", "--1"]
)
def test_integer_is_refused(text: str) -> None:
    """What Go does not take is no number."""
    with pytest.raises(ValueError, match=r"^invalid syntax$"):
        parse_integer(text)


@pytest.mark.parametrize("number", [INT_MAX + 1, INT_MIN - 1, 10**300])
def test_integer_beyond_64_bits_is_refused(number: int) -> None:
    """It is out of range."""
    with pytest.raises(ValueError, match=r"^value out of range$"):
        parse_integer(str(number))


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ('""', ""),
        ('"a b"', "a b"),
        (r'"\a\b\f\n\r\t\v\\"', "\a\b\f\n\r\t\v\\"),
        (r'"\x41\101\u0041\U00000041"', "AAAA"),
        (r'"\xc3\xa9\u00e9"', "\u00e9\u00e9"),
        (r'"\ud800"', "\ufffd"),
        (r'"\u00410"', "A0"),
        (r'"\xff"', "\udcff"),
        ("`a\\nb\n\r`", "a\\nb\n"),
    ],
)
def test_text_is_unquoted(literal: str, text: str) -> None:
    """Between double quotes there are escapes, between backquotes none; what is not UTF-8 equals nothing."""
    assert unquote(literal) == text


@pytest.mark.parametrize(
    "literal", [r'"\q"', r'"\'"', r'"\x4"', r'"\u12"', r'"\400"', r'"\8"', r'"\U00110000"', '"\n"', '"\\"']
)
def test_text_is_refused(literal: str) -> None:
    """An escape that Go has not, or that ends too early, and a line break between double quotes."""
    with pytest.raises(ValueError, match=r"^invalid syntax$"):
        unquote(literal)
