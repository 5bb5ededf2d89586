"""What was probably meant by a word that is not known."""

from collections.abc import Iterable

NEARNESS_MIN = 0.5
"""A little more generous than difflib's 0.6: "log" should still find "log_json"."""
WORD_LENGTH_MAX = 64


def unknown_sentence(what: str, word: str, known: Iterable[str]) -> str:
    """Say that a word is not known, and name the nearest one that is."""
    from difflib import get_close_matches  # only a mistake pays for it

    shown = word if len(word) <= WORD_LENGTH_MAX else word[:WORD_LENGTH_MAX] + "..."
    near = get_close_matches(word[:WORD_LENGTH_MAX], sorted(known), n=1, cutoff=NEARNESS_MIN)
    return f"unknown {what} {shown!r}" + (f"; did you mean {near[0]!r}?" if near else "")
