"""Regular expressions for `matches`, by RE2: its time grows with the text, whatever the expression.

Python's `re` goes back and tries again: with `(a+)+$` each further `a` of a check's output doubles its time, in the
thread that answers probes too. RE2 is what Go's own are made after. It is a library in C++ that a node can do without,
so it is an extra; where it is missing, `matches` is refused.

Linear is not yet quick: a long expression over long outputs is tens of microseconds for each letter. So both the size
of an expression and the time that it takes in one listing have bounds.
"""

from time import perf_counter
from typing import Any, Final

from api.consul.wording import quote

_re2: Any
try:
    import re2

    _re2 = re2
except ImportError:  # the extra is not installed
    _re2 = None

STEP_COUNT_MAX: Final = 1_500
"""Instructions of a compiled expression; two classes of Unicode, the longest in use, have 1,436.

A text of 4,096 bytes, the longest output of a check, took 0.06 s for the slowest expression found with 1,805."""
MEMORY_MAX: Final = 256 << 10
"""Bytes for one expression, compiled and at work. RE2's module keeps the last 128."""
LISTING_S_MAX: Final = 0.25
"""Seconds that one expression may take in all, half of what a probe waits for at its quickest."""

PACKAGE_MISSING: Final = "matches needs google-re2, which is not installed here: pip install 'shoal[matches]'"
TOO_LARGE: Final = "error parsing regexp: expression too large"
TOO_SLOW: Final = f"matches took more than {LISTING_S_MAX} s over this list: use a shorter expression, or contains"

_GO_WORDS: Final = (
    ("invalid escape sequence", "invalid escape sequence"),
    ("invalid character class range", "invalid character class range"),
    ("invalid character class", "invalid character class"),
    ("missing ]", "missing closing ]"),
    ("missing )", "missing closing )"),
    ("unexpected )", "unexpected )"),
    ("trailing \\", "trailing backslash at end of expression"),
    ("no argument for repetition operator", "missing argument to repetition operator"),
    ("invalid repetition size", "invalid repeat count"),
    ("bad repetition operator", "invalid nested repetition operator"),
    ("invalid perl operator", "invalid or unsupported Perl syntax"),
    ("invalid UTF-8", "invalid UTF-8"),
    ("invalid named capture group", "invalid named capture"),
)
"""How RE2 words an error, and how Go does; what follows is the part that is wrong."""


class BadRegexp(ValueError):
    """An expression that cannot be used; the text is the reason."""


class SlowRegexp(Exception):
    """An expression that has had its time; the text is the reason."""


class Regexp:
    """One expression, for one listing."""

    def __init__(self, text: str) -> None:
        """Compile an expression.

        Raises:
            BadRegexp: it is none, it is too large, or RE2 is not installed.
        """
        if _re2 is None:
            raise BadRegexp(PACKAGE_MISSING)
        options = _re2.Options()
        options.log_errors = False
        options.max_mem = MEMORY_MAX
        refused = f"Failed to compile regular expression {quote(text)}"
        try:
            self._compiled = _re2.compile(text.encode(errors="replace"), options)
        except _re2.error as wrong:
            raise BadRegexp(f"{refused}: {_in_go_words(wrong)}") from None
        if self._compiled.programsize > STEP_COUNT_MAX:
            raise BadRegexp(f"{refused}: {TOO_LARGE}")
        self._spent_s = 0.0

    def is_in(self, text: str) -> bool:
        """Return whether it is found anywhere in a text.

        Raises:
            SlowRegexp: it has had its time.
        """
        if self._spent_s > LISTING_S_MAX:
            raise SlowRegexp(TOO_SLOW)
        begun = perf_counter()
        found = self._compiled.search(text.encode(errors="replace"))
        self._spent_s += perf_counter() - begun
        return found is not None


def _in_go_words(wrong: Exception) -> str:
    (raw,) = wrong.args
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    for ours, theirs in _GO_WORDS:
        if text.startswith(ours):
            return f"error parsing regexp: {theirs}: `{text.removeprefix(ours).removeprefix(': ')}`"
    return TOO_LARGE
