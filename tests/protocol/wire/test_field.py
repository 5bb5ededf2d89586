"""MessagePack in and out: strict, and cheap to refuse."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import MalformedMessage
from protocol.wire.codec import decode_packet
from protocol.wire.field import ARRAY_MAX, pack, take_bool, take_int, take_text, unpack
from protocol.wire.statement import decode_statement

values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.text(), st.binary()),
    lambda inner: st.lists(inner, max_size=5).map(tuple),
    max_leaves=20,
)


@given(values)
def test_field_round_trips(value: object) -> None:
    """Arrays come back as tuples."""
    assert unpack(pack(value)) == value


@given(st.binary(max_size=200))
def test_field_unpack_raises_only_malformed(data: bytes) -> None:
    """On any bytes."""
    try:
        unpack(data)
    except MalformedMessage:
        pass


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x01\x01", b"\x81\x01\x02", b"\xd4\x05\x00", b"\xd6\xff" + bytes(4), b"\xa1\xff", b"\x92\x01",
     b"\xdc\xff\xff", b"\x91" * 100_000],
    ids=["nothing", "no value", "two values", "map", "extension", "timestamp", "UTF-8", "cut short", "array", "deep"],
)  # fmt: skip
def test_field_unpack_refuses(data: bytes) -> None:
    """One value that fills the bytes, and no map or extension."""
    with pytest.raises(MalformedMessage):
        unpack(data)


def test_field_unpack_takes_the_longest_array_and_no_longer() -> None:
    """4,096 items."""
    assert len(unpack(pack((1,) * ARRAY_MAX))) == ARRAY_MAX
    with pytest.raises(MalformedMessage):
        unpack(pack((1,) * (ARRAY_MAX + 1)))


@pytest.mark.parametrize("head", [b"\xdc\x10\x00", b"\xdc\x00\x40"], ids=["4,096", "64"])
def test_field_nested_promises_in_a_datagram_cost_little_memory(head: bytes) -> None:
    """1,400 bytes of array heads, each promising items that cannot be there (15 MB, were it not bounded)."""
    hollow = head * 460
    tracemalloc.start()
    with pytest.raises(MalformedMessage):
        decode_packet(hollow, decode_statement)
    with pytest.raises(MalformedMessage):
        decode_statement(bytes(64) + b"\x01" + hollow[:570])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("wrong", [object(), [1, [b"x" * 10_000, 1 << 64]]], ids=["type", "number"])
def test_field_pack_leaves_nothing_of_what_it_refused(wrong: object) -> None:
    """There is one packer: what it had written by then does not stand before the next value."""
    with pytest.raises((TypeError, OverflowError)):
        pack(wrong)
    assert unpack(pack((1, "two"))) == (1, "two")


def test_field_takes_no_bool_for_a_number_nor_the_reverse() -> None:
    """True is not 1 here."""
    with pytest.raises(MalformedMessage):
        take_int(True, "x", 5)
    with pytest.raises(MalformedMessage):
        take_bool(1, "x")


@pytest.mark.parametrize("text", ["a\x00", "a\nb", "\u202e", "\ud800", "x" * 6, b"x", None])
def test_field_text_is_printable_and_bounded(text: object) -> None:
    """No control character, no direction mark, no half of a pair."""
    with pytest.raises(MalformedMessage):
        take_text(text, "x", 5)
