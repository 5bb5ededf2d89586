"""Statements as bytes: what is read is what was written, and every bound holds."""

from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import MalformedMessage
from protocol.wire.statement import (
    INCARNATION_MAX,
    RECORD_SIZE_MAX,
    VERSION_MAX,
    Statement,
    decode_statement,
    statement_author,
    statement_subject,
)
from tests.protocol.wire.sample import author, statements

A, B = author(1), author(2)
FIELDS = (
    A.id, A.key, "n1", b"\x0a\x00\x00\x01", 7946, 5, False, 1, (1, 1, 1), "1", "", "", ("k", "v"),
)  # fmt: skip


def raw_record(**changes: Any) -> bytes:
    """Encode a record with some fields replaced, by place."""
    fields: list[Any] = list(FIELDS)
    for place, value in changes.items():
        fields[int(place[1:])] = value
    return bytes(64) + b"\x01" + bytes(msgpack.packb(fields, use_bin_type=True))


@given(statements)
def test_statement_round_trips(statement: Statement) -> None:
    """Decoding the raw bytes gives the same value."""
    assert decode_statement(statement.raw) == statement


def test_statement_tells_subject_and_author() -> None:
    """A record is by its subject; the others have an author of their own."""
    assert statement_subject(A.record()) == statement_author(A.record()) == A.id
    for statement in (A.accuse(B.id), A.evict(B.id), A.revoke(B.id)):
        assert statement_author(statement) == A.id
        assert statement_subject(statement) == B.id


def test_statement_the_sample_of_the_bounds_is_itself_valid() -> None:
    """Else the table below would prove nothing."""
    assert decode_statement(raw_record())


@pytest.mark.parametrize(
    "changes",
    [
        {"f0": b"short"}, {"f0": "x" * 16}, {"f1": bytes(31)}, {"f2": ""}, {"f2": "-a"}, {"f2": "a~b"},
        {"f2": "a" * 65}, {"f2": b"n1"}, {"f2": "a\n"}, {"f2": "é"}, {"f3": bytes(5)}, {"f3": "10.0.0.1"}, {"f4": 0},
        {"f4": 65_536}, {"f4": True}, {"f5": -1}, {"f5": INCARNATION_MAX + 1}, {"f5": 1.0}, {"f5": float("nan")},
        {"f6": 0},
        {"f6": None}, {"f7": -1}, {"f8": (1, 1)}, {"f8": (1, 1, 256)}, {"f8": 1}, {"f9": "v" * 25},
        {"f10": "l" * 65}, {"f10": "a\x00"}, {"f11": "d" * 129}, {"f11": "é" * 129}, {"f11": "\u202e"},
        {"f12": ("k",)}, {"f12": ("", "v")}, {"f12": ("b", "1", "a", "2")}, {"f12": ("a", "1", "a", "2")},
        {"f12": ("k" * 65, "v")}, {"f12": ("k", "v" * 256)}, {"f12": ("k", 1)}, {"f12": {"k": "v"}},
        {"f12": tuple(part for i in range(63) for part in (f"{i:02}", ""))}, {"f12": ("k", "a\nb")},
    ],
)  # fmt: skip
def test_statement_refuses_a_record_out_of_bounds(changes: dict[str, Any]) -> None:
    """Each field of another type, or one beyond its bound (defect 19)."""
    with pytest.raises(MalformedMessage):
        decode_statement(raw_record(**changes))


def test_statement_error_names_found_and_allowed() -> None:
    """63 tags, at most 32."""
    tags = tuple(part for i in range(63) for part in (f"{i:02}", ""))
    with pytest.raises(MalformedMessage, match="63 tags, at most 32"):
        decode_statement(raw_record(f12=tags))


def test_statement_of_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    """640 bytes, with signature."""
    spare = RECORD_SIZE_MAX - len(raw_record(f12=("a" * 33, "v" * 200, "b" * 33, "v" * 100)))
    exact = raw_record(f12=("a" * 33, "v" * 200, "b" * 33, "v" * (100 + spare)))
    assert len(exact) == RECORD_SIZE_MAX
    assert decode_statement(exact)
    with pytest.raises(MalformedMessage, match="640"):
        decode_statement(raw_record(f12=("a" * 33, "v" * 201, "b" * 33, "v" * (100 + spare))))


