"""Escapes: one line of printable letters that stands for one text alone, and JSON that means the same."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.escape import escape, escape_json, quote

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Lone surrogates too."""
SPITEFUL = st.text(st.sampled_from("\\nrtxuU0\"' =a\n\r\t\x1b\x7f\x85\x9b\u2028\u202e\u2066\ud800\U000e0001"))

ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([nrt\\]))")
SHORT = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}


def unescape(text: str) -> str:
    """Return the text of which `escape` made this."""

    def read(found: re.Match[str]) -> str:
        return SHORT[found[4]] if found[4] else chr(int(found[1] or found[2] or found[3], 16))

    return ESCAPE.sub(read, text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("web 1, Räck 🐟 「x」", "web 1, Räck 🐟 「x」"),
        ("a\nb\r\t\0", r"a\nb\r\t\x00"),
        ("\x1b[2J\x07\x7f", r"\x1b[2J\x07\x7f"),
        ("\x85\x9b31m", r"\x85\x9b31m"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\u202a\u202e\u2066\u2069\u200e\u061c", r"\u202a\u202e\u2066\u2069\u200e\u061c"),
        ("\ud800x\udfff", r"\ud800x\udfff"),
        ("\xa0\u3000\xad\ufeff\u200b", r"\xa0\u3000\xad\ufeff\u200b"),
        ("\U000e0041\U0010ffff", r"\U000e0041\U0010ffff"),
        ("C:\\new", r"C:\\new"),
        (r"\n", r"\\n"),
    ],
)
def test_escape_shows_what_was_there(text: str, shown: str) -> None:
    """Letters of every kind that moves, colours, turns, ends or hides; others as they are; a backslash twice."""
    assert escape(text) == shown


@given(ANY_TEXT | SPITEFUL)
def test_escape_is_printable_and_stands_for_one_text(text: str) -> None:
    """It can be encoded, has one line, and is read back."""
    shown = escape(text)
    assert shown.isprintable()
    assert len(shown.encode().splitlines()) <= 1
    assert unescape(shown) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("n1", "n1"), ("", '""'), ("a b", '"a b"'), ('"', r'"\""'), ("\n", r"\n"), ("a=b", "a=b"), ("a \\", r'"a \\"'),
     ("x event=y", '"x event=y"'), ("Räck 3", '"Räck 3"')],
)  # fmt: skip
def test_quote_sets_in_quotes_what_a_reader_would_cut(text: str, shown: str) -> None:
    """Blanks, quotes and nothing; the rest is bare."""
    assert quote(text) == shown


@given(st.lists(ANY_TEXT | SPITEFUL, max_size=4))
def test_quoted_values_are_told_apart(texts: list[str]) -> None:
    """Beside each other, with keys, each is found again."""
    line = "".join(f" key={quote(text)}" for text in texts)
    assert line.isprintable()
    assert _read(line) == texts


@given(
    st.recursive(ANY_TEXT | SPITEFUL | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner))
)
def test_escaped_json_means_the_same_and_is_printable(value: object) -> None:
    """On one line, and indented."""
    for indent in (None, 2):
        shown = escape_json(json.dumps(value, ensure_ascii=False, indent=indent))
        assert shown.replace("\n", "").isprintable()
        assert shown.encode()
        assert _joined(json.loads(shown)) == _joined(value)


def _joined(value: object) -> object:
    """Read two surrogates side by side as the letter they are, as every reader of JSON does."""
    return json.loads(json.dumps(value))


def _read(line: str) -> list[str]:
    """Read values as a program would: to the next blank, or to the quote that no backslash stands before."""
    texts = []
    while line:
        line = line.removeprefix(" key=")
        if not line.startswith('"'):
            value, _, rest = line.partition(" ")
            texts.append(unescape(value))
            line = f" {rest}" if rest else ""
            continue
        end = 1
        while line[end] != '"':
            end += 2 if line[end] == "\\" else 1
        texts.append(unescape(line[1:end].replace('\\"', '"')))
        line = line[end + 1 :]
    return texts
