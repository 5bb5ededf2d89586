"""The first two frames of a stream: what is said in clear, and what only holders of a cluster key read.

    clear  "SHOAL" | type, 1 initiator, 2 responder | lowest version | highest version |
           ephemeral X25519 key (32) | nonce (24) | key count | key ids (4 each)
    wraps  for each key id: AEAD(hello key of that cluster key; ad = clear; content key)   48 bytes each
    sealed AEAD(content key; ad = clear; msgpack [id, public key, name, license id, cluster id,
           host (4 or 16), port, purpose])

    refusal in clear  "SHOAL" | type 3 | reason as text

An initiator lists and wraps for every key it holds, so one that was away while another key came into
use is still understood; a responder lists only the key it chose. All seals of a hello share one nonce
under unrelated keys. A third party sees versions, key ids and sizes, and no identity.
"""

import struct
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any

from protocol.address import PORT_MAX, Address
from protocol.error import MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.aead import KEY_SIZE, NONCE_SIZE, TAG_SIZE, open_sealed, seal
from protocol.security.identity import Entropy, Identity
from protocol.security.keyring import KEY_COUNT_MAX, KEY_ID_SIZE, Keyring
from protocol.ulid import ULID_SIZE, ClusterId, MemberId
from protocol.wire.field import pack, take_bytes, take_int, take_text, take_tuple, unpack
from protocol.wire.statement import LICENSE_ID_LENGTH_MAX, PUBLIC_KEY_SIZE, check_name

MAGIC = b"SHOAL"
TYPE_INITIATOR = 1
TYPE_RESPONDER = 2
TYPE_REFUSAL = 3

VERSIONS = (1, 1)
"""Lowest and highest protocol version this code speaks."""

HELLO_SIZE_MAX = 1_024
"""A hello with eight keys, the longest name and a license id of 64 four-byte letters is 914 bytes."""

_WRAP_SIZE = KEY_SIZE + TAG_SIZE
_CLEAR = struct.Struct(f">5sBBB{KEY_SIZE}s{NONCE_SIZE}sB")
_HELLO_PERSON = b"shoal-hello-1"
_REFUSALS_IN_CLEAR = {
    refusal.value.encode(): refusal for refusal in (Refusal.VERSION, Refusal.UNKNOWN_KEY, Refusal.BUSY)
}


@dataclass(frozen=True, slots=True)
class OwnHello:
    """What this node says of itself on a stream, beside its identity and cluster."""

    name: str
    license_id: str
    address: Address
    """Where its gossip is received, as advertised."""
    purpose: Purpose | None = None
    """What an initiator opens the stream for; None for a responder."""
    versions: tuple[int, int] = VERSIONS


@dataclass(frozen=True, slots=True)
class PeerHello:
    """What the peer said of itself; proven once the handshake waits for a decision."""

    id: MemberId
    public_key: bytes
    name: str
    license_id: str
    cluster_id: ClusterId
    address: Address
    purpose: Purpose | None
    """Given by initiators only."""
    version: int
    """The highest protocol version both speak."""
    key_id: bytes
    """The cluster key this stream is bound to."""


@dataclass(frozen=True, slots=True)
class SealedHello:
    """A hello of which only the clear part was read."""

    kind: int
    versions: tuple[int, int]
    ephemeral: bytes
    nonce: bytes
    key_ids: tuple[bytes, ...]
    clear: bytes
    sealed: bytes
    """Wraps and content."""


def encode_hello(
    kind: int,
    own: OwnHello,
    identity: Identity,
    keyring: Keyring,
    key_ids: tuple[bytes, ...],
    ephemeral: bytes,
    entropy: Entropy,
) -> bytes:
    """Give the frame (without its length) of a hello that holders of any of `key_ids` can read."""
    nonce = entropy(NONCE_SIZE)
    content_key = entropy(KEY_SIZE)
    clear = _CLEAR.pack(MAGIC, kind, *own.versions, ephemeral, nonce, len(key_ids)) + b"".join(key_ids)
    wraps = [seal(content_key, clear, nonce, _hello_key(keyring.key_for(key_id) or b"")) for key_id in key_ids]
    content = pack(
        (
            identity.id, identity.public_key, own.name, own.license_id, keyring.cluster_id,
            own.address.packed_host(), own.address.port, own.purpose or 0,
        )
    )  # fmt: skip
    return clear + b"".join(wraps) + seal(content, clear, nonce, content_key)


