"""Authors and their statements, for tests below the signatures: a signature here is a hash."""

from dataclasses import dataclass
from hashlib import blake2b

from hypothesis import strategies as st

from protocol.address import Address
from protocol.ulid import MemberId, compose_ulid
from protocol.wire.message import Claim, Topic
from protocol.wire.statement import (
    Accusation,
    Eviction,
    Record,
    Revocation,
    Statement,
    decode_statement,
    encode_accusation,
    encode_eviction,
    encode_record,
    encode_revocation,
)

HOME = Address("10.0.0.1", 7946)


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who signs; `salt` makes another signature of the same words."""

    key: bytes
    id: MemberId

    def sign(self, body: bytes, salt: bytes = b"") -> bytes:
        """Give 64 bytes; simulations.world signs in the same way."""
        return blake2b(self.key + body + salt, digest_size=64).digest()

    def record(
        self,
        incarnation: int = 1,
        *,
        goodbye: bool = False,
        name: str | None = None,
        address: Address = HOME,
        start: int = 1,
        license_id: str = "",
        display_name: str = "",
        tags: dict[str, str] | None = None,
        salt: bytes = b"",
    ) -> Record:
        """Sign a record."""
        body = encode_record(
            id=self.id,
            public_key=self.key,
            name=name or f"n{int.from_bytes(self.id[6:], 'big')}",
            address=address,
            incarnation=incarnation,
            goodbye=goodbye,
            start=start,
            protocol_range=(1, 1, 1),
            version="1",
            license_id=license_id,
            display_name=display_name,
            tags=tags or {},
        )
        statement = decode_statement(self.sign(body, salt) + body)
        assert isinstance(statement, Record)
        return statement

    def accuse(self, subject: MemberId, incarnation: int = 1, *, salt: bytes = b"") -> Accusation:
        """Sign an accusation."""
        body = encode_accusation(self.id, subject, incarnation)
        return Accusation(self.sign(body, salt) + body, self.id, subject, incarnation)

    def evict(self, subject: MemberId, incarnation: int = 1, *, prune: bool = False, salt: bytes = b"") -> Eviction:
        """Sign an eviction."""
        body = encode_eviction(self.id, subject, incarnation, prune)
        return Eviction(self.sign(body, salt) + body, self.id, subject, incarnation, prune)

    def revoke(self, subject: MemberId, version: int = 1, *, revoked: bool = True, salt: bytes = b"") -> Revocation:
        """Sign that an id is out, or in again."""
        body = encode_revocation(self.id, self.key, subject, version, revoked)
        return Revocation(self.sign(body, salt) + body, self.id, self.key, subject, version, revoked)


def author(index: int) -> Author:
    """Give the same author for the same number; ids sort by it, and its last byte ends them."""
    key = bytes((index,)) * 32 if index < 256 else index.to_bytes(32, "big")
    return Author(key, MemberId(compose_ulid(1_700_000_000_000 + index, index.to_bytes(10, "big"))))


def open_any(raw: bytes) -> Statement | None:
    """Take any well-formed statement as verified."""
    return decode_statement(raw)


authors = st.integers(0, 255).map(author)
ids = st.binary(min_size=16, max_size=16).map(MemberId)
incarnations = st.integers(0, (1 << 63) - 2)
ages = st.integers(0, 100 * 365 * 86_400)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
hosts = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
addresses = st.builds(Address, hosts, st.integers(1, 65_535))
texts = st.text(st.characters(categories=("L", "N", "P", "S")), max_size=12)
tags = st.dictionaries(texts.filter(bool), texts, max_size=4)
numbers = st.integers(0, (1 << 32) - 1)
hashes = st.integers(0, (1 << 64) - 1)
topics = st.sampled_from(Topic)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Draw any record."""
    return draw(authors).record(
        draw(incarnations),
        goodbye=draw(st.booleans()),
        name=draw(names),
        address=draw(addresses),
        start=draw(hashes),
        license_id=draw(texts),
        display_name=draw(texts),
        tags=draw(tags),
    )


accusations = st.builds(lambda who, subject, i: who.accuse(subject, i), authors, ids, incarnations)
evictions = st.builds(
    lambda who, subject, i, p: who.evict(subject, i, prune=p), authors, ids, incarnations, st.booleans()
)
revocations = st.builds(
    lambda who, subject, v, r: who.revoke(subject, v, revoked=r), authors, ids, incarnations, st.booleans()
).filter(lambda word: word.issuer != word.subject)
statements = st.one_of(records(), accusations, evictions, revocations)
claims = st.builds(Claim, statements, ages)
record_claims = st.builds(Claim, records(), ages)
