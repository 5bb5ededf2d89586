"""Datagrams between engines, as objects: what arrives is what was sent, once its signatures are found good."""

from typing import TYPE_CHECKING

from protocol.security.keyring import Keyring
from protocol.swim.effect import Send
from protocol.swim.verdict import Sign
from protocol.ulid import MemberId, compose_ulid
from protocol.wire.message import Claim, Packet
from protocol.wire.statement import Record
from simulations.world.ledger import hash_signer, make_key, readable
from simulations.world.node import Node
from simulations.world.stream import ObjectStreams

if TYPE_CHECKING:
    from simulations.world.world import World

Parcel = tuple[Node, MemberId, Packet, Record | None]
"""Target, sender, what it says, and its introduction."""


class ObjectTransport:
    """The fast way: no bytes are made. Receivers drop what a false signature is under, and mute who sent it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._schedule = world.schedule
        self._streams = ObjectStreams(world)
        self.dial = self._streams.dial
        self.decide = self._streams.decide
        self.say = self._streams.say
        self.hang_up = self._streams.hang_up
        self.open_streams = self._streams.count

    # --- members --------------------------------------------------------------------------------

    def make_identity(self, index: int, created_ms: int) -> tuple[MemberId, bytes, bytes]:
        """Give an id that commits to a key made of the member's number."""
        key = make_key(index)
        return MemberId(compose_ulid(created_ms, make_key(index + 1_000_000)[:10])), key, key

    def signer(self, key: bytes) -> Sign:
        """Sign with a hash."""
        return hash_signer(key)

    def room(self, index: int) -> None:
        """Leave the room in a datagram to the engine's own estimate."""
        del index

    def enter(self, node: Node, start_incarnation: int) -> None:
        """Nothing is held for a process."""

    def raise_start(self, node: Node, incarnation: int) -> None:
        """As objects datagrams are not counted."""

    def leave(self, node: Node) -> None:
        """Reset a process's streams."""
        self._streams.leave(node)

    # --- datagrams ------------------------------------------------------------------------------

    def send(self, node: Node, effect: Send) -> None:
        """Send to whoever has that id at that address; to anybody else it would not open."""
        world, id = self._world, node.id
        target = world.by_id.get(effect.to)
        if target is None or not target.running or target.address is not effect.address:
            target = world.listener(effect.to, effect.address)
            if target is None:
                return
        there = target.engine
        if effect.introduce or (there.membership.get(id) is None and there.public_key(id) is None):
            introduction: Record | None = node.engine.local.record  # to a stranger the gate introduces us by itself
        else:
            introduction = None
        network, schedule = world.network, self._schedule
        parcel = (target, id, effect.packet, introduction)
        if network.is_calm:
            schedule.plan(schedule.now + network.latency.draw(world.rng), self._arrive, parcel)
            return
        for delay_s in network.datagram_delays(node, target):
            schedule.plan(schedule.now + delay_s, self._arrive, parcel)

    def inject(self, node: Node, target: Node, packet: Packet, introduction: Record | None = None) -> None:
        """Send what no engine made."""
        node.sent += 1
        for delay_s in self._world.network.datagram_delays(node, target):
            parcel = (target, node.id, packet, introduction)
            self._world.schedule.plan(self._world.now + delay_s, self._arrive, parcel)

    def _arrive(self, parcel: Parcel) -> None:
        target, virtual = parcel[0], self._schedule.now
        if not target.running:
            return
        if virtual < target.paused_until or virtual < target.blocked_until:
            target.keep(target.backlog, (self._open, parcel))
        else:
            self._open(parcel)

    def _open(self, parcel: Parcel) -> None:
        target, sender, packet, introduction = parcel
        world, clock = self._world, target.clock
        if world.muted and world.is_muted(target, sender):
            return
        revocations = target.engine.membership.revocations
        if len(revocations) and revocations.bars(sender):  # the gate's own first look
            return
        now = self._schedule.now * clock.rate + clock.offset_s
        if introduction is None and not packet.claims:
            world.do(target, "packet", target.engine.handle_packet(now, sender, packet), (), packet)
            return
        if packet.claims:
            told = readable(target, packet.claims)
            if len(told) < len(packet.claims):
                packet = Packet(packet.messages, told)
        claims = packet.claims if introduction is None else (Claim(introduction), *packet.claims)
        for claim in claims:
            if not world.ledger.is_genuine(claim.statement):
                world.convict(target, sender)
                return
        effects = target.engine.handle_introduced(now, sender, packet, introduction)
        world.do(target, "packet", effects, claims, packet)

    # --- keys -----------------------------------------------------------------------------------

    def keyring(self, node: Node) -> Keyring | None:
        """Give a node's cluster keys; as objects nothing is sealed."""
        del node
        return None

    def offer_keyring(self, node: Node, sender: MemberId, blob: bytes) -> None:
        """Ignore it: as objects nothing is sealed."""
