"""A cluster's license: a signed text that says how many members may be in it, and until when.

    {"payload": base64 of the payload's exact bytes, "issuer": base64 of an Ed25519 public key (32 bytes),
     "signature": base64 of 64 bytes over "shoal license 1\\0" and those payload bytes}

    payload: {"license_id": text, "max_nodes": int, "issued_at": RFC 3339 in UTC with Z, "expires_at": the same or null}

The payload is signed as the bytes that it is, so nothing is ever written anew to be checked. Keys of the
payload that are not known here are of a later version, and ignored; the file itself has these three only, for
what is outside of the payload nobody signed. Issuer and license id together are the `identity`; a later
issued_at of the same identity is a renewal.
"""

import json
import re
from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from protocol.error import InvalidRequest
from protocol.security.identity import is_signed
from protocol.security.signing_key import PUBLIC_KEY_SIZE, SigningKey, format_public_key
from protocol.security.utc_time import format_utc, parse_utc
from protocol.wire.statement import SIGNATURE_SIZE

LICENSE_SIZE_MAX: Final = 8_192
"""Characters of a license file: one takes 420, the rest is room for what a later payload says."""
LICENSE_MAX_NODES: Final = 16_384
"""What one process is sized for."""
LICENSE_ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")

_DOMAIN = b"shoal license 1\x00"
_PERSON = b"shoal-license-id"
_ISSUER_TAG_SIZE = 8
_FIELDS = {"payload", "issuer", "signature"}
_PAYLOAD_FIELDS = {"license_id", "max_nodes", "issued_at", "expires_at"}
_SHOWN_MAX = 60
"""What is quoted of a wrong value."""


@dataclass(frozen=True, slots=True)
class License:
    """A license whose signature is its issuer's. Two are equal that say the same, however their files are spaced."""

    text: str = field(compare=False, repr=False)
    """The file, exactly."""
    license_id: str
    """1 to 40 of letters, digits, '.', '_' and '-'."""
    issuer: bytes
    """Ed25519 public key, 32 bytes."""
    max_nodes: int
    """1 to 16,384."""
    issued_at_ms: int
    """Unix ms, as `expires_at_ms`."""
    expires_at_ms: int | None
    """None: never."""

    @property
    def identity(self) -> str:
        """What records and handshakes carry, at most 57 letters: the id, "@", and 16 hex letters for the issuer.

        Those are BLAKE2b of the issuer's key (digest size 8, person "shoal-license-id").
        """
        tag = blake2b(self.issuer, digest_size=_ISSUER_TAG_SIZE, person=_PERSON).hexdigest()
        return f"{self.license_id}@{tag}"


def issue_license(
    key: SigningKey, *, license_id: str, max_nodes: int, issued_at_ms: int, expires_at_ms: int | None
) -> License:
    """Sign a license; its `text` is the file to hand out.

    Raises:
        InvalidRequest: a value that `open_license` would refuse.
    """
    payload = {
        "license_id": license_id,
        "max_nodes": max_nodes,
        "issued_at": format_utc(issued_at_ms),
        "expires_at": None if expires_at_ms is None else format_utc(expires_at_ms),
    }
    raw = json.dumps(payload, separators=(",", ":")).encode()
    envelope = {
        "payload": b64encode(raw).decode(),
        "issuer": format_public_key(key.public_key),
        "signature": b64encode(key.sign(_DOMAIN + raw)).decode(),
    }
    return open_license(json.dumps(envelope, indent=2) + "\n", ())


def open_license(text: str, trusted: Collection[bytes]) -> License:
    """Read a license file and check its signature; `trusted` are the issuers' keys that count, all if it is empty.

    Raises:
        InvalidRequest: with one sentence: no license, damaged, of an issuer that is not trusted, or of values
            that make no sense.
    """
    if len(text) > LICENSE_SIZE_MAX:
        raise InvalidRequest(f"a license of {len(text)} characters, at most {LICENSE_SIZE_MAX}")
    envelope = _read_object(text, "the license")
    if envelope.keys() != _FIELDS:
        raise InvalidRequest("not a license: it does not have payload, issuer and signature, and nothing else")
    raw = _read_base64(envelope["payload"], "payload", None)
    issuer = _read_base64(envelope["issuer"], "issuer", PUBLIC_KEY_SIZE)
    signature = _read_base64(envelope["signature"], "signature", SIGNATURE_SIZE)
    if not is_signed(signature, _DOMAIN + raw, issuer):
        raise InvalidRequest("the license is damaged or was edited: its signature does not fit")
    if trusted and issuer not in trusted:
        raise InvalidRequest(
            f"the license is signed by {format_public_key(issuer)}, which is none of the trusted license_issuers"
        )
    return _read_payload(text, raw, issuer)


