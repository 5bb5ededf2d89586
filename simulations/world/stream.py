"""Streams between engines, as objects: dialling, the handshake's time, messages in order, and the ways it ends."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from protocol.error import MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.candidate import Candidate
from protocol.swim.effect import Dial, StreamClose, StreamSend, StreamVerdict
from protocol.ulid import MemberId
from protocol.wire.message import Claim, Join, JoinAnswer, StreamMessage, SyncClaims
from simulations.world.ledger import readable
from simulations.world.node import Node

if TYPE_CHECKING:
    from simulations.world.world import World

HANDSHAKE_WAYS = 3
"""One-way trips until both sides know who the other is: connect, hello, hello and proof."""
REFUSED_S = 0.001
"""A closed port answers at once."""
ACCEPTED_MAX = 64
"""Streams that a node has accepted and not ended; the next is told `busy` (node/stream_server.py)."""
STREAM_LONGEST_S = 120.0
"""The node ends every stream after this (node/stream_server.py)."""


@dataclass(slots=True, eq=False)
class End:
    """One end of a stream: the node, its life then, and its number for the stream."""

    node: Node
    life: int
    number: int
    arrives_at: float = 0.0
    """When the last message on its way to this end arrives: streams keep their order."""

    @property
    def is_there(self) -> bool:
        """Whether the process that opened it still runs."""
        return self.node.running and self.node.life == self.life


@dataclass(slots=True, eq=False)
class Link:
    """One stream. The first end dialled."""

    ends: tuple[End, End]
    purpose: Purpose
    accepted: set[int] = field(default_factory=set)
    is_open: bool = False

    def end_of(self, node: Node) -> End:
        """Give a node's own end."""
        return self.ends[0] if self.ends[0].node is node else self.ends[1]

    def far_end(self, node: Node) -> End:
        """Give the other end."""
        return self.ends[1] if self.ends[0].node is node else self.ends[0]


