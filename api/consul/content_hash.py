"""The hash of a service by which a Consul's clients know that it is another: the same as a Consul has for it.

It is the 64-bit FNV-1 of Go's hashstructure 1.0 over the fields of the Go client's AgentService.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

_OFFSET: Final = 0xCBF2_9CE4_8422_2325
_PRIME: Final = 0x100_0000_01B3
_MASK: Final = (1 << 64) - 1
_WIDTH: Final = 8
"""Bytes of a hash and of an integer."""


def content_hash(shape: Mapping[str, Any]) -> str:
    """Return the hash of a service as `service_shape` has it, in hexadecimal without leading zeros."""
    weights = shape["Weights"]
    fields = {
        "Kind": _text(""),
        "ID": _text(shape["ID"]),
        "Service": _text(shape["Service"]),
        "Tags": _list(map(_text, shape["Tags"])),
        "Meta": _map((_text(key), _text(value)) for key, value in shape["Meta"].items()),
        "Port": _integer(shape["Port"]),
        "Address": _text(shape["Address"]),
        "TaggedAddresses": _map((_text(name), _address(one)) for name, one in shape.get("TaggedAddresses", {}).items()),
        "Weights": _struct(
            "AgentWeights", {"Passing": _integer(weights["Passing"]), "Warning": _integer(weights["Warning"])}
        ),
        "EnableTagOverride": _fnv(bytes([shape["EnableTagOverride"]])),
        "CreateIndex": _NONE,
        "ModifyIndex": _NONE,
        "ContentHash": _text(""),
        "Proxy": _NONE,
        "Connect": _NONE,
    }
    return f"{_struct('AgentService', fields):x}"


def _address(shape: Mapping[str, Any]) -> int:
    return _struct("ServiceAddress", {"Address": _text(shape["Address"]), "Port": _integer(shape["Port"])})


def _fnv(data: bytes) -> int:
    hashed = _OFFSET
    for byte in data:
        hashed = (hashed * _PRIME & _MASK) ^ byte
    return hashed


def _text(text: str) -> int:
    return _fnv(text.encode(errors="replace"))


def _integer(number: int) -> int:
    return _fnv(number.to_bytes(_WIDTH, "little", signed=True))


_NONE: Final = _integer(0)
"""Of a nil pointer, and of an index of 0."""


def _pair(first: int, second: int) -> int:
    return _fnv(first.to_bytes(_WIDTH, "little") + second.to_bytes(_WIDTH, "little"))


def _list(hashes: Iterable[int]) -> int:
    hashed = 0
    for one in hashes:
        hashed = _pair(hashed, one)
    return hashed


def _map(pairs: Iterable[tuple[int, int]]) -> int:
    """Hash keys with their values in any order."""
    hashed = 0
    for key, value in pairs:
        hashed ^= _pair(key, value)
    return hashed


def _struct(name: str, fields: Mapping[str, int]) -> int:
    return _text(name) ^ _map((_text(key), value) for key, value in fields.items())
