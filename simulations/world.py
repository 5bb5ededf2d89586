"""A seeded, synchronous world: engines, a virtual clock, and a network that can be broken.

The engines are the production engines. Messages pass as objects; signatures are a hash, and nobody in
this world can write another's. Every event is a heap entry (time, serial), so the same seed gives
the same run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from heapq import heappop, heappush
from random import Random

from protocol.address import Address
from protocol.error import MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.candidate import Candidate
from protocol.swim.effect import (
    Change,
    Changed,
    Cloned,
    Contact,
    Dial,
    Effect,
    ForgetContact,
    JoinEnded,
    KeyringReceived,
    LeaveEnded,
    PersistContact,
    PersistPresence,
    PersistReserve,
    Send,
    StartRaised,
    StreamClose,
    StreamSend,
    StreamVerdict,
)
from protocol.swim.engine import Engine
from protocol.swim.local import RESERVE_STEP, Profile, first_incarnation
from protocol.swim.settings import Settings
from protocol.ulid import MemberId, compose_ulid
from protocol.wire.message import StreamMessage

EPOCH_MS = 1_700_000_000_000
"""Unix time at virtual time 0."""
BASE_PORT = 7_000
STREAM_DELAY_S = 0.001
"""What is said on a stream arrives after this, in order."""


@dataclass(slots=True)
class Disk:
    """What a node finds again after a restart."""

    reserve: int = 0
    contacts: dict[MemberId, Contact] = field(default_factory=dict)
    left: bool = False


@dataclass(slots=True)
class Node:
    """One simulated process and its disk."""

    index: int
    id: MemberId
    name: str
    address: Address
    settings: Settings
    engine: Engine
    disk: Disk
    running: bool = True
    paused_until: float = 0.0
    changes: list[Change] = field(default_factory=list)
    joins: list[JoinEnded] = field(default_factory=list)
    leave_ended: bool = False
    cloned: bool = False
    sent: int = 0
    backlog: list[Callable[[], None]] = field(default_factory=list)
    armed_at: float | None = None
    life: int = 0


@dataclass(slots=True)
class _Link:
    """One stream between two nodes; each end has its own number for it."""

    ends: tuple[tuple[Node, int, int], tuple[Node, int, int]]
    purpose: Purpose
    accepted: set[int] = field(default_factory=set)

    def far_end(self, node: Node) -> tuple[Node, int]:
        """Give the other node, and its number for the stream."""
        target, number, _ = self.ends[1] if self.ends[0][0] is node else self.ends[0]
        return target, number


class Network:
    """Latency, loss, and cuts per direction."""

    def __init__(self, rng: Random, latency_s: tuple[float, float] = (0.0005, 0.002)) -> None:
        self._rng = rng
        self.latency_s = latency_s
        self.loss = 0.0
        self.datagrams_blocked: set[int] = set()
        self._cuts: set[tuple[int, int]] = set()

    def cut(self, sources: list[Node], targets: list[Node], *, both_ways: bool = True) -> None:
        """Stop everything from each source to each target."""
        for source in sources:
            for target in targets:
                self._cuts.add((source.index, target.index))
                if both_ways:
                    self._cuts.add((target.index, source.index))

    def heal(self) -> None:
        """Undo all cuts."""
        self._cuts.clear()

    def is_cut(self, source: Node, target: Node) -> bool:
        """Tell whether nothing gets from one to the other."""
        return (source.index, target.index) in self._cuts

    def delay_s(self) -> float:
        """Draw one latency."""
        low, high = self.latency_s
        return low + (high - low) * self._rng.random()

    def loses_datagram(self, source: Node, target: Node) -> bool:
        """Draw whether a datagram is lost."""
        if source.index in self.datagrams_blocked or target.index in self.datagrams_blocked:
            return True
        return self.is_cut(source, target) or (self.loss > 0 and self._rng.random() < self.loss)


class World:
    """Nodes, their network and the clock. Times are virtual seconds."""

    def __init__(self, seed: int, settings: Settings | None = None) -> None:
        self.rng = Random(seed)
        self.settings = settings or Settings.lan()
        self.now = 0.0
        self.network = Network(self.rng)
        self.nodes: list[Node] = []
        self.events = 0
        self._serial = 0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._links: dict[tuple[int, int], _Link] = {}

    # --- nodes ----------------------------------------------------------------------------------

    def add(
        self,
        name: str | None = None,
        *,
        settings: Settings | None = None,
        address: Address | None = None,
        tags: dict[str, str] | None = None,
    ) -> Node:
        """Start a new node with a new identity and an empty disk."""
        index = len(self.nodes)
        key = blake2b(f"{index}".encode(), digest_size=32).digest()
        id = MemberId(compose_ulid(EPOCH_MS + index, blake2b(key, digest_size=10).digest()))
        where = address or Address(f"10.0.{index // 250}.{index % 250 + 1}", BASE_PORT)
        chosen = settings or self.settings
        disk = Disk()
        engine = self._make_engine(id, key, name or f"n{index}", where, chosen, disk, tags or {})
        node = Node(index, id, name or f"n{index}", where, chosen, engine, disk)
        self.nodes.append(node)
        self._do(node, engine.start(self.now))
        return node

    def twin(self, node: Node, address: Address) -> Node:
        """Start a second process from a copy of a node's data directory."""
        key, disk = node.engine.local.profile.public_key, replace(node.disk, contacts=dict(node.disk.contacts))
        engine = self._make_engine(node.id, key, node.name, address, node.settings, disk, {})
        twin = Node(len(self.nodes), node.id, node.name, address, node.settings, engine, disk)
        self.nodes.append(twin)
        self._do(twin, engine.start(self.now, list(disk.contacts.values())))
        return twin

    def _make_engine(
        self,
        id: MemberId,
        key: bytes,
        name: str,
        address: Address,
        settings: Settings,
        disk: Disk,
        tags: dict[str, str],
    ) -> Engine:
        incarnation = first_incarnation(disk.reserve, EPOCH_MS + int(self.now * 1000))
        disk.reserve = incarnation + RESERVE_STEP
        profile = Profile(
            id=id,
            public_key=key,
            name=name,
            address=address,
            start=self.rng.getrandbits(64),
            version="sim",
            license_id=settings.license_id,
            tags=tags,
        )

        def sign(body: bytes) -> bytes:
            return blake2b(key + body, digest_size=64).digest()

        return Engine(profile, settings, incarnation=incarnation, sign=sign, rng=Random(self.rng.getrandbits(64)))

    def cluster(self, size: int) -> list[Node]:
        """Start nodes and join them all through the first, then let them settle."""
        nodes = [self.add() for _ in range(size)]
        for node in nodes[1:]:
            self.join(node, nodes[0])
        self.run(5.0)
        return nodes

    def join(self, node: Node, seed: Node) -> None:
        """Let a node join through another's address."""
        _, effects = node.engine.join(self.now, seed.address)
        self._do(node, effects)

    def crash(self, node: Node) -> None:
        """End a process at once; its disk stays."""
        node.running = False
        node.life += 1
        node.backlog.clear()
        for key in [key for key in self._links if key[0] == node.index]:
            self._break(key, "connection reset")

    def restart(self, node: Node, *, keep_disk: bool = True, address: Address | None = None) -> None:
        """Start a crashed process again, with its identity; `keep_disk` keeps reserve and contacts."""
        if not keep_disk:
            node.disk = Disk()
        node.address = address or node.address
        record = node.engine.local.profile
        node.engine = self._make_engine(
            node.id, record.public_key, node.name, node.address, node.settings, node.disk, record.tags
        )
        node.running, node.armed_at, node.paused_until, node.leave_ended = True, None, 0.0, False
        contacts = list(node.disk.contacts.values())
        self._do(node, node.engine.start(self.now, contacts, left=node.disk.left))

    def pause(self, node: Node, duration_s: float) -> None:
        """Stop a process as SIGSTOP does: timers pass, packets wait."""
        node.paused_until = self.now + duration_s
        self.after(duration_s, lambda: self._wake(node))

    def _wake(self, node: Node) -> None:
        if not node.running:
            return
        backlog, node.backlog = node.backlog, []
        self._serve_timer(node)
        for handle in backlog:
            handle()

    def act(self, node: Node, effects: list[Effect]) -> None:
        """Carry out what an engine method, called from outside, gave back."""
        self._do(node, effects)

    # --- time -----------------------------------------------------------------------------------

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Plan an action."""
        self._serial += 1
        heappush(self._heap, (time, self._serial, action))

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Plan an action some seconds from now."""
        self.at(self.now + delay_s, action)

    def run(self, duration_s: float) -> None:
        """Let time pass."""
        end = self.now + duration_s
        while self._heap and self._heap[0][0] <= end:
            self.now, _, action = heappop(self._heap)
            self.events += 1
            action()
        self.now = end

    def run_until(self, condition: Callable[[], bool], longest_s: float, step_s: float = 0.1) -> float | None:
        """Let time pass until a condition holds; give how long it took, or None if it never did."""
        began = self.now
        while self.now - began < longest_s:
            if condition():
                return self.now - began
            self.run(step_s)
        return self.now - began if condition() else None

    def _arm(self, node: Node) -> None:
        due = node.engine.next_deadline()
        if due is None or (node.armed_at is not None and node.armed_at <= due):
            return
        node.armed_at = due
        life = node.life
        self.at(max(due, self.now), lambda: self._timer(node, due, life))

    def _timer(self, node: Node, due: float, life: int) -> None:
        if not node.running or life != node.life or node.armed_at != due:
            return
        node.armed_at = None
        if self.now < node.paused_until:
            return
        self._serve_timer(node)

    def _serve_timer(self, node: Node) -> None:
        node.armed_at = None
        self._do(node, node.engine.handle_timer(self.now))

    # --- effects --------------------------------------------------------------------------------

    def _do(self, node: Node, effects: list[Effect]) -> None:
        for effect in effects:
            self._perform(node, effect)
        self._arm(node)

    def _perform(self, node: Node, effect: Effect) -> None:
        match effect:
            case Send():
                self._send(node, effect)
            case Dial():
                self._dial(node, effect)
            case StreamVerdict(stream, refusal):
                self._verdict(node, stream, refusal)
            case StreamSend(stream, message):
                self._stream_send(node, stream, message)
            case StreamClose(stream):
                self._hang_up(node, stream)
            case Changed(change):
                node.changes.append(change)
            case JoinEnded():
                node.joins.append(effect)
            case PersistReserve(incarnation):
                node.disk.reserve = incarnation
            case PersistContact(contact):
                node.disk.contacts[contact.id] = contact
            case ForgetContact(id):
                node.disk.contacts.pop(id, None)
            case PersistPresence(left):
                node.disk.left = left
            case LeaveEnded():
                node.leave_ended = True
            case Cloned():
                node.cloned = True
            case KeyringReceived() | StartRaised():
                pass

    def _deliver(self, node: Node, delay_s: float, handle: Callable[[], None]) -> None:
        life = node.life

        def arrive() -> None:
            if not node.running or node.life != life:
                return
            if self.now < node.paused_until:
                node.backlog.append(handle)
            else:
                handle()

        self.after(delay_s, arrive)

    def node_at(self, address: Address) -> Node | None:
        """Find the running process that listens at an address."""
        for node in self.nodes:
            if node.address == address and node.running:
                return node
        return None

    def _send(self, node: Node, effect: Send) -> None:
        node.sent += 1
        target = self.node_at(effect.address)
        if target is None or target.id != effect.to or self.network.loses_datagram(node, target):
            return
        packet, sender = effect.packet, node.id
        introduction = node.engine.local.record if effect.introduce else None

        def handle() -> None:
            self._do(target, target.engine.handle_introduced(self.now, sender, packet, introduction))

        self._deliver(target, self.network.delay_s(), handle)

    # --- streams --------------------------------------------------------------------------------

    def _dial(self, node: Node, effect: Dial) -> None:
        target = self.node_at(effect.address)
        if target is None:
            self._fail_dial(node, effect.stream, "connection refused")
        elif target is node:
            self._fail_dial(node, effect.stream, "led back to this node", own_echo=True)
        elif self.network.is_cut(node, target) or self.network.is_cut(target, node):
            self._fail_dial(node, effect.stream, "timed out", self.settings.stream_timeout_s)
        elif effect.to is not None and target.id != effect.to:
            self._fail_dial(node, effect.stream, "another identity answered")
        else:
            self._shake_hands(node, effect.stream, target, effect.purpose)

    def _fail_dial(
        self, node: Node, stream: int, reason: str, delay_s: float = STREAM_DELAY_S, *, own_echo: bool = False
    ) -> None:
        def handle() -> None:
            self._do(node, node.engine.handle_stream_closed(self.now, stream, None, reason, own_echo=own_echo))

        self._deliver(node, delay_s, handle)

    def _shake_hands(self, node: Node, stream: int, target: Node, purpose: Purpose) -> None:
        other = target.engine.new_stream()
        link = _Link(((node, stream, other), (target, other, stream)), purpose)
        self._links[node.index, stream] = link
        self._links[target.index, other] = link

        def propose() -> None:
            for end, number, dialled in ((target, other, False), (node, stream, True)):
                peer = node if end is target else target
                local = peer.engine.local.profile
                candidate = Candidate(peer.id, local.public_key, local.name, local.license_id, local.address, purpose)
                self._do(end, end.engine.handle_stream_proposed(self.now, number, candidate, dialled=dialled))

        self._deliver(target, 3 * self.network.delay_s(), propose)

    def _verdict(self, node: Node, stream: int, refusal: Refusal | None) -> None:
        link = self._links.get((node.index, stream))
        if link is None:
            return
        if refusal is not None:
            for end, number, _ in link.ends:
                self._links.pop((end.index, number), None)
                self._close_later(end, number, refusal, refusal.sentence)
            return
        link.accepted.add(node.index)
        if len(link.accepted) == len(link.ends):
            (dialler, stream, _), (target, other, _) = link.ends
            self._open_later(target, other, dialler.id, 0.0, link.purpose)
            self._open_later(dialler, stream, target.id, self.network.delay_s(), None)

    def _open_later(self, node: Node, stream: int, peer: MemberId, delay_s: float, purpose: Purpose | None) -> None:
        self._deliver(
            node,
            delay_s,
            lambda: self._do(node, node.engine.handle_stream_opened(self.now, stream, peer, purpose)),
        )

    def _close_later(self, node: Node, stream: int, refusal: Refusal | None, reason: str) -> None:
        self._deliver(
            node,
            self.network.delay_s(),
            lambda: self._do(node, node.engine.handle_stream_closed(self.now, stream, refusal, reason)),
        )

    def _stream_send(self, node: Node, stream: int, message: StreamMessage) -> None:
        link = self._links.get((node.index, stream))
        if link is None:
            return
        target, other = link.far_end(node)
        if self.network.is_cut(node, target):
            self._break((node.index, stream), "timed out")
            return

        def handle() -> None:
            try:
                effects = target.engine.handle_stream_message(self.now, other, message)
            except MalformedMessage as wrong:
                self._break((target.index, other), str(wrong))
                return
            self._do(target, effects)

        self._deliver(target, STREAM_DELAY_S, handle)

    def _hang_up(self, node: Node, stream: int) -> None:
        """Close one end; the other hears of it after all that was said before."""
        link = self._links.pop((node.index, stream), None)
        if link is None:
            return
        target, other = link.far_end(node)

        def handle() -> None:
            if self._links.pop((target.index, other), None) is not None:
                self._do(target, target.engine.handle_stream_closed(self.now, other, None, "closed by the peer"))

        self._deliver(target, STREAM_DELAY_S, handle)

    def _break(self, key: tuple[int, int], reason: str) -> None:
        link = self._links.get(key)
        if link is None:
            return
        for end, number, _ in link.ends:
            if self._links.pop((end.index, number), None) is not None:
                self._close_later(end, number, None, reason)
