"""What the subjects work on: real identities, one cluster, and signed statements."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from protocol.address import Address
from protocol.security.identity import Identity, StatementSigner
from protocol.security.keyring import Keyring
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import (
    Accusation,
    Record,
    Statement,
    decode_statement,
    encode_accusation,
    encode_record,
)

NOW_MS = 1_700_000_000_000
INCARNATION = NOW_MS
TAGS = {"dc": "dc1", "region": "global"}
"""What every node's record has."""

Entropy = Callable[[int], bytes]

S = TypeVar("S", bound=Statement)


@dataclass(frozen=True, slots=True)
class Author:
    """An identity that can sign."""

    identity: Identity
    signer: StatementSigner
    name: str
    address: Address

    @property
    def id(self) -> MemberId:
        """Whose statements these are."""
        return self.identity.id

    def record(self, incarnation: int = INCARNATION) -> Record:
        """Sign a record."""
        body = encode_record(
            id=self.identity.id,
            public_key=self.identity.public_key,
            name=self.name,
            address=self.address,
            incarnation=incarnation,
            goodbye=False,
            start=incarnation,
            protocol_range=(1, 1, 1),
            version="0.1.0",
            license_id="",
            display_name="",
            tags=TAGS,
        )
        return _as(Record, self.signer.sign(body) + body)

    def claim(self, incarnation: int = INCARNATION) -> Claim:
        """Sign a record, as a packet carries it."""
        return Claim(self.record(incarnation))

    def accuse(self, subject: MemberId, incarnation: int = INCARNATION) -> Accusation:
        """Sign an accusation."""
        body = encode_accusation(self.id, subject, incarnation)
        return _as(Accusation, self.signer.sign(body) + body)


def make_keyring(entropy: Entropy = os.urandom) -> Keyring:
    """Make a cluster."""
    return Keyring.generate(NOW_MS, entropy)


def make_author(keyring: Keyring, index: int, entropy: Entropy = os.urandom) -> Author:
    """Make a member that was created `index` ms after the first."""
    identity = Identity.generate(NOW_MS + index, entropy)
    address = Address(f"10.{index // 62_500}.{index // 250 % 250}.{index % 250 + 1}", 7946)
    return Author(identity, StatementSigner(identity, keyring.cluster_id), f"node-{index:05}", address)


def make_authors(keyring: Keyring, count: int, entropy: Entropy = os.urandom) -> list[Author]:
    """Make so many members."""
    return [make_author(keyring, index, entropy) for index in range(count)]


def _as(kind: type[S], raw: bytes) -> S:
    statement = decode_statement(raw)
    if not isinstance(statement, kind):
        raise TypeError(f"{type(statement).__name__} is no {kind.__name__}")
    return statement
