"""What clients write behind the question mark, read as Go's servers read it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from quart import request

from api.answer import echo
from api.duration import parse_duration
from protocol.error import InvalidRequest

PARAMETER_COUNT_MAX: Final = 256
"""More than a join of 64 addresses with every option needs."""

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
    """The parameters of one request; where one is repeated, the first counts unless all are asked for."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    @classmethod
    def parse(cls, raw: bytes) -> "Query":
        """Read the bytes behind the question mark.

        Raises:
            InvalidRequest: not UTF-8 once unescaped, or too many parameters.
        """
        if not raw:
            return _EMPTY
        try:
            values = parse_qs(
                raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=PARAMETER_COUNT_MAX
            )
        except UnicodeError:
            raise InvalidRequest("the query is not percent-encoded UTF-8") from None
        except ValueError:
            raise InvalidRequest(f"the query has more than {PARAMETER_COUNT_MAX} parameters") from None
        return cls(values)

    def first(self, name: str) -> str | None:
        """Give the first value, which may be empty; None: not given."""
        values = self._values.get(name)
        return values[0] if values else None

    def every(self, name: str) -> list[str]:
        """Give all values in their order."""
        return self._values.get(name, [])

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


_EMPTY: Final = Query({})


def current_query() -> Query:
    """Read the parameters of the request in hand.

    Raises:
        InvalidRequest: as `Query.parse`.
    """
    return Query.parse(request.scope["query_string"])
