"""Checks as they travel: round trips but for the output's end, bounds, and nothing but MalformedMessage."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.catalog.check import Check, CheckKind, CheckStatus, clip_output
from protocol.error import InvalidRequest, MalformedMessage
from protocol.wire.field import pack, unpack
from tests.protocol.catalog.sample import checks

CHECK = Check("c", "n", CheckStatus.WARNING, "notes", "out", "web", CheckKind.TTL)


@given(checks)
def test_check_comes_back_with_its_output_clipped(check: Check) -> None:
    """All else is as it was, but for notes of very many bytes; what travels once travels again unchanged."""
    travelled = Check.decode(check.id, check.encode())
    assert travelled == replace(check, output=clip_output(check.output), notes=travelled.notes)
    assert check.notes.startswith(travelled.notes)
    assert travelled.notes == check.notes or len(travelled.notes.encode()) > 1_532
    assert Check.decode(check.id, travelled.encode()) == travelled
    assert check.checked() == check


def test_check_bytes_stay_what_they_are() -> None:
    """Members of different versions read each other: these bytes are the format."""
    assert CHECK.encode().hex() == "96a16e01a56e6f746573a36f7574a377656201"


@given(st.text(max_size=50), st.integers(1, 300))
def test_notes_of_any_length_travel_clipped(text: str, times: int) -> None:
    """Members of versions before read them: 512 characters and 1,536 bytes at most, no letter cut through."""
    check = replace(CHECK, notes=text * times)
    assert check.checked() == check
    travelled = Check.decode("c", check.encode()).notes
    assert check.notes.startswith(travelled)
    assert len(travelled) <= 512
    assert len(travelled.encode()) <= 1_536
    assert travelled == check.notes or len(travelled) == 512 or len(travelled.encode()) > 1_532


def test_longest_reason_of_maintenance_has_room() -> None:
    """Whatever the reason, a service with the longest id can be in maintenance."""
    id = "\N{FISH}" * 120
    Check(
        f"_service_maintenance:{id[:-1]}", "Service Maintenance Mode", notes="\N{FISH}" * 5_000, service_id=id
    ).checked()


@given(st.text())
def test_clip_output_is_the_beginning(text: str) -> None:
    """It is never more than 512 bytes, never cuts a character, and leaves short outputs alone."""
    clipped = clip_output(text)
    size = len(clipped.encode())
    assert size <= 512
    assert text.startswith(clipped)
    assert clipped == text or size > 508


def test_clip_output_takes_what_is_no_unicode() -> None:
    """Half a surrogate pair, which JSON can carry, becomes a question mark."""
    assert clip_output("a\ud800b") == "a?b"


@given(st.binary(max_size=200))
def test_check_of_any_bytes_is_read_or_malformed(data: bytes) -> None:
    """No bytes do more than be refused."""
    try:
        Check.decode("a", data)
    except MalformedMessage:
        pass


@given(checks, st.integers(0, 5), st.one_of(st.none(), st.integers(0, 9), st.text(), st.binary(), st.booleans()))
def test_check_with_a_foreign_field_is_read_or_malformed(check: Check, index: int, value: Any) -> None:
    """A field of another type or size never gets further than the decoder."""
    fields = list(unpack(check.encode()))
    fields[index] = value
    data = pack(fields)
    try:
        assert Check.decode("a", data).encode() == data
    except MalformedMessage:
        pass


@pytest.mark.parametrize(
    "beyond",
    [
        {"id": ""},
        {"id": "x" * 321},
        {"id": "\N{FISH}" * 128},
        {"name": ""},
        {"name": "x" * 321},
        {"notes": "\ud800"},
        {"service_id": "x" * 256},
        {"notes": "\N{FISH}" * 512, "name": "\N{FISH}" * 320, "service_id": "\N{FISH}" * 255},
    ],
    ids=lambda beyond: next(iter(beyond)),
)
def test_check_beyond_its_bounds_is_refused(beyond: dict[str, Any]) -> None:
    """A registration gets one sentence."""
    with pytest.raises(InvalidRequest) as refused:
        replace(CHECK, **beyond).checked()
    assert len(str(refused.value)) < 500


def test_check_with_a_long_output_from_elsewhere_is_malformed() -> None:
    """512 bytes are the most, whatever the number of characters."""
    fields = list(unpack(CHECK.encode()))
    for output in ("x" * 513, "\N{FISH}" * 129):
        fields[3] = output
        with pytest.raises(MalformedMessage):
            Check.decode("a", pack(fields))