def read_clear(frame: bytes, kind: int) -> SealedHello:
    """Read the clear part of a hello of the kind awaited.

    Raises:
        MalformedMessage: not a hello of this protocol, or a bound not kept.
    """
    if not frame.startswith(MAGIC) or len(frame) < _CLEAR.size:
        raise MalformedMessage("not a hello of this protocol")
    _, found, lowest, highest, ephemeral, nonce, count = _CLEAR.unpack_from(frame)
    if found != kind:
        raise MalformedMessage(f"a frame of type {found}, awaited was {kind}")
    if not 1 <= count <= KEY_COUNT_MAX:
        raise MalformedMessage(f"{count} key ids, allowed are 1 to {KEY_COUNT_MAX}")
    if lowest > highest:
        raise MalformedMessage(f"versions {lowest} to {highest}")
    end = _CLEAR.size + count * KEY_ID_SIZE
    if len(frame) <= end + count * _WRAP_SIZE:
        raise MalformedMessage("a hello without its sealed part")
    clear = frame[:end]
    key_ids = tuple(clear[at : at + KEY_ID_SIZE] for at in range(_CLEAR.size, end, KEY_ID_SIZE))
    return SealedHello(kind, (lowest, highest), ephemeral, nonce, key_ids, clear, frame[end:])


def choose_key(hello: SealedHello, keyring: Keyring) -> bytes | None:
    """Give the id of the key to read a hello with: ours in use, else our newest, that its writer holds."""
    return next((key_id for key_id in keyring.key_ids if key_id in hello.key_ids), None)


def choose_version(hello: SealedHello, own: tuple[int, int]) -> int | None:
    """Give the highest version that both ranges contain."""
    version = min(hello.versions[1], own[1])
    return version if version >= max(hello.versions[0], own[0]) else None


def open_hello(hello: SealedHello, key_id: bytes, cluster_key: bytes, version: int) -> PeerHello | None:
    """Read the sealed part; None when this key does not open it.

    Raises:
        MalformedMessage: it opens, and what is inside is no hello.
    """
    at = hello.key_ids.index(key_id) * _WRAP_SIZE
    wrap = hello.sealed[at : at + _WRAP_SIZE]
    content = hello.sealed[len(hello.key_ids) * _WRAP_SIZE :]
    content_key = open_sealed(wrap, hello.clear, hello.nonce, _hello_key(cluster_key))
    if content_key is None:
        return None
    text = open_sealed(content, hello.clear, hello.nonce, content_key)
    if text is None:
        return None
    return _read_content(unpack(text), hello.kind, key_id, version)


def encode_refusal(reason: Refusal) -> bytes:
    """Give the frame (without its length) by which a responder that reads nothing says why."""
    return MAGIC + bytes((TYPE_REFUSAL,)) + reason.value.encode()


def read_refusal(frame: bytes) -> Refusal | None:
    """Read a refusal in clear; None when the frame is something else.

    Raises:
        MalformedMessage: a refusal for any reason but version, unknown_key and busy: the others are
            said only under a seal.
    """
    if not frame.startswith(MAGIC + bytes((TYPE_REFUSAL,))):
        return None
    reason = _REFUSALS_IN_CLEAR.get(frame[len(MAGIC) + 1 :])
    if reason is None:
        raise MalformedMessage("a refusal in clear for a reason that is not said in clear")
    return reason


def _hello_key(cluster_key: bytes) -> bytes:
    """Derive what wraps content keys. The cluster id is not in it, so that another one can be told."""
    return blake2b(key=cluster_key, person=_HELLO_PERSON, digest_size=KEY_SIZE).digest()


def _read_content(value: Any, kind: int, key_id: bytes, version: int) -> PeerHello:
    id, public_key, name, license_id, cluster_id, host, port, purpose = take_tuple(value, "hello", 8)
    if type(name) is not str:
        raise MalformedMessage("name is not text")
    if type(host) is not bytes or len(host) not in (4, 16):
        raise MalformedMessage("address is not 4 or 16 bytes")
    least = 1 if kind == TYPE_INITIATOR else 0
    number = take_int(purpose, "purpose", max(Purpose) if least else 0, least)
    return PeerHello(
        id=MemberId(take_bytes(id, "member id", ULID_SIZE)),
        public_key=take_bytes(public_key, "public key", PUBLIC_KEY_SIZE),
        name=check_name(name),
        license_id=take_text(license_id, "license id", LICENSE_ID_LENGTH_MAX),
        cluster_id=ClusterId(take_bytes(cluster_id, "cluster id", ULID_SIZE)),
        address=Address(str(ip_address(host)), take_int(port, "port", PORT_MAX, 1)),
        purpose=Purpose(number) if number else None,
        version=version,
        key_id=key_id,
    )
