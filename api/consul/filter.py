"""Filters of lists, in Consul's language: which entries a listing keeps.

    Service == web and "v1" in Tags
    not (Checks.Status == critical or Node.Meta["rack"] != r1)

A filter is read (`filter_grammar`), checked against the fields of the listing (`filter_schema`), and made into a test
of one entry. Into a list of structs it holds if it holds of any of them, the negated operators too: `Checks.Status !=
passing` keeps what has a check that is not passing. A key that a map has not is unlike and outside of everything: only
`==`, `in` and `contains` fail for it. `matches` needs an extra package (`regexp`).
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from api.consul.filter_expression import BadFilter, Every, Expression, Match, Not, Operator, Some
from api.consul.filter_grammar import parse_filter
from api.consul.filter_schema import Field, Kind, Schema
from api.consul.literal import INVALID, parse_integer
from api.consul.regexp import BadRegexp, Regexp, SlowRegexp
from api.consul.wording import failed, quote
from api.query import parse_bool

FILTER_LENGTH_MAX: Final = 1_024

Filter = Callable[[Mapping[str, Any]], bool]
_Test = Callable[[Any], bool]
"""Of a field's value; None: the entry does not show it."""

_EQUALITY: Final = frozenset({Operator.EQUAL, Operator.NOT_EQUAL})
_PRESENCE: Final = frozenset({Operator.IN, Operator.NOT_IN})
_EMPTINESS: Final = frozenset({Operator.EMPTY, Operator.NOT_EMPTY})
_OPERATORS: Final = {
    Kind.TEXT: _EQUALITY | _PRESENCE | {Operator.MATCHES, Operator.NOT_MATCHES},
    Kind.BOOL: _EQUALITY,
    Kind.INTEGER: _EQUALITY,
    Kind.TEXTS: _PRESENCE | _EMPTINESS,
    Kind.MAP: _PRESENCE | _EMPTINESS,
    Kind.STRUCT: frozenset[Operator](),
    Kind.STRUCTS: _EMPTINESS,
}
"""What may be asked of each kind of field."""

_OPPOSITES: Final = {
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_EMPTY: Operator.EMPTY,
    Operator.NOT_MATCHES: Operator.MATCHES,
}
_FALSE_WITHOUT_KEY: Final = frozenset({Operator.EQUAL, Operator.IN, Operator.NOT_EMPTY})
"""What does not hold of a key that a map has not; all others do, `matches` too."""

_ZEROS: Final[dict[Kind, Any]] = {Kind.TEXT: "", Kind.BOOL: False, Kind.INTEGER: 0, Kind.TEXTS: (), Kind.MAP: {}}
"""What a field is that an entry does not show."""


def keep_all(_shape: Mapping[str, Any]) -> bool:
    """Keep everything: the filter that there is when none is given."""
    return True


def read_filter(text: str, schema: Schema) -> Filter:
    """Read a filter of entries with the fields of a schema; the empty one is `keep_all`.

    Raises:
        Problem: 500, it is longer than allowed, cannot be read, or asks for what the schema has not. The filter itself
            raises one when `matches` takes too long.
    """
    if not text:
        return keep_all
    try:
        return _bounded(bind_filter(read_expression(text), schema))
    except BadFilter as wrong:
        raise failed(f"Failed to create boolean expression evaluator: {wrong}") from None


def read_late_filter(text: str, schema: Schema) -> Filter:
    """Read a filter as `read_filter`, but look at the schema only once there is an entry, as /v1/agent/checks does.

    Raises:
        Problem: 500, it cannot be read. The filter itself raises one when it asks for what the schema has not.
    """
    if not text:
        return keep_all
    try:
        expression = read_expression(text)
    except BadFilter as wrong:
        raise failed(f"Failed to create boolean expression evaluator: {wrong}") from None
    bound: list[Filter] = []

    def keep(shape: Mapping[str, Any]) -> bool:
        if not bound:
            try:
                bound.append(_bounded(bind_filter(expression, schema)))
            except BadFilter as wrong:
                raise failed(str(wrong)) from None
        return bound[0](shape)

    return keep


