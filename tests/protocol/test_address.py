"""Addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.address import Address, parse_address, split_host_port


@given(st.ip_addresses(), st.integers(0, 65_535))
def test_address_text_round_trips(host: object, port: int) -> None:
    """Defect 17: IPv6 gets its brackets, and is read again with them."""
    address = Address(str(host), port)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1:7", ("10.0.0.1", 7)),
        ("[fd00::1]:7", ("fd00::1", 7)),
        ("fd00::1", ("fd00::1", 99)),
        ("[fd00::1]", ("fd00::1", 99)),
        (" db.example:0 ", ("db.example", 0)),
        ("db.example", ("db.example", 99)),
    ],
)
def test_address_splits_host_and_port(text: str, expected: tuple[str, int]) -> None:
    """A port, or the default; a bare IPv6 address is not cut at its last colon."""
    assert split_host_port(text, 99) == expected


@pytest.mark.parametrize(
    "text",
    ["", ":7", "h:65536", "h:00000000099999",
     "h:000007", "h:-1", "h:+1", "h:x", "h:\u0661", "[fd00::1", "[fd00::1]7", "a b:7", "http://h:7", "h:7/x",
     "h:" + "9" * 5000],
)  # fmt: skip
def test_address_refuses_what_is_none(text: str) -> None:
    """One clear ValueError, whatever was given."""
    with pytest.raises(ValueError, match=r"host|port|address"):
        split_host_port(text, 99)


def test_address_wants_a_port_or_a_default() -> None:
    """Without a default the port is not guessed."""
    with pytest.raises(ValueError, match="no port"):
        split_host_port("h")


def test_address_parse_refuses_a_dns_name() -> None:
    """Only an IP address is an Address."""
    with pytest.raises(ValueError, match="example"):
        parse_address("db.example:7")


def test_address_packs_both_families() -> None:
    """4 bytes or 16."""
    assert Address("10.0.0.1", 7).packed_host() == b"\x0a\x00\x00\x01"
    assert len(Address("::1", 7).packed_host()) == 16
