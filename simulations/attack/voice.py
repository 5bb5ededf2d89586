"""Whoever signs: the attacker itself, and members that it made up, which its cluster key makes possible."""

from dataclasses import dataclass, replace

from protocol.address import Address
from protocol.error import MalformedMessage
from protocol.swim.verdict import Sign
from protocol.ulid import MemberId
from protocol.wire.fact import Fact, encode_fact
from protocol.wire.statement import (
    SIGNATURE_SIZE,
    Accusation,
    Eviction,
    Record,
    Revocation,
    decode_statement,
    encode_accusation,
    encode_eviction,
    encode_record,
    encode_revocation,
)
from simulations.world import EPOCH_MS, Node, World
from simulations.world.node import Disk

MADE_UP_FIRST = 10_000_000
"""Numbers of made-up members begin here, far above any node's."""


@dataclass(slots=True, eq=False)
class Voice:
    """One identity that an attacker can sign with, and the machine that it speaks from."""

    node: Node
    """Its sender; for a made-up one a shape with the attacker's engine, which no world lists."""
    sign: Sign
    name: str
    address: Address
    incarnation: int
    start: int

    @property
    def id(self) -> MemberId:
        """Who it says it is."""
        return self.node.id

    def record(self, incarnation: int, *, goodbye: bool = False, tags: dict[str, str] | None = None) -> Record:
        """Sign a record of its own."""
        body = record_body(
            self.id,
            self.node.profile.public_key,
            self.name,
            self.address,
            incarnation,
            goodbye=goodbye,
            start=self.start,
            tags=tags or {},
            license_id=self.node.settings.license_id,
        )
        return read_record(self.sign(body) + body)

    def accuse(self, subject: MemberId, incarnation: int) -> Accusation:
        """Sign an accusation."""
        body = encode_accusation(self.id, subject, incarnation)
        return Accusation(self.sign(body) + body, self.id, subject, incarnation)

    def evict(self, subject: MemberId, incarnation: int, *, prune: bool) -> Eviction:
        """Sign a force-leave."""
        body = encode_eviction(self.id, subject, incarnation, prune)
        return Eviction(self.sign(body) + body, self.id, subject, incarnation, prune)

    def revoke(self, subject: MemberId, version: int, *, revoked: bool) -> Revocation:
        """Sign that an id is out, or in again."""
        key = self.node.profile.public_key
        body = encode_revocation(self.id, key, subject, version, revoked)
        return Revocation(self.sign(body) + body, self.id, key, subject, version, revoked)

    def fact(self, key: bytes, version: int, value: bytes, *, owner: MemberId | None = None) -> Fact:
        """Sign a fact of its own, or, wrongly, of another."""
        body = encode_fact(owner or self.id, key, version, value)
        return Fact(self.sign(body) + body, owner or self.id, key, version, value)


def own_voice(world: World, node: Node) -> Voice:
    """Give the attacker's own voice; its engine speaks with it too."""
    local = node.engine.local
    sign = world.transport.signer(node.key)
    return Voice(node, sign, local.profile.name, node.address, local.incarnation, local.profile.start)


def made_up_voice(
    world: World,
    attacker: Node,
    serial: int,
    *,
    name: str | None = None,
    address: Address | None = None,
    created_ms: int | None = None,
) -> Voice:
    """Make an identity up; `serial` is its own in this world. It can be named, placed and dated as one likes."""
    number = MADE_UP_FIRST + serial
    made_ms = EPOCH_MS + int(world.now * 1000) if created_ms is None else created_ms
    id, public_key, key = world.transport.make_identity(number, made_ms)
    world.ledger.enter(id, key)
    chosen = name or f"made-up-{serial}"
    where = address or attacker.address
    incarnation = EPOCH_MS + int(world.now * 1000)
    profile = replace(attacker.profile, id=id, public_key=public_key, name=chosen, address=where, start=serial)
    shape = replace(
        attacker, index=number, id=id, key=key, name=chosen, address=where, profile=profile, disk=Disk(), sent=0
    )
    world.transport.enter(shape, incarnation)
    return Voice(shape, world.transport.signer(key), chosen, where, incarnation, serial)


def record_body(
    id: MemberId,
    public_key: bytes,
    name: str,
    address: Address,
    incarnation: int,
    *,
    goodbye: bool,
    start: int,
    tags: dict[str, str],
    license_id: str,
) -> bytes:
    """Encode a record as the simulated nodes do."""
    return encode_record(
        id=id,
        public_key=public_key,
        name=name,
        address=address,
        incarnation=incarnation,
        goodbye=goodbye,
        start=start,
        protocol_range=(1, 1, 1),
        version="sim",
        license_id=license_id,
        display_name="",
        tags=tags,
    )


def read_record(raw: bytes) -> Record:
    """Read back what was encoded.

    Raises:
        MalformedMessage: it is no record.
    """
    record = decode_statement(raw)
    if not isinstance(record, Record):
        raise MalformedMessage("not a record")
    return record


def false_signature(seed: bytes) -> bytes:
    """Give 64 bytes that sign nothing."""
    return (seed * SIGNATURE_SIZE)[:SIGNATURE_SIZE]
