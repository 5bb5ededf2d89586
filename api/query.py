"""What clients write behind the question mark, read as Go's servers read it.

Words (a note, a reason) are taken in any bytes; all else must be UTF-8, and well escaped, where it is asked for.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from quart import request

from api.answer import echo
from api.duration import parse_duration
from api.text import is_unicode, mend_text
from protocol.error import InvalidRequest

PARAMETER_COUNT_MAX: Final = 256
"""More than a join of 64 addresses with every option needs."""

_NO_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")

INDEX_MAX: Final = (1 << 64) - 1

_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def parse_bool(text: str) -> bool:
    """Read what Go's strconv.ParseBool accepts; the empty text is none.

    Raises:
        ValueError: anything else.
    """
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"{echo(text)} is neither true nor false")


def parse_index(text: str) -> int:
    """Read a whole number of 64 bits without sign.

    Raises:
        ValueError: anything else.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(INDEX_MAX))) or int(text) > INDEX_MAX:
        raise ValueError(f"{echo(text)} is no index")
    return int(text)


class Query:
    """The parameters of one request; where one is repeated, the first counts unless all are asked for.

    What asks for values raises InvalidRequest where one is not UTF-8 or not well escaped; `words` never does.
    """

    __slots__ = ("_dropped", "_values")

    def __init__(self, values: Mapping[str, list[str]], dropped: frozenset[str] = frozenset()) -> None:
        """Keep values, with a lone surrogate for each byte that is no UTF-8, and names whose value is badly escaped."""
        self._values = values
        self._dropped = dropped

    @classmethod
    def parse(cls, raw: bytes) -> "Query":
        """Read the bytes behind the question mark; a pair with a `%` that begins no escape is dropped, as Go does.

        Raises:
            InvalidRequest: too many parameters.
        """
        if not raw:
            return _EMPTY
        pairs = [pair for pair in raw.split(b"&") if pair]
        if len(pairs) > PARAMETER_COUNT_MAX:
            raise InvalidRequest(f"the query has more than {PARAMETER_COUNT_MAX} parameters")
        values: dict[str, list[str]] = {}
        dropped: set[str] = set()
        for pair in pairs:
            name, _, value = pair.partition(b"=")
            if _NO_ESCAPE.search(name):
                continue
            if _NO_ESCAPE.search(value):
                dropped.add(_unescape(name))
            else:
                values.setdefault(_unescape(name), []).append(_unescape(value))
        return cls(values, frozenset(dropped))

    def first(self, name: str) -> str | None:
        """Return the first value, which may be empty; None: not given."""
        values = self.every(name)
        return values[0] if values else None

    def every(self, name: str) -> list[str]:
        """Return all values in their order."""
        if name in self._dropped:
            raise InvalidRequest(f"the query has a % that is no escape in {name}")
        values = self._values.get(name, [])
        if not all(is_unicode(value) for value in values):
            raise InvalidRequest(f"the query is not percent-encoded UTF-8 in {name}")
        return values

    def words(self, name: str) -> str:
        """Return text for people, empty if not given: each byte that is no UTF-8 becomes U+FFFD."""
        values = self._values.get(name)
        return mend_text(values[0]) if values else ""

    def flag(self, name: str) -> bool:
        """Read a boolean that is false when not given.

        Raises:
            InvalidRequest: it is given and is neither true nor false.
        """
        text = self.first(name)
        if text is None:
            return False
        try:
            return parse_bool(text)
        except ValueError as wrong:
            raise InvalidRequest(f"{name}: {wrong}") from None

    @property
    def is_pretty(self) -> bool:
        """Whether indented JSON is wanted: `pretty` with any value but 0."""
        text = self.first("pretty")
        return text is not None and text != "0"

    def check_options(self) -> None:
        """Refuse what a Nomad refuses of `stale`, `wait` and `index`; nothing here waits.

        Raises:
            InvalidRequest: one of them cannot be read.
        """
        if not self._values:
            return
        if stale := self.first("stale"):  # an empty value means true
            try:
                parse_bool(stale)
            except ValueError:
                raise InvalidRequest(f"Expect `true` or `false` for `stale`, got {echo(stale)}") from None
        if wait := self.first("wait"):
            try:
                parse_duration(wait)
            except ValueError:
                raise InvalidRequest("Invalid wait time") from None
        if index := self.first("index"):
            try:
                parse_index(index)
            except ValueError:
                raise InvalidRequest("Invalid index") from None


def _unescape(data: bytes) -> str:
    return unquote_to_bytes(data.replace(b"+", b" ")).decode(errors="surrogateescape")


_EMPTY: Final = Query({})


def current_query() -> Query:
    """Read the parameters of the request in hand.

    Raises:
        InvalidRequest: as `Query.parse`.
    """
    return Query.parse(request.scope["query_string"])
