"""The grammar of filters, that of go-bexpr 0.1.2, which Consul 1.8 has.

    Filter   <- _? Or _? EOF
    Or       <- And (_ "or" _ And)*          And <- Not (_ "and" _ Not)*
    Not      <- "not" _ Not / Group          Group <- "(" _? Or _? ")" / Match
    Match    <- Selector (== != contains matches) Value / Selector is (not) empty / Value (not) in Selector
    Selector <- name ("." name / "[" String "]")*
    Value    <- Selector / Number / String   String <- `...` / "..." as Go quotes

The ways to read on are tried in this order, and each may be taken back. Consul reads what is in brackets anew for each
way, so that nine pairs of brackets take it seconds; here it is remembered.
"""

import string
from functools import lru_cache
from typing import Final

from api.consul.filter_expression import BadFilter, Every, Expression, Match, Not, Operator, Some
from api.consul.literal import unquote
from api.consul.scanner import Scanner

DEPTH_MAX: Final = 16
"""Brackets within each other; each is several calls on the stack."""
READ_COUNT_MAX: Final = 256
"""Filters that are kept once they are read: programs ask with the same few again and again."""

_BLANKS: Final = frozenset(" \t\r\n")
_FIRST: Final = frozenset(string.ascii_letters)
_FURTHER: Final = frozenset(string.ascii_letters + string.digits + "_")
_DIGITS: Final = frozenset(string.digits)
_DIGITS_BUT_ZERO: Final = _DIGITS - {"0"}

# operators between blanks, by what they stand behind and before, in the order in which they are tried
_SELECTOR_VALUE: Final = (
    (("contains",), Operator.IN),
    (("not", "contains"), Operator.NOT_IN),
    (("matches",), Operator.MATCHES),
    (("not", "matches"), Operator.NOT_MATCHES),
)
_SELECTOR: Final = ((("is", "empty"), Operator.EMPTY), (("is", "not", "empty"), Operator.NOT_EMPTY))
_VALUE_SELECTOR: Final = ((("in",), Operator.IN), (("not", "in"), Operator.NOT_IN))

_Words = tuple[tuple[tuple[str, ...], Operator], ...]


@lru_cache(READ_COUNT_MAX)
def parse_filter(text: str) -> Expression:
    """Read the text of a filter, whatever its selectors stand for.

    Raises:
        BadFilter: it is not of the grammar, or has more brackets within each other than allowed.
    """
    return _Parser(text).parse()