@pytest.mark.parametrize(
    "tail",
    [
        b"", b"\x01", b"\x01\xc0", b"\x04\x90", b"\x05\x90", b"\x00\x90", b"\x02\x90", b"\x03\x93\x01\x02\x03",
        b"\x02\xc1",
        b"\x02" + b"\x91" * 500, b"\x02\xdd\xff\xff\xff\xff", b"\x02\xdb\xff\xff\xff\xff", b"\x02\x81\x01\x02",
        b"\x02\x80", b"\x02\xc7\x00\x05", b"\x02\xd6\xff\x00\x00\x00\x00", b"\x02\xa2\xff\xfe", b"\x02\x90\x90",
    ],
)  # fmt: skip
def test_statement_refuses_what_is_no_statement(tail: bytes) -> None:
    """Unknown kinds, short bodies, deep nesting, huge lengths, maps, extensions, bad UTF-8, bytes left over."""
    with pytest.raises(MalformedMessage):
        decode_statement(bytes(64) + tail)


def raw_revocation(*fields: Any) -> bytes:
    """Encode a revocation of any fields."""
    return bytes(64) + b"\x04" + bytes(msgpack.packb(fields, use_bin_type=True))


def test_statement_the_sample_of_a_revocation_is_itself_valid() -> None:
    """Else the table below would prove nothing."""
    assert decode_statement(raw_revocation(A.id, A.key, B.id, VERSION_MAX, True))


@pytest.mark.parametrize(
    "fields",
    [
        (A.id, A.key, B.id, 5), (A.id, A.key, B.id, 5, True, 1), (A.id[1:], A.key, B.id, 5, True),
        (A.id, A.key[1:], B.id, 5, True), (A.id, A.key, B.id + b"x", 5, True), (A.id, "k" * 32, B.id, 5, True),
        (A.id, A.key, B.id, -1, True), (A.id, A.key, B.id, VERSION_MAX + 1, True), (A.id, A.key, B.id, True, True),
        (A.id, A.key, B.id, 5.0, True), (A.id, A.key, B.id, 5, 1), (A.id, A.key, B.id, 5, None),
        (A.id, None, B.id, 5, True),
    ],
)  # fmt: skip
def test_statement_refuses_a_revocation_out_of_bounds(fields: tuple[Any, ...]) -> None:
    """Each field of another type or size, one beyond its bound, one missing or one more."""
    with pytest.raises(MalformedMessage):
        decode_statement(raw_revocation(*fields))


@pytest.mark.parametrize("revoked", [True, False])
def test_statement_refuses_a_revocation_by_its_own_subject(revoked: bool) -> None:
    """Nobody puts itself out, and nobody takes itself in again."""
    with pytest.raises(MalformedMessage, match="own subject"):
        decode_statement(raw_revocation(A.id, A.key, A.id, 5, revoked))


@given(st.binary(max_size=700))
def test_statement_decoder_raises_only_malformed_on_any_bytes(raw: bytes) -> None:
    """Nothing else comes out of it."""
    try:
        decode_statement(raw)
    except MalformedMessage:
        pass


@given(statements, st.data())
def test_statement_decoder_raises_only_malformed_on_mutated_bytes(statement: Statement, data: st.DataObject) -> None:
    """Nor when one byte of a good one is another, or some are cut off or added."""
    raw = bytearray(statement.raw)
    raw[data.draw(st.integers(64, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for mutant in (bytes(raw), bytes(raw[:cut]), bytes(raw) + b"\xc0"):
        try:
            decode_statement(mutant)
        except MalformedMessage:
            pass


def test_statement_same_words_with_two_signatures_are_two_statements() -> None:
    """They are compared as bytes."""
    one, two = A.accuse(B.id), A.accuse(B.id, salt=b"x")
    assert one != two
    assert replace(two, raw=one.raw) == one
