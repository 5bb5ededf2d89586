"""JSON objects as Consul's clients write them: keys in any case and spelling, null for what they leave out.

A key counts in lower case and without its underscores, so `ServiceID`, `serviceid` and `service_id` are one; of two
such the last counts. Unknown keys are ignored, as 0.7 does: later versions refuse them, which breaks clients.

Text is taken in any bytes, as Go takes it: what is no Unicode becomes U+FFFD, for a heartbeat must not be lost for the
words in it. Only names and ids are strict: two of them would become one.
"""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, cast

import msgspec
from quart import request

from api.consul.duration import read_duration
from api.duration import DURATION_MAX, SECOND
from api.text import is_unicode, mend_text
from protocol.error import InvalidRequest

_INTEGER_MAX: Final = (1 << 63) - 1
_BLANKS: Final = " \t\r\n"


async def read_fields() -> "Fields":
    """Read the body of the request in hand, whatever its Content-Type says.

    Raises:
        InvalidRequest: it is no JSON object; the text begins as Consul's does.
    """
    body = cast(bytes, await request.get_data(as_text=False))
    if not body.strip():
        raise undecoded("EOF")
    try:
        value = _decode(body)
    except ValueError:
        raise undecoded("the body is not JSON") from None
    except RecursionError:
        raise undecoded("the body is nested too deeply") from None
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise undecoded(f"the body is {_kind(value)}, and this route reads an object")
    return Fields(value)


def _decode(body: bytes) -> Any:
    """Decode JSON; a byte that is no UTF-8, and half a pair of surrogates, are lone surrogates in it.

    As Go's decoder does, it reads one value, whatever follows.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError):  # msgspec takes neither of the two
        text = body.decode(errors="surrogateescape").lstrip(_BLANKS)
        value, _ = _DECODER.raw_decode(text)
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def undecoded(reason: str) -> InvalidRequest:
    """Word a refusal of a body."""
    return InvalidRequest(f"Request decode failed: {reason}")


class Fields:
    """One JSON object; whatever is absent is the empty or zero value. All readers raise InvalidRequest."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {key.lower().replace("_", ""): value for key, value in values.items() if value is not None}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it that says anything."""
        return not any(self._values.values())

    def text(self, name: str) -> str:
        """Read text of any bytes: what is no Unicode becomes U+FFFD."""
        return mend_text(self._raw_text(name))

    def name(self, name: str) -> str:
        """Read a name or an id, which must be Unicode."""
        value = self._raw_text(name)
        if not is_unicode(value):
            raise undecoded(f"{name} is not UTF-8, and names and ids must be")
        return value

    def first_name(self, *names: str) -> str:
        """Read the first name or id that is not empty."""
        return next((text for name in names if (text := self.name(name))), "")

    def _raw_text(self, name: str) -> str:
        value = self._values.get(name, "")
        if not isinstance(value, str):
            raise _wrong(name, "text", value)
        return value

    def flag(self, name: str) -> bool:
        """Read a boolean."""
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise _wrong(name, "true or false", value)
        return value

    def integer(self, name: str, default: int = 0) -> int:
        """Read a whole number of 64 bits; 8000.0 is one."""
        value = self._values.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _INTEGER_MAX:
            raise _wrong(name, "a whole number", value)
        return value

    def duration_s(self, name: str) -> float:
        """Read a duration as Go writes it, or nanoseconds as a number; give seconds."""
        value = self._values.get(name, 0)
        if isinstance(value, str):
            if not value:
                return 0.0
            try:
                return read_duration(value) / SECOND
            except ValueError as wrong:
                raise undecoded(str(wrong)) from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(name, "a duration", value)
        if not isfinite(value) or abs(value) > DURATION_MAX:
            raise undecoded(f"{name} is longer than any duration")
        return value / SECOND

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of text; null in it is the empty text."""
        value = self._values.get(name, [])
        if not isinstance(value, list) or not all(item is None or isinstance(item, str) for item in value):
            raise _wrong(name, "a list of text", value)
        return tuple(mend_text(item or "") for item in value)

    def text_map(self, name: str) -> dict[str, str]:
        """Read an object of text; its keys stay as they are, and null in it is the empty text."""
        value = self._values.get(name, {})
        if not isinstance(value, dict) or not all(item is None or isinstance(item, str) for item in value.values()):
            raise _wrong(name, "an object of text", value)
        return {_key(name, key): mend_text(item or "") for key, item in value.items()}

    def texts_map(self, name: str) -> dict[str, tuple[str, ...]]:
        """Read an object of lists of text; its keys stay as they are, and null is the empty list or text."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise _wrong(name, "an object of lists of text", value)
        lists = {_key(name, key): items or [] for key, items in value.items()}
        for items in lists.values():
            if not isinstance(items, list) or not all(item is None or isinstance(item, str) for item in items):
                raise _wrong(name, "an object of lists of text", items)
        return {key: tuple(mend_text(item or "") for item in items) for key, items in lists.items()}

    def part_map(self, name: str) -> "dict[str, Fields]":
        """Read an object of objects; its keys stay as they are, and null in it is an empty one."""
        value = self._values.get(name, {})
        if not isinstance(value, dict) or not all(item is None or isinstance(item, dict) for item in value.values()):
            raise _wrong(name, "an object of objects", value)
        return {_key(name, key): Fields(item or {}) for key, item in value.items()}

    def part(self, name: str) -> "Fields | None":
        """Read an object within; None: there is none."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            raise _wrong(name, "an object", value)
        return None if value is None else Fields(value)

    def parts(self, name: str) -> "list[Fields]":
        """Read a list of objects; null among them is none."""
        value = self._values.get(name, [])
        if not isinstance(value, list) or not all(item is None or isinstance(item, dict) for item in value):
            raise _wrong(name, "a list of objects", value)
        return [Fields(item) for item in value if item is not None]


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)


def _key(name: str, key: str) -> str:
    if not is_unicode(key):
        raise undecoded(f"a key of {name} is not UTF-8, and names must be")
    return key


def _wrong(name: str, wanted: str, value: object) -> InvalidRequest:
    return undecoded(f"{name} must be {wanted}, not {_kind(value)}")


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "this number"
        case str():
            return "text"
        case list():
            return "this list"
        case _:
            return "this object"
