"""Pieces of requests in sentences, and lines of the log: on one line, with what was there to be seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.answer import ECHO_LENGTH_MAX
from api.consul.wording import one_line, quote


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x", '"x"'),
        ('a"b\\', r'"a\"b\\"'),
        ("a\nb\x1b[2J", r'"a\nb\x1b[2J"'),
        ("é\u202e", r'"é\u202e"'),
        ("y" * ECHO_LENGTH_MAX + "z", f'"{"y" * ECHO_LENGTH_MAX}..."'),
    ],
)
def test_quote_is_as_gos(text: str, shown: str) -> None:
    """Between double quotes, escaped as %q does, and cut."""
    assert quote(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_one_line_is_printable(text: str) -> None:
    """Whatever a record of the log holds, it is one line and can be sent."""
    assert one_line(text).isprintable()
    assert len(one_line(text).encode()) >= len(text)
