"""Filters of lists: the part of Consul's language that asks for equal, contained and empty, and joins with and/or/not.

    Service == web and "v1" in Tags
    not (Status == passing or Node.Meta.rack != r1)

A selector is a path of keys with dots, or Meta["any key"]; a key in capital letters as the answer has it. What a
filter names and an answer has not is empty. A filter that cannot be read is refused with 500, as Consul does.

There is no `matches`, and the refusal says so. Python's `re` goes back and tries again: with `(a+)+$` each further `a`
of a check's output doubles its time, in the thread that answers probes too. What Go has, RE2, does not, but would be
one more C++ library for every node to carry, for the sake of one operator.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from api.answer import Problem
from api.consul.wording import failed, quote

FILTER_LENGTH_MAX: Final = 1_024
DEPTH_MAX: Final = 16
"""Brackets and nots within each other."""

Filter = Callable[[Mapping[str, Any]], bool]

_TOKEN: Final = re.compile(
    r"""\s*(?: (?P<punct> == | != | [()\[\].] )
            | (?P<quoted> "(?:[^"\\]|\\["\\])*" | `[^`]*` )
            | (?P<word> [^\s()\[\]."`=!]+ ) )""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")
_KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "empty", "contains", "matches"})
"""None of them is a selector, or a value without quotes."""


def keep_all(_shape: Mapping[str, Any]) -> bool:
    """Keep everything: the filter that there is when none is given."""
    return True


def read_filter(text: str) -> Filter:
    """Read a filter; the empty one keeps everything.

    Raises:
        Problem: 500, it is longer than allowed, or not of the forms above.
    """
    if not text.strip():
        return keep_all
    if len(text) > FILTER_LENGTH_MAX:
        raise _unreadable(f"it has {len(text)} characters, at most {FILTER_LENGTH_MAX}")
    return _Reader(text).read()


def _unreadable(reason: str) -> Problem:
    return failed(f"Failed to create boolean expression evaluator: {reason}")


class _Reader:
    """Reads one filter by descent: `or` binds least, `not` most."""

    def __init__(self, text: str) -> None:
        self._tokens = _split(text)
        self._position = 0
        self._depth = 0

    def read(self) -> Filter:
        kept = self._read_or()
        if self._position < len(self._tokens):
            raise _unreadable(f"{quote(self._peek()[1])} is not expected there")
        return kept

    def _read_or(self) -> Filter:
        parts = [self._read_and()]
        while self._takes("or"):
            parts.append(self._read_and())
        return parts[0] if len(parts) == 1 else lambda shape: any(part(shape) for part in parts)

    def _read_and(self) -> Filter:
        parts = [self._read_one()]
        while self._takes("and"):
            parts.append(self._read_one())
        return parts[0] if len(parts) == 1 else lambda shape: all(part(shape) for part in parts)

    def _read_one(self) -> Filter:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _unreadable(f"it is nested more than {DEPTH_MAX} deep")
        if self._takes("not"):
            kept = _negated(self._read_one())
        elif self._takes("(", "punct"):
            kept = self._read_or()
            if not self._takes(")", "punct"):
                raise _unreadable("a bracket is not closed")
        else:
            kept = self._read_match()
        self._depth -= 1
        return kept

    def _read_match(self) -> Filter:
        path, plain = self._read_operand()
        if self._takes("==", "punct"):
            return _equals(path, self._read_value())
        if self._takes("!=", "punct"):
            return _negated(_equals(path, self._read_value()))
        if self._takes("is"):
            is_not = self._takes("not")
            if not self._takes("empty"):
                raise _unreadable('only "empty" may follow "is"')
            return _negated(_empty(path)) if is_not else _empty(path)
        is_not = self._takes("not")
        if self._takes("in"):
            within, _ = self._read_operand()
            found = _contains(within, plain)
        elif self._takes("contains"):
            found = _contains(path, self._read_value())
        elif self._takes("matches"):
            raise _unreadable("there is no matches here, for a regular expression may take for ever; contains there is")
        else:
            raise _unreadable("it has none of ==, !=, in, contains and is empty where one is expected")
        return _negated(found) if is_not else found

    def _read_value(self) -> str:
        return self._read_operand()[1]

    def _read_operand(self) -> tuple[tuple[str, ...], str]:
        """Read what may be a selector or a value; give both."""
        kind, text = self._peek()
        self._position += 1
        if kind == "quoted":
            return (text,), text
        if kind != "word" or text in _KEYWORDS:
            raise _unreadable("it ends too early" if not kind else f"{quote(text)} is not expected there")
        path = [text]
        plain = text
        while True:
            if self._takes(".", "punct"):
                kind, text = self._peek()
                if kind != "word":
                    raise _unreadable("a name is missing after a dot")
                self._position += 1
                plain += f".{text}"
            elif self._takes("[", "punct"):
                kind, text = self._peek()
                self._position += 1
                if kind != "quoted" or not self._takes("]", "punct"):
                    raise _unreadable("only a quoted key may stand in square brackets")
                plain += f"[{text}]"
            else:
                return tuple(path), plain
            path.append(text)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("", "")

    def _takes(self, text: str, kind: str = "word") -> bool:
        if self._peek() != (kind, text):
            return False
        self._position += 1
        return True


def _split(text: str) -> list[tuple[str, str]]:
    tokens = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise _unreadable(f"{quote(text[position:])} cannot be read")
        token = found[found.lastgroup]
        if found.lastgroup == "quoted":
            token = _ESCAPE.sub(r"\1", token[1:-1]) if token[0] == '"' else token[1:-1]
        tokens.append((found.lastgroup, token))
        position = found.end()
    return tokens


def _look_up(shape: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(shape, Mapping):
            return None
        shape = shape.get(key)
    return shape


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _negated(kept: Filter) -> Filter:
    return lambda shape: not kept(shape)


def _equals(path: tuple[str, ...], wanted: str) -> Filter:
    return lambda shape: _as_text(_look_up(shape, path)) == wanted


def _empty(path: tuple[str, ...]) -> Filter:
    return lambda shape: not _look_up(shape, path)


def _contains(path: tuple[str, ...], wanted: str) -> Filter:
    def is_in(shape: Mapping[str, Any]) -> bool:
        held = _look_up(shape, path)
        if isinstance(held, str):
            return wanted in held
        if isinstance(held, Mapping):
            return wanted in held
        return isinstance(held, list | tuple) and any(_as_text(item) == wanted for item in held)

    return is_in