def renews(held: License, fresh: License) -> None:
    """Check that a license may take another's place while nodes run under it.

    Raises:
        InvalidRequest: it is another license, or was not issued later.
    """
    if fresh.identity != held.identity:
        raise InvalidRequest(
            f"another license: this node runs under {held.identity}, and {fresh.identity} takes a restart of all nodes"
        )
    if fresh.issued_at_ms <= held.issued_at_ms:
        raise InvalidRequest(
            f"license {held.license_id} issued at {format_utc(held.issued_at_ms)} is in force, and this one, issued at "
            f"{format_utc(fresh.issued_at_ms)}, is not later"
        )


def _read_payload(text: str, raw: bytes, issuer: bytes) -> License:
    try:
        written = raw.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("the license's payload is not UTF-8") from None
    payload = _read_object(written, "the license's payload")
    missing = sorted(_PAYLOAD_FIELDS - payload.keys())
    if missing:
        raise InvalidRequest(f"the license's payload lacks {', '.join(missing)}")
    license_id, max_nodes = payload["license_id"], payload["max_nodes"]
    if not (isinstance(license_id, str) and LICENSE_ID_PATTERN.match(license_id)):
        raise InvalidRequest(
            f"license_id is {_quote(license_id)}, not 1 to 40 letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit"
        )
    if type(max_nodes) is not int or not 1 <= max_nodes <= LICENSE_MAX_NODES:  # True is an int to isinstance
        raise InvalidRequest(f"max_nodes is {_quote(max_nodes)}, not a whole number from 1 to {LICENSE_MAX_NODES}")
    issued_at_ms = _read_time(payload["issued_at"], "issued_at")
    expires_at = payload["expires_at"]
    expires_at_ms = None if expires_at is None else _read_time(expires_at, "expires_at")
    if expires_at_ms is not None and expires_at_ms <= issued_at_ms:
        raise InvalidRequest(
            f"the license expires at {format_utc(expires_at_ms)}, which is not after {format_utc(issued_at_ms)}, "
            "when it was issued"
        )
    return License(text, license_id, issuer, max_nodes, issued_at_ms, expires_at_ms)


def _read_object(text: str, noun: str) -> dict[str, Any]:
    """Read a JSON object, more strictly than `json` does: no key twice, and none of its NaN and Infinity."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except _Twice as twice:
        raise InvalidRequest(f"{noun} has {_quote(twice.key)} twice") from None
    except RecursionError:
        raise InvalidRequest(f"{noun} is nested too deeply") from None
    except ValueError:  # JSONDecodeError, and an int of over 4,300 digits
        raise InvalidRequest(f"{noun} is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidRequest(f"{noun} is not a JSON object")
    return value


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = value
    return found


def _refuse_constant(word: str) -> Any:
    raise ValueError(word)


def _read_base64(value: object, noun: str, size: int | None) -> bytes:
    """Read base64 in its canonical form: whatever else decodes to the same bytes is not what was issued."""
    try:
        raw = a2b_base64(value, strict_mode=True) if isinstance(value, str) else None
    except (NotBase64, ValueError):  # ValueError: letters outside ASCII
        raw = None
    if raw is None or b64encode(raw).decode() != value:
        raise InvalidRequest(f"the license's {noun} is not base64")
    if size is not None and len(raw) != size:
        raise InvalidRequest(f"the license's {noun} has {len(raw)} bytes, not {size}")
    return raw


def _read_time(value: object, noun: str) -> int:
    if not isinstance(value, str):
        raise InvalidRequest(f"{noun} is {_quote(value)}, not a time such as 2027-01-01T00:00:00Z")
    try:
        return parse_utc(value)
    except ValueError as wrong:
        raise InvalidRequest(f"{noun}: {wrong}") from None


def _quote(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= _SHOWN_MAX else shown[:_SHOWN_MAX] + "..."
