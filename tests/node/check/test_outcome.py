"""What is kept of what was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.check.outcome import Tail, clip_words, show_duration


@given(st.lists(st.binary(max_size=3_000), max_size=12))
def test_tail_is_the_end(parts: list[bytes]) -> None:
    """However it was cut, the last 4,096 bytes are kept, and whoever reads them knows that there was more."""
    tail = Tail()
    for part in parts:
        tail.add(part)
    whole = b"".join(parts)
    kept = whole[-4_096:].decode(errors="replace")
    assert tail.text() == (kept if len(whole) <= 4_096 else f"Captured 4096 of {len(whole)} bytes\n...\n{kept}")


def test_clip_words_cuts_behind_4096_bytes() -> None:
    """A character that is cut through becomes U+FFFD; surrogates do no harm."""
    assert clip_words("x" * 4_096) == "x" * 4_096
    assert clip_words("x" * 4_097) == "x" * 4_096 + " ... (captured 4096 of 4097 bytes)"
    assert clip_words("x" * 4_095 + "\N{SNOWMAN}") == (
        "x" * 4_095 + "\N{REPLACEMENT CHARACTER} ... (captured 4096 of 4098 bytes)"
    )
    assert clip_words("\udcff") == "?"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.1, "100ms"), (1, "1s"), (30.0, "30s"), (1.5, "1.5s"), (90, "1m30s"), (3_600, "1h0m0s")]
)
def test_duration_is_shown_as_go_does(seconds: float, text: str) -> None:
    """Programs that read outputs know these."""
    assert show_duration(seconds) == text
