"""The world: nodes, their network and the clock, and what can be done to them.

Every event is an entry of one schedule, every draw comes from one seeded generator, and nothing depends on the
order of a set: the same seed gives the same run, to the last event.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from protocol.address import Address
from protocol.swim.census import EMPTY_CENSUS, Census
from protocol.swim.effect import (
    Dial,
    Effect,
    KeyringReceived,
    RevocationTaken,
    Send,
    StartRaised,
    StreamClose,
    StreamSend,
    StreamVerdict,
)
from protocol.swim.engine import Engine, fixed_room
from protocol.swim.layered import LayeredDict
from protocol.swim.local import RESERVE_STEP, Profile, first_incarnation
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import Revocation, decode_statement
from simulations.world.ledger import Ledger
from simulations.world.network import Latency, Network
from simulations.world.node import Clock, Disk, Node
from simulations.world.object_transport import ObjectTransport
from simulations.world.schedule import Schedule
from simulations.world.shell import keep
from simulations.world.step import Step, Watcher
from simulations.world.trace import Digest
from simulations.world.transport import MUTE_S, Transport
from simulations.world.words import Words

EPOCH_MS = 1_700_000_000_000
"""Unix time at virtual time 0."""
BASE_PORT = 7_000


class World:
    """Times are virtual seconds."""

    def __init__(
        self,
        seed: int,
        settings: Settings | None = None,
        *,
        latency: Latency | None = None,
        transport: Callable[["World"], Transport] = ObjectTransport,
    ) -> None:
        """Make an empty world; `transport` decides whether messages travel as objects or as bytes."""
        self.rng = Random(seed)
        self.settings = settings or Settings.lan()
        self.schedule = Schedule()
        self.network = Network(self.rng, latency)
        self.ledger = Ledger()
        self.digest = Digest()
        self.nodes: list[Node] = []
        self.watchers: list[Watcher] = []
        self.disturbed = False
        """Whether anything was ever done to a node or the network."""
        self._curious = False
        self.convictions = 0
        """How often a receiver found a false signature."""
        self.equivocators: set[int] = set()
        """Nodes, by index, that sign more than one record of an incarnation: asked for membership only."""
        self.by_id: dict[MemberId, Node] = {}
        """The first node started with each identity."""
        self.words = Words()
        self.invited: set[MemberId] = set()
        """Who was ever asked in."""
        self._at: dict[Address, Node] = {}
        self.muted: dict[tuple[int, MemberId], float] = {}
        """Until when a node does not hear a member."""
        self.transport = transport(self)
        self._carry = self.transport.send
        plan = self.schedule
        self.at, self.after, self.run, self.run_until = plan.at, plan.after, plan.run, plan.run_until

    @property
    def now(self) -> float:
        """The virtual time."""
        return self.schedule.now

    @property
    def events(self) -> int:
        """How many events there were."""
        return self.schedule.events

    # --- nodes ----------------------------------------------------------------------------------

    def add(
        self,
        name: str | None = None,
        *,
        settings: Settings | None = None,
        address: Address | None = None,
        tags: dict[str, str] | None = None,
        clock: Clock | None = None,
    ) -> Node:
        """Start a new node with a new identity and an empty disk."""
        node = self._make(len(self.nodes), name, settings, address, tags, clock)
        self.do(node, "start", node.engine.start(node.now(self.now)))
        return node

    def _make(
        self,
        index: int,
        name: str | None = None,
        settings: Settings | None = None,
        address: Address | None = None,
        tags: dict[str, str] | None = None,
        clock: Clock | None = None,
    ) -> Node:
        id, public_key, key = self.transport.make_identity(index, EPOCH_MS + index)
        self.ledger.enter(id, key)
        where = address or Address(f"10.{index // 62_500}.{index // 250 % 250}.{index % 250 + 1}", BASE_PORT)
        chosen = settings or self.settings
        profile = Profile(
            id=id,
            public_key=public_key,
            name=name or f"n{index}",
            address=where,
            start=0,
            version="sim",
            license_id=chosen.license_id,
            tags=tags or {},
        )
        return self._enter(index, profile, chosen, key, Disk(), clock or Clock())

    def _enter(self, index: int, profile: Profile, settings: Settings, key: bytes, disk: Disk, clock: Clock) -> Node:
        engine, profile, start = self._make_engine(profile, settings, key, disk, clock, index)
        node = Node(index, profile.id, profile.name, profile.address, settings, key, profile, engine, disk, clock)
        self.nodes.append(node)
        self.by_id.setdefault(profile.id, node)
        self._at[profile.address] = node
        self.transport.enter(node, start)
        return node

    def _make_engine(
        self, profile: Profile, settings: Settings, key: bytes, disk: Disk, clock: Clock, index: int
    ) -> tuple[Engine, Profile, int]:
        wall_ms = EPOCH_MS + int((self.now + clock.wall_offset_s) * 1000)
        incarnation = first_incarnation(disk.reserve, wall_ms)
        disk.reserve = incarnation + RESERVE_STEP
        profile = replace(profile, start=self.rng.getrandbits(64))
        return self._engine(profile, settings, incarnation, key, index, EMPTY_CENSUS), profile, incarnation

    def _engine(
        self, profile: Profile, settings: Settings, incarnation: int, key: bytes, index: int, census: Census
    ) -> Engine:
        return Engine(
            profile,
            settings,
            incarnation=incarnation,
            sign=self.transport.signer(key),
            rng=Random(self.rng.getrandbits(64)),
            room=self.transport.room(index) or fixed_room,
            census=census,
        )

    def twin(self, node: Node, address: Address) -> Node:
        """Start a second process from a copy of a node's data directory."""
        disk, profile = node.disk.copy(), replace(node.profile, address=address)
        twin = self._enter(len(self.nodes), profile, node.settings, node.key, disk, Clock())
        contacts, words = list(disk.contacts.values()), list(disk.revocations.values())
        self.do(twin, "start", twin.engine.start(twin.now(self.now), contacts, revocations=words))
        self._say_again(twin)
        return twin

    def cluster(self, size: int) -> list[Node]:
        """Start nodes and join them all through the first, then let them settle."""
        nodes = [self.add() for _ in range(size)]
        for node in nodes[1:]:
            self.join(node, nodes[0])
        self.run(5.0)
        return nodes

    def settled(self, size: int, clocks: Sequence[Clock] = ()) -> list[Node]:
        """Start nodes that know each other from the first moment, from a census that they share."""
        nodes = [self._make(index, clock=clocks[index] if clocks else None) for index in range(size)]
        census = Census.of([node.engine.local.record for node in nodes], self.settings)
        for node in nodes:
            incarnation = node.engine.local.incarnation
            node.engine = self._engine(node.profile, node.settings, incarnation, node.key, node.index, census)
            node.disk.contacts = LayeredDict(census.contacts)
            self.transport.enter(node, incarnation)  # guards the engine that it finds
        for node in nodes:
            self.do(node, "start", node.engine.start(node.now(self.now)))
        return nodes

    # --- what is done to nodes ------------------------------------------------------------------

    def join(self, node: Node, seed: Node) -> int:
        """Let a node join through another's address; give the stream's number."""
        stream, effects = node.engine.join(node.now(self.now), seed.address)
        self.do(node, "join", effects)
        return stream

    def invite(self, node: Node, peer: Node) -> int:
        """Let a node ask another in; give the stream's number."""
        self.invited.add(peer.id)
        stream, effects = node.engine.invite(node.now(self.now), peer.address)
        self.do(node, "invite", effects)
        return stream

    def revoke(self, node: Node, id: MemberId, *, revoked: bool = True) -> None:
        """Let a node sign that an id is out, or in again.

        Raises:
            InvalidRequest: the id is the node's own.
        """
        raw = node.engine.sign_revocation(id, self.unix_ms(node), revoked=revoked)
        word = decode_statement(raw)
        if isinstance(word, Revocation):
            self.do(node, "revoke", node.engine.take_revocation(node.now(self.now), word))

    def unix_ms(self, node: Node) -> int:
        """Give the time by a machine's wall clock."""
        return EPOCH_MS + int((self.now + node.clock.wall_offset_s) * 1000)

    def leave(self, node: Node) -> None:
        """Let a node say goodbye; its process stays."""
        self.do(node, "leave", node.engine.leave(node.now(self.now)))

    def crash(self, node: Node) -> None:
        """End a process at once; its disk stays."""
        self.tell("crash", node)
        self.transport.leave(node)
        node.running = False
        node.life += 1
        node.backlog.clear()
        node.held.clear()
        if self._at.get(node.address) is node:
            del self._at[node.address]

    def restart(self, node: Node, *, keep_disk: bool = True, address: Address | None = None) -> None:
        """Start a crashed process again, with its identity; `keep_disk` keeps reserve and contacts."""
        if not keep_disk:
            node.disk = Disk()
        self.tell("restart", node, "with its disk" if keep_disk else "without its disk")
        node.address = address or node.address
        profile = replace(node.profile, address=node.address, tags=node.engine.local.profile.tags)
        made = self._make_engine(profile, node.settings, node.key, node.disk, node.clock, node.index)
        node.engine, node.profile, start = made
        node.running, node.armed_at, node.leave_ended = True, None, False
        node.paused_until = node.blocked_until = 0.0
        self._at[node.address] = node
        self.transport.enter(node, start)
        contacts, words = list(node.disk.contacts.values()), list(node.disk.revocations.values())
        effects = node.engine.start(node.now(self.now), contacts, left=node.disk.left, revocations=words)
        self.do(node, "start", effects)
        self._say_again(node)

    def put_fact(self, node: Node, key: bytes, value: bytes | None) -> None:
        """Let a node say what stands under a key, and write it down; with None, that nothing does any more.

        Raises:
            InvalidRequest: out of bounds; nothing changed.
        """
        effects = node.engine.put_fact(node.now(self.now), self.unix_ms(node), key, value)
        if value is None:
            node.disk.facts.pop(key, None)
        else:
            node.disk.facts[key] = value
        self.do(node, "fact", effects)

    def _say_again(self, node: Node) -> None:
        """Let a process that starts say what its disk says it is to say."""
        for key, value in list(node.disk.facts.items()):
            self.put_fact(node, key, value)

    def pause(self, node: Node, duration_s: float) -> None:
        """Stop a process as SIGSTOP does: timers pass, packets wait."""
        self.tell("pause", node, f"for {duration_s:g} s")
        node.paused_until = max(node.paused_until, self.now + duration_s)
        self.schedule.plan(node.paused_until, self._wake, node)

    def block(self, node: Node, duration_s: float) -> None:
        """Hold up all messages from and to a process, while its timers run."""
        self.tell("block", node, f"for {duration_s:g} s")
        node.blocked_until = max(node.blocked_until, self.now + duration_s)
        self.schedule.plan(node.blocked_until, self._wake, node)

    def _wake(self, node: Node) -> None:
        """Handle what waited, as the node does before it serves a late timer (node/driver.py)."""
        if not node.running or node.is_stalled(self.now):
            return
        while node.held:
            handler, argument = node.held.popleft()
            handler(argument)
        backlog = list(node.backlog)
        node.backlog.clear()
        for handler, argument in backlog:
            if not node.running or node.is_stalled(self.now):
                node.backlog.append((handler, argument))
            else:
                handler(argument)
        if node.running:
            node.armed_at = None
            self._serve(node)

    def act(self, node: Node, effects: list[Effect]) -> None:
        """Carry out what an engine method, called from outside, gave back."""
        self.do(node, "request", effects)

    def watch(self, watcher: Watcher, *, routine: bool = False) -> None:
        """Let a watcher see steps; with `routine` each single one, else not those in which nothing happens."""
        self.watchers.append(watcher)
        self._curious = self._curious or routine

    def tell(self, kind: str, node: Node | None, text: str = "") -> None:
        """Let watchers know what is done to a node, or to the network."""
        self.disturbed = True
        self.digest.add_text(f"{kind} {node.index if node else -1} {text}")
        for watcher in self.watchers:
            watcher.see_event(self.now, kind, node, text)

    # --- who is where ---------------------------------------------------------------------------

    def node_at(self, address: Address) -> Node | None:
        """Find the running process that listens at an address."""
        return self._at.get(address)

    def host_at(self, address: Address) -> Node | None:
        """Find whose machine an address is, running or not."""
        node = self._at.get(address)
        return node or next((node for node in self.nodes if node.address == address), None)

    def listener(self, id: MemberId, address: Address) -> Node | None:
        """Find the running process with that identity at that address."""
        node = self.by_id.get(id)
        if node is None or not node.running or (node.address is not address and node.address != address):
            node = self._at.get(address)
            if node is None or node.id != id:
                return None
        return node

    def find(self, id: MemberId) -> Node | None:
        """Find the node with an identity."""
        return self.by_id.get(id)

    # --- false statements -----------------------------------------------------------------------

    def convict(self, node: Node, sender: MemberId) -> None:
        """Let a node stop hearing a member that relayed what it cannot have verified."""
        self.convictions += 1
        self.muted[node.index, sender] = self.now + MUTE_S

    def is_muted(self, node: Node, sender: MemberId) -> bool:
        """Tell whether a node does not hear a member."""
        return bool(self.muted) and self.muted.get((node.index, sender), 0.0) > self.now

    # --- timers ---------------------------------------------------------------------------------

    def rearm(self, node: Node) -> None:
        """Plan a node's timer anew after its clock was changed."""
        node.armed_at = None
        if node.running:
            self._arm(node)

    def _arm(self, node: Node) -> None:
        due = node.engine.next_deadline()
        if due is None:
            return
        clock = node.clock
        at = (due - clock.offset_s) / clock.rate
        if node.armed_at is None or node.armed_at > at:
            node.armed_at = at
            self.schedule.plan(at, self._ring, (node, at, node.life))

    def _ring(self, alarm: tuple[Node, float, int]) -> None:
        node, at, life = alarm
        if node.armed_at != at or life != node.life or not node.running:
            return
        node.armed_at = None
        virtual = self.schedule.now
        if virtual < node.paused_until:
            return
        due, clock = node.engine.next_deadline(), node.clock
        if due is None:
            return
        wanted = (due - clock.offset_s) / clock.rate
        if wanted > virtual:  # it was moved away
            node.armed_at = wanted
            self.schedule.plan(wanted, self._ring, (node, wanted, life))
        else:  # a clock's rounding makes none of them early
            now = virtual * clock.rate + clock.offset_s
            self.do(node, "timer", node.engine.handle_timer(now if now > due else due))

    def _serve(self, node: Node) -> None:
        """Serve the timers that are due; a clock's rounding makes none of them early."""
        now, due = node.now(self.schedule.now), node.engine.next_deadline()
        if due is not None and now < due < now + 1e-6:
            now = due
        self.do(node, "timer", node.engine.handle_timer(now))

    # --- effects --------------------------------------------------------------------------------

    def do(
        self,
        node: Node,
        kind: str,
        effects: list[Effect],
        claims: tuple[Claim, ...] = (),
        detail: object = None,
    ) -> None:
        """Show a step to the watchers, carry out its effects in order, and set the node's timer.

        While nothing was ever done to the world, a ping or an ack that brings nothing is shown to those watchers
        alone that ask for it: in a steady world it is all there is, and says nothing.
        """
        self.digest.add(self.schedule.now, node.index, len(effects))
        if self.watchers and (self.disturbed or self._curious or claims or not _is_routine(kind, effects)):
            step = Step(self.schedule.now, node, kind, effects, claims, detail)
            self.digest.add_effects(step)
            for watcher in self.watchers:
                watcher.see_step(step)
        for effect in effects:
            if type(effect) is Send and self.schedule.now >= node.blocked_until:
                node.sent += 1
                self._carry(node, effect)
            else:
                self._perform(node, effect)
        self._arm(node)

    def _send(self, node: Node, effect: Send) -> None:
        node.sent += 1
        if self.schedule.now < node.blocked_until:
            node.keep(node.held, (self._release, (node, node.life, effect)))
        else:
            self.transport.send(node, effect)

    def _release(self, parcel: tuple[Node, int, Effect]) -> None:
        node, life, effect = parcel
        if node.life != life:
            return
        if isinstance(effect, Send):
            self.transport.send(node, effect)
        else:
            self._perform(node, effect)

    def _perform(self, node: Node, effect: Effect) -> None:
        transport = self.transport
        match effect:
            case Send():
                self._send(node, effect)
            case Dial() | StreamVerdict() | StreamSend() | StreamClose() if self.schedule.now < node.blocked_until:
                node.held.append((self._release, (node, node.life, effect)))
            case Dial():
                transport.dial(node, effect)
            case StreamVerdict():
                transport.decide(node, effect)
            case StreamSend():
                transport.say(node, effect)
            case StreamClose():
                transport.hang_up(node, effect)
            case KeyringReceived(sender, blob):
                transport.offer_keyring(node, sender, blob)
            case StartRaised(incarnation):
                transport.raise_start(node, incarnation)
            case _:
                if type(effect) is RevocationTaken:
                    self.words.take(effect.revocation)
                keep(node, effect)

    def deliver(self, node: Node, delay_s: float, handler: Callable[[object], None], argument: object = None) -> None:
        """Call a handler later, when the process can take it; never if that process is gone by then."""
        life = node.life

        def arrive(_: object) -> None:
            if not node.running or node.life != life:
                return
            if node.is_stalled(self.schedule.now):
                node.backlog.append((handler, argument))
            else:
                handler(argument)

        self.schedule.plan(self.schedule.now + delay_s, arrive)


def _is_routine(kind: str, effects: list[Effect]) -> bool:
    """Tell whether a step is a ping, an ack, both (who is probed probes), or the end of one, and nothing else."""
    if kind not in ("packet", "timer") or len(effects) > 2:
        return False
    return all(type(effect) is Send and not effect.packet.claims for effect in effects)
