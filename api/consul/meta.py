"""Meta keys and values of a registration, held to Consul's rules and refused in its words."""

import re
from collections.abc import Mapping
from typing import Final

from api.answer import ECHO_LENGTH_MAX
from api.consul.wording import one_line
from protocol.error import InvalidRequest

META_MAX: Final = 64
META_KEY_SIZE_MAX: Final = 128
META_VALUE_SIZE_MAX: Final = 512
"""Bytes, though the refusal says characters. All three are Consul's, and no more than `protocol.catalog` carries."""
RESERVED_PREFIX: Final = "consul-"
_KEY: Final = re.compile(r"[a-zA-Z0-9_-]+\Z")


def read_meta(meta: Mapping[str, str]) -> dict[str, str]:
    """Check keys and values; lengths are in bytes.

    Raises:
        InvalidRequest: too many pairs, or one that is out of bounds.
    """
    if len(meta) > META_MAX:
        raise _invalid(f"Node metadata cannot contain more than {META_MAX} key/value pairs")
    for key, value in meta.items():
        wrong = _find_wrong(key, value)
        if wrong:
            raise _invalid(f"Couldn't load metadata pair ('{_show(key)}', '{_show(value)}'): {wrong}")
    return dict(meta)


def _find_wrong(key: str, value: str) -> str:
    if not key:
        return "Key cannot be blank"
    if not _KEY.match(key):
        return "Key contains invalid characters"
    if len(key) > META_KEY_SIZE_MAX:
        return f"Key is too long (limit: {META_KEY_SIZE_MAX} characters)"
    if key.startswith(RESERVED_PREFIX):
        return f"Key prefix '{RESERVED_PREFIX}' is reserved for internal use"
    if len(value.encode()) > META_VALUE_SIZE_MAX:
        return f"Value is too long (limit: {META_VALUE_SIZE_MAX} characters)"
    return ""


def _show(text: str) -> str:
    cut = text if len(text) <= ECHO_LENGTH_MAX else text[:ECHO_LENGTH_MAX] + "..."
    return one_line(cut)


def _invalid(reason: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid Service Meta: {reason}")
