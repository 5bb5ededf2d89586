"""The parsed form of a filter: matches, and how they are joined."""

from dataclasses import dataclass
from enum import Enum


class BadFilter(ValueError):
    """A filter that cannot be read, or asks for what there is not; the text is the reason."""


class Operator(Enum):
    """What a match asks; the value is its name in refusals."""

    EQUAL = "Equal"
    NOT_EQUAL = "Not Equal"
    IN = "In"
    NOT_IN = "Not In"
    EMPTY = "Is Empty"
    NOT_EMPTY = "Is Not Empty"
    MATCHES = "Matches"
    NOT_MATCHES = "Not Matches"


@dataclass(frozen=True, slots=True)
class Match:
    """A selector, what is asked of it, and with which value (None: an operator that takes none)."""

    selector: tuple[str, ...]
    operator: Operator
    value: str | None


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of an expression."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class Every:
    """Expressions joined by `and`."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Expressions joined by `or`."""

    parts: tuple["Expression", ...]


Expression = Match | Not | Every | Some