class ObjectStreams:
    """All streams of a world, by (node's index, stream's number)."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._links: dict[tuple[int, int], Link] = {}
        self._accepted: Counter[int] = Counter()

    def count(self, node: Node) -> int:
        """Tell how many streams a node has."""
        return sum(1 for index, _ in self._links if index == node.index)

    def leave(self, node: Node) -> None:
        """Reset the streams of a process that ended."""
        for key in [key for key in self._links if key[0] == node.index]:
            self._break(key, "connection reset")

    def _take(self, node: Node, number: int) -> Link | None:
        """Take an end's link away; None if it is gone already."""
        link = self._links.pop((node.index, number), None)
        if link is not None and link.ends[1].node is node:
            self._accepted[node.index] -= 1
        return link

    # --- opening --------------------------------------------------------------------------------

    def dial(self, node: Node, effect: Dial) -> None:
        """Open a stream; what stands in its way is what a socket would say."""
        world = self._world
        node.streams_dialled += 1
        timeout_s = node.settings.stream_timeout_s
        target = world.node_at(effect.address)
        host = world.host_at(effect.address)
        if host is not None and (world.network.is_cut(node, host) or world.network.is_cut(host, node)):
            self._fail(node, effect.stream, "timed out", timeout_s)
        elif target is None:
            self._refuse(node, effect.stream)
        elif target is node:
            self._fail(node, effect.stream, "led back to this node", REFUSED_S, own_echo=True)
        elif effect.to is not None and target.id != effect.to:
            self._fail(node, effect.stream, "another identity answered", REFUSED_S)
        else:
            self._shake_hands(node, effect.stream, target, effect.purpose)

    def _fail(
        self,
        node: Node,
        stream: int,
        reason: str,
        delay_s: float,
        *,
        own_echo: bool = False,
        refusal: Refusal | None = None,
    ) -> None:
        engine = node.engine

        def handle(_: object) -> None:
            now = node.now(self._world.now)
            effects = engine.handle_stream_closed(now, stream, refusal, reason, own_echo=own_echo)
            self._world.do(node, "stream", effects)

        self._world.deliver(node, delay_s, handle)

    def _refuse(self, node: Node, stream: int) -> None:
        """Say that nobody listens there."""
        engine = node.engine

        def handle(_: object) -> None:
            effects = engine.handle_port_refused(node.now(self._world.now), stream, "connection refused")
            self._world.do(node, "stream", effects)

        self._world.deliver(node, REFUSED_S, handle)

    def _shake_hands(self, node: Node, stream: int, target: Node, purpose: Purpose) -> None:
        world, ways = self._world, [self._world.network.stream_delay_s(node, target) for _ in range(HANDSHAKE_WAYS)]
        timeout_s = node.settings.stream_timeout_s
        took_s = sum(way for way in ways if way is not None)
        if None in ways or took_s > timeout_s:
            self._fail(node, stream, "timed out", timeout_s)
            return
        other = target.engine.new_stream()
        link = Link((End(node, node.life, stream), End(target, target.life, other)), purpose)
        self._links[node.index, stream] = link
        self._links[target.index, other] = link
        self._accepted[target.index] += 1
        world.deliver(target, took_s, lambda _: self._propose(link, 1))
        world.deliver(node, took_s + world.network.latency.draw(world.rng), lambda _: self._propose(link, 0))
        world.schedule.after(timeout_s, lambda: self._expire(link))
        world.schedule.after(STREAM_LONGEST_S, lambda: self._break((node.index, stream), "took too long"))

    def _propose(self, link: Link, place: int) -> None:
        """Let one side judge the other, once it knows who that is."""
        end, far = link.ends[place], link.ends[1 - place]
        if self._links.get((end.node.index, end.number)) is not link:
            return
        local = far.node.engine.local.profile
        candidate = Candidate(local.id, local.public_key, local.name, local.license_id, local.address, link.purpose)
        now = end.node.now(self._world.now)
        dialled = place == 0
        effects = end.node.engine.handle_stream_proposed(now, end.number, candidate, dialled=dialled)
        self._world.do(end.node, "stream", effects)

    def _expire(self, link: Link) -> None:
        if not link.is_open:
            end = link.ends[0]
            self._break((end.node.index, end.number), "the handshake timed out")

    def decide(self, node: Node, effect: StreamVerdict) -> None:
        """Open the stream once both accept; a refusal reaches both."""
        link = self._links.get((node.index, effect.stream))
        if link is None:
            return
        if effect.refusal is not None:
            for end in link.ends:
                self._take(end.node, end.number)
                self._close_later(end, effect.refusal, effect.refusal.sentence)
            return
        link.accepted.add(node.index)
        if len(link.accepted) == len(link.ends):
            link.is_open = True
            dialler, target = link.ends
            self._open_later(target, dialler.node.id, 0.0, link.purpose)
            self._open_later(dialler, target.node.id, self._world.network.latency.draw(self._world.rng), None)

    def _open_later(self, end: End, peer: MemberId, delay_s: float, purpose: Purpose | None) -> None:
        world = self._world
        end.arrives_at = world.now + delay_s

        def handle(_: object) -> None:
            effects = end.node.engine.handle_stream_opened(end.node.now(world.now), end.number, peer, purpose)
            world.do(end.node, "stream", effects)

        world.deliver(end.node, delay_s, handle)

    # --- talking --------------------------------------------------------------------------------

    def say(self, node: Node, effect: StreamSend) -> None:
        """Carry a message; it arrives after all that was said before it."""
        world, key = self._world, (node.index, effect.stream)
        link = self._links.get(key)
        if link is None:
            return
        if not link.is_open and link.ends[0].node is node:
            self._fail(node, effect.stream, "given up", 0.0)
        far = link.far_end(node)
        delay_s = world.network.stream_delay_s(node, far.node)
        if delay_s is None:
            world.schedule.after(node.settings.stream_timeout_s, lambda: self._break(key, "timed out"))
            return
        far.arrives_at = max(far.arrives_at, world.now + delay_s)
        world.deliver(far.node, far.arrives_at - world.now, lambda _: self._hear(far, node, effect.message))

    def _hear(self, end: End, sender: Node, message: StreamMessage) -> None:
        """Hand a message over, if what it brings is genuine and in turn."""
        world, node = self._world, end.node
        claims = claims_of(message)
        if isinstance(message, SyncClaims) and len(told := readable(node, claims)) < len(claims):
            claims, message = told, replace(message, claims=told)
        if not all(world.ledger.is_genuine(claim.statement) for claim in claims):
            world.convict(node, sender.id)
            self._break((node.index, end.number), "a false statement")
            return
        try:
            effects = node.engine.handle_stream_message(node.now(world.now), end.number, message)
        except MalformedMessage as wrong:
            self._break((node.index, end.number), str(wrong))
            return
        world.do(node, "stream", effects, claims, message)

    # --- ending ---------------------------------------------------------------------------------

    def hang_up(self, node: Node, effect: StreamClose) -> None:
        """Close one end; the other hears of it after all that was said before."""
        world = self._world
        link = self._take(node, effect.stream)
        if link is None:
            return
        if not link.is_open and link.ends[0].node is node:
            self._fail(node, effect.stream, "given up", 0.0)
        far = link.far_end(node)
        delay_s = world.network.stream_delay_s(node, far.node)
        if delay_s is None:
            delay_s = node.settings.stream_timeout_s
        far.arrives_at = max(far.arrives_at, world.now + delay_s)

        def handle(_: object) -> None:
            if self._take(far.node, far.number) is not None:
                self._close(far, None, "closed by the peer")

        world.deliver(far.node, far.arrives_at - world.now, handle)

    def _close_later(self, end: End, refusal: Refusal | None, reason: str) -> None:
        delay_s = self._world.network.latency.draw(self._world.rng)
        self._world.deliver(end.node, delay_s, lambda _: self._close(end, refusal, reason))

    def _close(self, end: End, refusal: Refusal | None, reason: str) -> None:
        if end.is_there:
            now = end.node.now(self._world.now)
            self._world.do(end.node, "stream", end.node.engine.handle_stream_closed(now, end.number, refusal, reason))

    def _break(self, key: tuple[int, int], reason: str) -> None:
        link = self._links.get(key)
        if link is None:
            return
        for end in link.ends:
            if self._take(end.node, end.number) is not None and end.is_there:
                self._close_later(end, None, reason)


def claims_of(message: StreamMessage) -> tuple[Claim, ...]:
    """Give the claims in a stream's message."""
    if isinstance(message, SyncClaims):
        return message.claims
    return (message.record,) if isinstance(message, Join | JoinAnswer) else ()
