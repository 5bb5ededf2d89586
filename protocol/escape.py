r"""Text of others on one line that moves no cursor and changes no colour, for logs and for terminals.

What is not printable is written as Python, and Go's %q, write it in a literal: `\n`, `\x1b`, `\u202e`, `\U000e0001`.
That is all control letters (C0, DEL, C1), line and paragraph separators, marks that turn the direction of text, letters
that show nowhere, lone surrogates, and blanks other than U+0020. A backslash itself becomes two, so what is written
stands for one text alone: `\n` was a newline, and `\\n` a backslash and an n.
"""

_UNIT_BITS = 16
"""Of one escape in JSON; a letter beyond takes two."""


def escape(text: str) -> str:
    """Return a text with all that is not printable, and each backslash, as escapes; most texts as they are."""
    if "\\" not in text and text.isprintable():
        return text
    return "".join(letter if letter != "\\" and letter.isprintable() else repr(letter)[1:-1] for letter in text)


def quote(text: str) -> str:
    """Return a text as the value of a key in a log: escaped, and in quotes if it is empty or has a blank or a quote."""
    shown = escape(text)
    if shown and " " not in shown and '"' not in shown:
        return shown
    return '"{}"'.format(shown.replace('"', '\\"'))


def escape_json(document: str) -> str:
    """Return the same JSON with all that is not printable, but for newlines between values, as JSON's own escapes.

    Within strings JSON has escapes for C0 alone; the rest of what `escape` knows may stand there as it is.
    """
    if document.isprintable():
        return document
    return "".join(letter if letter.isprintable() or letter == "\n" else _json_escape(letter) for letter in document)


def _json_escape(letter: str) -> str:
    code = ord(letter)
    if code < 1 << _UNIT_BITS:
        return f"\\u{code:04x}"
    code -= 1 << _UNIT_BITS
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
