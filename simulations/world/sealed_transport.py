"""The exact way: every message goes through codec, sealing and opening, as node/driver.py has it over sockets.

All bytes that a node would draw from its operating system come from one generator, which the world's seed decides.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from node.driver import OFFERS_BURST, OFFERS_PERIOD_S
from protocol.address import Address
from protocol.budget import Budget
from protocol.error import BadSignature, InvalidRequest, MalformedMessage
from protocol.security.identity import Identity, StatementSigner
from protocol.security.keyring import Keyring
from protocol.security.mute import MUTE_S
from protocol.security.opening import Dropped, DropReason
from protocol.swim.core import Room
from protocol.swim.effect import Send
from protocol.swim.verdict import Sign
from protocol.ulid import MemberId
from protocol.wire.codec import decode_packet, encode_packet
from protocol.wire.message import Claim, Packet
from protocol.wire.statement import Record
from simulations.world.ledger import make_key
from simulations.world.node import Node
from simulations.world.sealed_guard import Guard
from simulations.world.sealed_key import SealedKeys
from simulations.world.sealed_stream import SealedStreams

if TYPE_CHECKING:
    from simulations.world.world import World

Tap = Callable[[Node, Node, bytes], None]
"""Sees who sends what to whom."""
NOT_SENT = "not_sent"
"""Beside the reasons for which an opened datagram is dropped: what its sender could not seal."""


class SealedTransport:
    """Carries bytes. An address is all that decides who gets them; whoever it is may be unable to open them."""

    def __init__(self, world: "World") -> None:
        """Draw the cluster's keys, and what all later nonces and ephemeral keys come from."""
        self._world = world
        self._guards: dict[int, Guard] = {}
        self._identities: dict[bytes, Identity] = {}
        entropy = self._entropy = Random(world.rng.getrandbits(128)).randbytes
        self.drops: Counter[str] = Counter()
        """Datagrams that came to nothing, by reason."""
        self.tap: Tap | None = None
        """Told of each datagram as it leaves for somebody who listens, before the network loses it."""
        self.keys = SealedKeys(world, self.guard_of, entropy)
        self.streams = SealedStreams(world, self.guard_of, entropy)
        self.dial, self.decide = self.streams.dial, self.streams.decide
        self.say, self.hang_up = self.streams.say, self.streams.hang_up
        self.open_streams, self.leave = self.streams.count, self.streams.leave
        self.add_key, self.use_key, self.retire_key = self.keys.add, self.keys.use, self.keys.retire
        self.key_holders = self.keys.holders

    def guard_of(self, node: Node) -> Guard:
        """Give what guards a process that runs, or guarded it last."""
        return self._guards[node.index]

    # --- members --------------------------------------------------------------------------------

    def make_identity(self, index: int, created_ms: int) -> tuple[MemberId, bytes, bytes]:
        """Make the identity that a member's number stands for; its secret is the Ed25519 seed."""
        identity = Identity.generate(created_ms, lambda size: make_key(index)[:size])
        self._identities[identity.seed] = identity
        return identity.id, identity.public_key, identity.seed

    def signer(self, key: bytes) -> Sign:
        """Sign as a member of this cluster."""
        return StatementSigner(self._identities[key], self.keys.cluster_id).sign

    def room(self, index: int) -> Room:
        """Ask a node's gate, once it has one: engines are made first."""

        def room(peer: MemberId, introduce: bool) -> int:
            return self._guards[index].room(peer, introduce)

        return room

    def enter(self, node: Node, start_incarnation: int) -> None:
        """Guard a process that starts, with the keys on its disk; an empty disk gets the operator's key file."""
        keyring = node.disk.keyring
        if keyring is None:
            keyring = node.disk.keyring = self.keys.copy_key_file()
        offers = Budget(OFFERS_PERIOD_S, OFFERS_BURST)
        identity = self._identities[node.key]
        self._guards[node.index] = Guard(node, identity, keyring, start_incarnation, self._entropy, offers)
        now = node.now(self._world.now)
        node.engine.offer_keyring(now, keyring.encode_offer(), keyring.digest, changed=False)  # has no effects

    def raise_start(self, node: Node, incarnation: int) -> None:
        """Let the gate count anew."""
        self._guards[node.index].gate.restart(incarnation)

    def keyring(self, node: Node) -> Keyring:
        """Give a node's cluster keys."""
        return self._guards[node.index].keyring

    def offer_keyring(self, node: Node, sender: MemberId, blob: bytes) -> None:
        """Merge what a member offered."""
        self.keys.merge(node, sender, blob)

    # --- leaving --------------------------------------------------------------------------------

    def send(self, node: Node, effect: Send) -> None:
        """Seal a packet for whom it is meant, and send it to the address where that member should be."""
        public_key = node.engine.public_key(effect.to)
        if public_key is None:
            return
        gate = self._guards[node.index].gate
        if effect.introduce:
            gate.forget_answer(effect.to)
        try:
            payload = encode_packet(effect.packet)
            datagram = gate.seal(effect.to, public_key, payload, node.engine.local.record.raw)
        except (InvalidRequest, MalformedMessage):
            self.drops[NOT_SENT] += 1
            return
        self._carry(node, effect.address, datagram)

    def inject(self, node: Node, target: Node, packet: Packet, introduction: Record | None = None) -> None:
        """Send what no engine made, sealed by its sender; statements in it go as they are, forged or not.

        Raises:
            InvalidRequest: it is too long for one datagram.
        """
        gate = self._guards[node.index].gate
        if introduction is not None:
            gate.forget_answer(target.id)
        record = introduction or node.engine.local.record
        self.inject_bytes(
            node, target, gate.seal(target.id, target.profile.public_key, encode_packet(packet), record.raw)
        )

    def inject_bytes(self, source: Node, target: Node, datagram: bytes) -> None:
        """Send any bytes from one machine to another's address: recorded ones, or noise."""
        source.sent += 1
        self._carry(source, target.address, datagram)

    def _carry(self, source: Node, address: Address, datagram: bytes) -> None:
        world = self._world
        target = world.node_at(address)
        if target is None:
            return
        if self.tap is not None:
            self.tap(source, target, datagram)
        for delay_s in world.network.datagram_delays(source, target):
            world.schedule.plan(world.schedule.now + delay_s, self._arrive, (address, datagram))

    # --- arriving -------------------------------------------------------------------------------

    def _arrive(self, parcel: tuple[Address, bytes]) -> None:
        world = self._world
        target = world.node_at(parcel[0])
        if target is None:
            return
        if target.is_stalled(world.schedule.now):
            target.keep(target.backlog, (self._open, (target, parcel[1])))
        else:
            self._open((target, parcel[1]))

    def _open(self, arrived: tuple[Node, bytes]) -> None:
        target, datagram = arrived
        world, guard = self._world, self._guards[target.index]
        now = target.now(world.schedule.now)
        opened = guard.gate.open(now, datagram)
        if isinstance(opened, Dropped):
            self.drops[opened.reason.value] += 1
            return
        sender, introduction = opened.sender, opened.introduction
        try:
            packet = decode_packet(opened.payload, guard.verifier.open_statement)
        except MalformedMessage:
            self.drops[DropReason.MALFORMED.value] += 1
            return
        except BadSignature:
            self.drops[DropReason.BAD_SIGNATURE.value] += 1
            guard.gate.mute(sender, now + MUTE_S)
            world.convict(target, sender)
            return
        claims = packet.claims if introduction is None else (Claim(introduction), *packet.claims)
        effects = target.engine.handle_introduced(now, sender, packet, introduction)
        world.do(target, "packet", effects, claims, packet)
