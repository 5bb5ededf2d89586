"""Which of a service's registrations a request is answered with: its filter, its page, and what it chooses by a key.

In this order, as Nomad has it: the page counts what the filter keeps, and the choice is made on the page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from api.consul.filter import bind_filter, keep_all, read_expression
from api.consul.filter_expression import BadFilter
from api.consul.filter_schema import REGISTRATION
from api.consul.regexp import SlowRegexp
from api.query import Query
from protocol.error import InvalidRequest

PER_PAGE_MAX: Final = (1 << 31) - 1
"""Go's int32."""
PAGE_BAD: Final = "Expect a number for `per_page` query string parameter"
PAGE_UNREAD: Final = "failed to read result page"
FILTER_UNREAD: Final = "failed to create result paginator: failed to read filter expression"
CHOICE_BAD: Final = "failed to choose services: Parameter for choose must be in form '<number>|<key>'"

Registration = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a request asks for."""

    keep: Callable[[Registration], bool] = keep_all
    per_page: int = 0
    """0: all that there are."""
    first_token: str = ""
    """The page begins at the first registration whose token is not below this."""
    choice: tuple[int, str] | None = None
    """How many at most, and the key by which they are chosen."""

    @classmethod
    def read(cls, query: Query) -> "Selection":
        """Read `filter`, `per_page`, `next_token` and `choose`.

        Raises:
            InvalidRequest: one of them cannot be read.
        """
        per_page = _read_per_page(query.first("per_page") or "")
        choice = _read_choice(query.first("choose") or "")
        keep = _read_filter(query.first("filter") or "")
        return cls(keep, per_page, query.first("next_token") or "", choice)

    def of(self, registrations: Sequence[Registration]) -> tuple[list[Registration], str]:
        """Return those selected, and the token at which the next page begins, empty after the last.

        They come by token, those chosen by their hash with the key: the same ones for a key as long as there are.

        Raises:
            InvalidRequest: the filter's regular expression takes too long.
        """
        rows = sorted(registrations, key=_token)
        try:
            kept = [row for row in rows if _token(row) >= self.first_token and self.keep(row)]
        except SlowRegexp as slow:
            raise InvalidRequest(f"{PAGE_UNREAD}: {slow}") from None
        next_token = ""
        if self.per_page and len(kept) > self.per_page:
            next_token = _token(kept[self.per_page])
            del kept[self.per_page :]
        if self.choice is not None:
            count, key = self.choice
            kept = sorted(kept, key=lambda row: _hash(row, key))[:count]
        return kept, next_token


def _token(row: Registration) -> str:
    return f"{row['Namespace']}.{row['ID']}"


def _hash(row: Registration, key: str) -> str:
    """Return Nomad's rendezvous hash of a registration and a key."""
    texts = (row["AllocID"], row["ID"], row["Namespace"], row["Address"], row["ServiceName"], *row["Tags"], key)
    return sha256(row["Port"].to_bytes(8, "big") + "".join(texts).encode()).hexdigest()


def _read_filter(text: str) -> Callable[[Registration], bool]:
    """Read a filter, which a Nomad looks at in two steps: whether it can be read, then whether a registration has it.

    Raises:
        InvalidRequest: one of them failed.
    """
    if not text:
        return keep_all
    try:
        expression = read_expression(text)
    except BadFilter as wrong:
        raise InvalidRequest(f"{FILTER_UNREAD}: {wrong}") from None
    try:
        return bind_filter(expression, REGISTRATION)
    except BadFilter as wrong:
        raise InvalidRequest(f"{PAGE_UNREAD}: {wrong}") from None


def _read_per_page(text: str) -> int:
    digits = text.removeprefix("+")
    if not text:
        return 0
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(PER_PAGE_MAX))):
        raise InvalidRequest(PAGE_BAD)
    if int(digits) > PER_PAGE_MAX:
        raise InvalidRequest(PAGE_BAD)
    return int(digits)


def _read_choice(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    number, _, key = text.partition("|")
    digits = number.removeprefix("+")
    if not (key and digits.isascii() and digits.isdigit() and len(digits) <= len(str(PER_PAGE_MAX))):
        raise InvalidRequest(CHOICE_BAD)
    return int(digits), key
