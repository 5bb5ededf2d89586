"""Reading a text by what may come next, with a memory of what was expected where reading got furthest.

Consul's refusals of a filter are those of the parser that Pigeon makes of a grammar for Go:

    1:9 (8): no match found, expected: "-", "0", [1-9] or [a-zA-Z]
    1:13 (12): rule "string": Unterminated string literal

Each try that fails notes what it wanted; the notes of the furthest place are the refusal. Inside a look-ahead that must
fail, what succeeds is noted instead, with an exclamation mark. A complaint, once made, is the refusal, though another
way to read the text may be found later.
"""

from collections.abc import Callable
from typing import Final

_END: Final = "!."
"""The note of a look-ahead for the end: nothing may follow."""


class Scanner:
    """Reads one text, forwards and back."""

    def __init__(self, text: str) -> None:
        self.position = 0
        self._text = text
        self._complaint = ""
        self._furthest = 0
        self._wanted: set[str] = set()
        self._is_inverted = False

    def literal(self, wanted: str) -> bool:
        """Read a word or a sign exactly as it is."""
        found = self._text.startswith(wanted, self.position)
        self._note(found, '"' + wanted.replace('"', '\\"') + '"')
        if found:
            self.position += len(wanted)
        return found

    def letter(self, letters: frozenset[str], shown: str) -> bool:
        """Read one of some letters; `shown` is how a refusal writes them."""
        found = self._text[self.position : self.position + 1] in letters
        self._note(found, shown)
        if found:
            self.position += 1
        return found

    def letters(self, letters: frozenset[str], shown: str) -> bool:
        """Read as many of some letters as there are; False: there is none."""
        if not self.letter(letters, shown):
            return False
        while self.letter(letters, shown):
            pass
        return True

    def any_letter(self) -> bool:
        """Read whatever letter comes; False: the text has ended."""
        found = self.position < len(self._text)
        self._note(found, ".")
        if found:
            self.position += 1
        return found

    def is_next(self, read: Callable[[], bool]) -> bool:
        """Return whether something could be read; the position stays."""
        start = self.position
        found = read()
        self.position = start
        return found

    def is_not_next(self, read: Callable[[], bool]) -> bool:
        """Return whether something could not be read; the position stays."""
        self._is_inverted = not self._is_inverted
        found = self.is_next(read)
        self._is_inverted = not self._is_inverted
        return not found

    def is_at_end(self) -> bool:
        """Return whether nothing follows."""
        return self.is_not_next(self.any_letter)

    def since(self, start: int) -> str:
        """Return what was read since a position."""
        return self._text[start : self.position]

    def complain(self, rule: str, sentence: str, position: int | None = None) -> None:
        """Refuse the text for a reason, at a position or at this one; the first complaint stays."""
        if not self._complaint:
            place = self._place(self.position if position is None else position)
            self._complaint = f'{place}: rule "{rule}": {sentence}'

    @property
    def complaint(self) -> str:
        """The first complaint; empty: there is none."""
        return self._complaint

    def refusal(self) -> str:
        """Return why the text cannot be read: the first complaint, or what was expected at the furthest place."""
        if self._complaint:
            return self._complaint
        wanted = sorted(self._wanted - {_END}, key=str.encode)
        if _END in self._wanted:
            wanted.append("EOF")
        *others, last = wanted
        joined = f"{', '.join(others)} or {last}" if others else last
        return f"{self._place(self._furthest)}: no match found, expected: {joined}"

    def _note(self, found: bool, wanted: str) -> None:
        """Note what a try at this position wanted; `found` is how it ended."""
        if found != self._is_inverted or self.position < self._furthest:
            return
        if self.position > self._furthest:
            self._furthest = self.position
            self._wanted.clear()
        self._wanted.add(f"!{wanted}" if self._is_inverted else wanted)

    def _place(self, position: int) -> str:
        """Return line, column and offset in bytes of a position; a line break is column 0 of the line it begins."""
        before = self._text[: position + 1]
        column = position - before.rfind("\n")
        offset = len(self._text[:position].encode(errors="surrogatepass"))
        return f"{1 + before.count(chr(10))}:{column} ({offset})"