class _Parser:
    """Reads one filter. Each method reads one rule, or leaves the position as it was and returns None or False."""

    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._depth = 0
        self._read_before: dict[int, tuple[Expression | None, int]] = {}
        """What `_or` made of a position, and where it ended."""

    def parse(self) -> Expression:
        scanner = self._scanner
        found = self._whole()
        if found is None or scanner.complaint:
            raise BadFilter(scanner.refusal())
        return found

    def _whole(self) -> Expression | None:
        """Read the whole text; brackets around all of it are tried first."""
        scanner = self._scanner
        self._blanks()
        if scanner.literal("("):
            found = self._bracketed()
            if found is not None:
                self._blanks()
                if scanner.is_at_end():
                    return found
        scanner.position = 0
        self._blanks()
        found = self._or()
        if found is None:
            return None
        self._blanks()
        return found if scanner.is_at_end() else None

    def _or(self) -> Expression | None:
        start = self._scanner.position
        if start not in self._read_before:
            parts = self._joined("or")
            found = None if not parts else parts[0] if len(parts) == 1 else Some(tuple(parts))
            self._read_before[start] = (found, self._scanner.position)
        found, self._scanner.position = self._read_before[start]
        return found

    def _and(self) -> Expression | None:
        parts = self._joined("and")
        return None if not parts else parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _joined(self, word: str) -> list[Expression]:
        """Read expressions with a word between them; a word that none follows is left."""
        scanner = self._scanner
        parts: list[Expression] = []
        while True:
            start = scanner.position
            if parts and not (self._blanks() and scanner.literal(word) and self._blanks()):
                break
            part = self._and() if word == "or" else self._not()
            if part is None:
                break
            parts.append(part)
        scanner.position = start
        return parts

    def _not(self) -> Expression | None:
        scanner = self._scanner
        starts = [scanner.position]
        while scanner.literal("not") and self._blanks():
            starts.append(scanner.position)
        while starts:  # a "not" that nothing follows may be a name
            scanner.position = starts.pop()
            found = self._group()
            if found is not None:
                return Not(found) if len(starts) % 2 else found
        return None

    def _group(self) -> Expression | None:
        scanner = self._scanner
        start = scanner.position
        if scanner.literal("("):
            found = self._bracketed()
            if found is not None:
                return found
        scanner.position = start
        match = self._match()
        if match is not None:
            return match
        if scanner.literal("(") and self._blanks_or_none() and self._or() is not None:
            self._blanks()
            if scanner.is_not_next(lambda: scanner.literal(")")):
                scanner.complain("grouping", "Unmatched parentheses")
        scanner.position = start
        return None

    def _bracketed(self) -> Expression | None:
        """Read what follows an opening bracket, and the closing one."""
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise BadFilter(f"it has brackets more than {DEPTH_MAX} deep")
        self._blanks()
        found = self._or()
        self._depth -= 1
        if found is None:
            return None
        self._blanks()
        return found if self._scanner.literal(")") else None

    def _match(self) -> Match | None:
        scanner = self._scanner
        start = scanner.position
        for read in (self._selector_operator_value, self._selector_operator, self._value_operator_selector):
            found = read()
            if found is not None:
                return found
            scanner.position = start
        return None

    def _selector_operator_value(self) -> Match | None:
        selector = self._selector()
        if selector is None:
            return None
        operator = self._sign("==", Operator.EQUAL) or self._sign("!=", Operator.NOT_EQUAL)
        operator = operator or self._words(_SELECTOR_VALUE, with_blank=True)
        value = None if operator is None else self._value()
        return None if operator is None or value is None else Match(selector, operator, value)

    def _selector_operator(self) -> Match | None:
        selector = self._selector()
        operator = None if selector is None else self._words(_SELECTOR, with_blank=False)
        return None if selector is None or operator is None else Match(selector, operator, None)

    def _value_operator_selector(self) -> Match | None:
        scanner = self._scanner
        value = self._value()
        operator = None if value is None else self._words(_VALUE_SELECTOR, with_blank=True)
        if operator is None:
            return None
        selector = self._selector()
        if selector is not None:
            return Match(selector, operator, value)
        if scanner.is_not_next(lambda: self._selector() is not None):
            scanner.complain("match", "Invalid selector")
        return None

    def _sign(self, sign: str, operator: Operator) -> Operator | None:
        start = self._scanner.position
        self._blanks()
        if not self._scanner.literal(sign):
            self._scanner.position = start
            return None
        self._blanks()
        return operator

    def _words(self, choices: _Words, *, with_blank: bool) -> Operator | None:
        """Read the words of an operator, a blank before each, and one behind the last where it takes one."""
        start = self._scanner.position
        for words, operator in choices:
            is_read = all(self._blanks() and self._scanner.literal(word) for word in words)
            if is_read and (not with_blank or self._blanks()):
                return operator
            self._scanner.position = start
        return None

    def _selector(self) -> tuple[str, ...] | None:
        name = self._name()
        if name is None:
            return None
        names = []
        while name is not None:
            names.append(name)
            name = self._further_name()
        return tuple(names)

    def _further_name(self) -> str | None:
        scanner = self._scanner
        start = scanner.position
        if scanner.literal("."):
            name = self._name()
            if name is not None:
                return name
        scanner.position = start
        key = self._index()
        if key is None:
            scanner.position = start
        return key

    def _index(self) -> str | None:
        """Read a key in square brackets; the two complaints are about what is no text, and what does not end."""
        scanner = self._scanner
        if not scanner.literal("["):
            return None
        self._blanks()
        begin = scanner.position
        key = self._string()
        if key is not None:
            self._blanks()
            if scanner.literal("]"):
                return key
            if scanner.is_not_next(lambda: scanner.literal("]")):
                scanner.complain("index", "Unclosed index expression")
            return None
        scanner.position = begin
        if scanner.is_not_next(lambda: self._string() is not None):
            scanner.complain("index", "Invalid index")
        return None

    def _name(self) -> str | None:
        scanner = self._scanner
        start = scanner.position
        if not scanner.letter(_FIRST, "[a-zA-Z]"):
            return None
        scanner.letters(_FURTHER, "[a-zA-Z0-9_]")
        return scanner.since(start)

    def _value(self) -> str | None:
        selector = self._selector()
        if selector is not None:
            return ".".join(selector)
        number = self._number()
        return self._string() if number is None else number

    def _number(self) -> str | None:
        scanner = self._scanner
        start = scanner.position
        scanner.literal("-")
        if self._digits():
            if scanner.is_next(self._ends_number):
                return scanner.since(start)
            if scanner.is_not_next(self._ends_number):
                scanner.complain("number", "Invalid number literal")
        scanner.position = start
        return None

    def _ends_number(self) -> bool:
        scanner = self._scanner
        return self._blanks() or scanner.is_at_end() or scanner.literal(")")

    def _digits(self) -> bool:
        scanner = self._scanner
        if not scanner.literal("0"):
            if not scanner.letter(_DIGITS_BUT_ZERO, "[1-9]"):
                return False
            scanner.letters(_DIGITS, "[0-9]")
        whole = scanner.position
        if not (scanner.literal(".") and scanner.letters(_DIGITS, "[0-9]")):
            scanner.position = whole
        return True

    def _string(self) -> str | None:
        scanner = self._scanner
        start = scanner.position
        for mark in "`", '"':
            if not scanner.literal(mark):
                continue
            self._up_to(mark)
            if scanner.literal(mark):
                try:
                    return unquote(scanner.since(start))
                except ValueError as wrong:
                    scanner.complain("string", str(wrong), start)
                    return ""
            if scanner.is_at_end():
                scanner.complain("string", "Unterminated string literal")
            scanner.position = start
        return None

    def _up_to(self, mark: str) -> None:
        scanner = self._scanner
        while scanner.is_not_next(lambda: scanner.literal(mark)) and scanner.any_letter():
            pass

    def _blanks(self) -> bool:
        return self._scanner.letters(_BLANKS, r"[ \t\r\n]")

    def _blanks_or_none(self) -> bool:
        self._blanks()
        return True