def read_expression(text: str) -> Expression:
    """Read a filter, but look at no schema yet.

    Raises:
        BadFilter: it is longer than allowed, or cannot be read.
    """
    if len(text) > FILTER_LENGTH_MAX:
        raise BadFilter(f"it has {len(text)} characters, at most {FILTER_LENGTH_MAX}")
    return parse_filter(text)


def _bounded(keep: Filter) -> Filter:
    def bounded(shape: Mapping[str, Any]) -> bool:
        try:
            return keep(shape)
        except SlowRegexp as slow:
            raise failed(str(slow)) from None

    return bounded


def bind_filter(expression: Expression, schema: Schema) -> Filter:
    """Make an expression into a test of entries with the fields of a schema.

    Raises:
        BadFilter: a selector that there is not, an operator that its field has not, or a value that it cannot have, in
            the words of go-bexpr; the first from left to right.
    """
    match expression:
        case Match():
            return _bind_match(expression, Field(Kind.STRUCT, schema))
        case Not(part):
            kept = bind_filter(part, schema)
            return lambda shape: not kept(shape)
        case Every(parts):
            every = [bind_filter(part, schema) for part in parts]
            return lambda shape: all(keep(shape) for keep in every)
        case Some(parts):
            some = [bind_filter(part, schema) for part in parts]
            return lambda shape: any(keep(shape) for keep in some)


def _bind_match(match: Match, whole: Field) -> Filter:
    fields = [whole]
    for position, name in enumerate(match.selector, 1):
        found = fields[-1].find(name)
        if found is None:
            raise BadFilter(f"Selector {_quoted(match.selector[:position])} is not valid")
        fields.append(found)
    kind = fields.pop().kind
    if match.operator not in _OPERATORS[kind]:
        asked = quote(match.operator.value)
        raise BadFilter(f"Invalid match operator {asked} for selector {_quoted(match.selector)}")
    test = _bind_test(match, kind)
    without_key = match.operator not in _FALSE_WITHOUT_KEY
    for field, name in zip(reversed(fields), reversed(match.selector), strict=True):
        test = _inside(field.kind, name, test, without_key)
    return test


def _quoted(selector: tuple[str, ...]) -> str:
    return quote(".".join(selector))


def _inside(kind: Kind, name: str, test: _Test, without_key: bool) -> _Test:
    """Make the test of a field into one of what has it."""
    if kind is Kind.MAP:
        return lambda held: test(held[name]) if held and name in held else without_key
    if kind is Kind.STRUCTS:
        return lambda held: any(test(one.get(name)) for one in held or ())
    return lambda held: test(held.get(name) if held else None)


def _bind_test(match: Match, kind: Kind) -> _Test:
    asked = _OPPOSITES.get(match.operator, match.operator)
    test = _bind_plain_test(asked, "" if match.value is None else match.value, kind, match.selector)
    return test if asked is match.operator else lambda held: not test(held)


def _bind_plain_test(asked: Operator, value: str, kind: Kind, selector: tuple[str, ...]) -> _Test:
    if asked is Operator.EMPTY:
        return operator.not_
    zero = _ZEROS[kind]
    if asked is Operator.IN:
        return lambda held: value in (held or zero)
    if asked is Operator.EQUAL:
        wanted = _coerce(value, kind, selector)
        return lambda held: (zero if held is None else held) == wanted
    try:
        regexp = Regexp(value)
    except BadRegexp as wrong:
        raise BadFilter(str(wrong)) from None
    return lambda held: regexp.is_in(held or "")


def _coerce(value: str, kind: Kind, selector: tuple[str, ...]) -> str | bool | int:
    """Read a value as one of its field's kind; refuse it in the words of Go."""
    try:
        if kind is Kind.INTEGER:
            return parse_integer(value)
        if kind is Kind.BOOL:
            return parse_bool(value)
    except ValueError as wrong:
        reader, why = ("ParseInt", str(wrong)) if kind is Kind.INTEGER else ("ParseBool", INVALID)
        reason = f"strconv.{reader}: parsing {quote(value)}: {why}"
        sentence = f"Failed to coerce value {quote(value)} for selector {_quoted(selector)}: {reason}"
        raise BadFilter(sentence) from None
    return value
