"""Who a node is: an Ed25519 key, and an id that commits to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self

from nacl.bindings import (
    crypto_sign,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import CryptoError

from protocol.error import InvalidRequest, MalformedMessage
from protocol.ulid import TIME_SIZE, ULID_SIZE, ClusterId, MemberId, compose_ulid, ulid_time_ms
from protocol.wire.fact import KIND_FACT
from protocol.wire.statement import (
    KIND_ACCUSATION,
    KIND_EVICTION,
    KIND_RECORD,
    KIND_REVOCATION,
    SIGNATURE_SIZE,
)

Entropy = Callable[[int], bytes]
"""Gives that many unpredictable bytes: os.urandom in a node, fixed bytes in a test."""

SEED_SIZE = 32

_FILE_MAGIC = b"SHOALID\x01"
IDENTITY_SIZE = len(_FILE_MAGIC) + ULID_SIZE + SEED_SIZE
"""An identity on disk: magic and version (8), id (16), Ed25519 seed (32)."""

_COMMITMENT_PERSON = b"shoal-member-id"
_COMMITMENT_SIZE = ULID_SIZE - TIME_SIZE

_DOMAINS = {
    KIND_RECORD: b"shoal record 1\x00",
    KIND_ACCUSATION: b"shoal accusation 1\x00",
    KIND_EVICTION: b"shoal eviction 1\x00",
    KIND_REVOCATION: b"shoal revocation 1\x00",
    KIND_FACT: b"shoal fact 1\x00",
}
"""What a signature is for, by the kind byte that follows. Each ends in a zero, so none begins another."""


def derive_member_id(public_key: bytes, time_ms: int) -> MemberId:
    """Make the id of a key created at `time_ms` (unix ms, 0 to 2**48 - 1).

    48 bits of time, then the first 80 bits of BLAKE2b (person "shoal-member-id") over the public key
    and those 6 bytes of time. To find another key for a given id takes about 2**80 tries.
    """
    time = time_ms.to_bytes(TIME_SIZE, "big")
    digest = blake2b(public_key + time, person=_COMMITMENT_PERSON).digest()
    return MemberId(compose_ulid(time_ms, digest[:_COMMITMENT_SIZE]))


def commits(id: MemberId, public_key: bytes) -> bool:
    """Tell whether an id was made from this key."""
    return derive_member_id(public_key, ulid_time_ms(id)) == id


def exchange_key(public_key: bytes) -> bytes:
    """Give the X25519 key that belongs to an Ed25519 public key (about 40 us).

    Raises:
        MalformedMessage: libsodium refuses the key: not on the curve, of small order, or outside the
            main subgroup.
    """
    try:
        return crypto_sign_ed25519_pk_to_curve25519(public_key)
    except CryptoError:
        raise MalformedMessage("the public key is no point that libsodium accepts") from None


def is_signed(signature: bytes, text: bytes, public_key: bytes) -> bool:
    """Tell whether the owner of `public_key` signed `text` (about 47 us)."""
    try:
        crypto_sign_open(signature + text, public_key)
    except CryptoError:
        return False
    return True


def statement_text(cluster_id: ClusterId, body: bytes) -> bytes:
    """Give what is signed for a statement of `body` (kind byte, then msgpack): domain, cluster id, body.

    Raises:
        KeyError: the kind byte is none of the five.
    """
    return _DOMAINS[body[0]] + cluster_id + body


@dataclass(frozen=True, slots=True)
class Identity:
    """A node's key pair with everything that follows from it; made once, kept in a file of mode 0600."""

    id: MemberId
    public_key: bytes
    time_ms: int
    """Creation, unix ms: what the id carries."""
    seed: bytes = field(repr=False)
    _signing_key: bytes = field(repr=False)
    exchange_secret: bytes = field(repr=False)
    """The X25519 secret that belongs to the signing key, for the shared keys of datagrams."""

    @classmethod
    def generate(cls, now_ms: int, entropy: Entropy) -> Self:
        """Make a new identity from 32 bytes of entropy."""
        return cls._derive(entropy(SEED_SIZE), now_ms)

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self:
        """Read what `to_bytes` gave. The id commits to key and time, so any damage shows.

        Raises:
            MalformedMessage: another size or version, or the id does not belong to the key.
        """
        if len(blob) != IDENTITY_SIZE:
            raise MalformedMessage(f"an identity of {len(blob)} bytes, not {IDENTITY_SIZE}")
        if not blob.startswith(_FILE_MAGIC):
            raise MalformedMessage("not an identity of version 1")
        id = blob[len(_FILE_MAGIC) : len(_FILE_MAGIC) + ULID_SIZE]
        identity = cls._derive(blob[-SEED_SIZE:], ulid_time_ms(id))
        if identity.id != id:
            raise MalformedMessage("the identity is damaged: its id does not belong to its key")
        return identity

    def to_bytes(self) -> bytes:
        """Give the 56 bytes that go to disk: magic and version, id, seed."""
        return _FILE_MAGIC + self.id + self.seed

    def sign(self, text: bytes) -> bytes:
        """Sign bytes that begin with a domain of their own; 64 bytes."""
        return crypto_sign(text, self._signing_key)[:SIGNATURE_SIZE]

    @classmethod
    def _derive(cls, seed: bytes, time_ms: int) -> Self:
        public_key, signing_key = crypto_sign_seed_keypair(seed)
        return cls(
            id=derive_member_id(public_key, time_ms),
            public_key=public_key,
            time_ms=time_ms,
            seed=seed,
            _signing_key=signing_key,
            exchange_secret=crypto_sign_ed25519_sk_to_curve25519(signing_key),
        )


class StatementSigner:
    """Signs this node's statements; swim gets `sign` and knows no key."""

    __slots__ = ("_cluster_id", "_identity")

    def __init__(self, identity: Identity, cluster_id: ClusterId) -> None:
        self._identity = identity
        self._cluster_id = cluster_id

    def sign(self, body: bytes) -> bytes:
        """Give the 64-byte signature that goes before `body` (kind byte, then msgpack).

        Raises:
            InvalidRequest: the kind byte is none of record, accusation, eviction, revocation and fact.
        """
        if not body or body[0] not in _DOMAINS:
            raise InvalidRequest("only records, accusations, evictions, revocations and facts are signed as statements")
        return self._identity.sign(statement_text(self._cluster_id, body))
