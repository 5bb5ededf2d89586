"""Text of any bytes, as Go's programs take it: what is no Unicode becomes U+FFFD where it is shown.

Between a request and its reader such text has a lone surrogate for each byte that is no UTF-8 (`surrogateescape`), and
for each half of a pair that JSON escapes alone.
"""

import re
from typing import Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SIGN: Final = "\N{REPLACEMENT CHARACTER}"


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can carry it."""
    return text.isascii() or _SURROGATE.search(text) is None


def mend_text(text: str) -> str:
    """Return it with U+FFFD for each byte, or half a pair, that is no Unicode."""
    return text if text.isascii() else _SURROGATE.sub(_SIGN, text)
