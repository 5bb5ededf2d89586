"""What all attackers share: a process with the cluster key, a pace, an ear, and a tongue of its own."""

from collections import Counter, deque
from random import Random

from protocol.purpose import Purpose
from protocol.swim.effect import Dial, Effect, StreamClose, StreamSend
from protocol.ulid import MemberId
from protocol.wire.codec import encoded_claim_size
from protocol.wire.message import Claim, Message, Packet, StreamMessage
from protocol.wire.statement import Record
from simulations.attack.mask import Mask
from simulations.attack.voice import Voice, made_up_voice, own_voice
from simulations.world import Node, Step, World

TURN_S = 0.05
"""An attacker speaks this often, as many datagrams at once as its pace allows."""
ROOM = 780
"""Bytes of claims in one of its datagrams: what an introduction leaves, sealed, with the largest record."""
CLAIMS_MAX = 40
FOCUS = 12
"""Others that it is after at a time: each then hears of several charges a second, and cannot answer them all."""
FOCUS_S = 15.0
"""So long it is after the same: more than the longest time in which one charge could end somebody among ten."""
HEARD_MAX = 4_000
"""Statements of others that it keeps for later; the oldest goes first."""


class Attacker:
    """One process that speaks wrongly for a time. Subclasses say what, in `speak`; `kind` names them.

    It sees a run as a watcher does, of its own node alone, and remembers what it heard there.
    """

    kind = ""

    def __init__(self, world: World, node: Node, for_s: float, pace: float, focus: int = FOCUS) -> None:
        """Prepare; `pace` is datagrams a second, `focus` how many others it is after at a time."""
        self.world, self.node = world, node
        self.rng = Random(world.rng.getrandbits(64))
        self.pace = pace
        self.own = own_voice(world, node)
        self.voices: list[Voice] = [self.own]
        self.ends_at = world.now + for_s
        self.forged: set[bytes] = set()
        """Raw bytes of statements under which its author's name stands wrongly."""
        self.told: Counter[str] = Counter()
        """What it said: `datagrams`, `accusations`, `evictions`, `records`, `streams`, ..."""
        self.heard: deque[Claim] = deque(maxlen=HEARD_MAX)
        self._heard_raw: set[bytes] = set()
        self._focus = focus
        self._group: list[Node] = []
        self._group_until = world.now
        self._life = node.life
        self._due = 0.0
        self._round: list[Node] = []
        self._streams: dict[int, bool] = {}
        self._honest = node.engine

    # --- life -----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Put the mask on, and speak for the first time."""
        self.node.engine = Mask(self._honest, self)
        self.world.watch(self, routine=True)
        self.prepare()
        self._turn(None)

    def prepare(self) -> None:
        """Do what is done once, at the beginning."""

    def speak(self) -> None:
        """Say one thing; called as often as the pace allows."""

    @property
    def is_active(self) -> bool:
        """Whether its process is still the one that began, and its time is not over."""
        return self.node.running and self.node.life == self._life and self.world.now < self.ends_at

    def _turn(self, _: object) -> None:
        if not self.is_active:
            self._end()
            return
        self._due += self.pace * TURN_S
        while self._due >= 1.0 and self.is_active:
            self._due -= 1.0
            self.speak()
        self.world.schedule.plan(self.world.now + TURN_S, self._turn)

    def _end(self) -> None:
        """Be honest again, if the process lives on."""
        if isinstance(self.node.engine, Mask) and self.node.life == self._life:
            for stream in list(self._streams):
                self.close(stream)
            self.node.engine = self._honest

    # --- others ---------------------------------------------------------------------------------

    def others(self) -> list[Node]:
        """Give all other processes that run."""
        return [node for node in self.world.nodes if node.running and node is not self.node]

    def next_target(self) -> Node | None:
        """Give whom to speak to: each once, in an order drawn anew each round."""
        while self._round:
            target = self._round.pop()
            if target.running:
                return target
        self._round = self.others()
        self.rng.shuffle(self._round)
        return self._round.pop() if self._round else None

    def victims(self, count: int) -> list[Node]:
        """Draw up to some of those it is after just now."""
        if self.world.now >= self._group_until:
            others = self.others()
            self._group = self.rng.sample(others, min(self._focus, len(others)))
            self._group_until = self.world.now + FOCUS_S
        choice = [node for node in self._group if node.running]
        return self.rng.sample(choice, min(count, len(choice)))

    def held_incarnation(self, target: Node, subject: Node) -> int:
        """Give the incarnation at which a claim about a member counts at its receiver: it always knows that."""
        held = target.engine.membership.get(subject.id)
        return subject.engine.local.incarnation if held is None else held.record.incarnation

    # --- saying ---------------------------------------------------------------------------------

    def make_up(self, serial: int, **how: object) -> Voice:
        """Make an identity up that no other attacker of this world has."""
        return made_up_voice(self.world, self.node, self.node.index * 100_000 + serial, **how)  # type: ignore[arg-type]

    def tell(
        self, target: Node, claims: list[Claim], messages: tuple[Message, ...] = (), voice: Voice | None = None
    ) -> None:
        """Send a datagram, or as many as the claims need; a made-up speaker introduces itself."""
        speaker = voice or self.own
        introduction = None if speaker is self.own else speaker.record(speaker.incarnation)
        for part in in_datagrams(claims) or [()]:
            self.send(target, Packet(messages, part), speaker, introduction)
            messages = ()

    def send(self, target: Node, packet: Packet, speaker: Voice, introduction: Record | None) -> None:
        """Send one datagram, and count it as the attacker's."""
        self.told["datagrams"] += 1
        for claim in packet.claims:
            self.told[type(claim.statement).__name__.lower() + "s"] += 1
        self.world.transport.inject(speaker.node, target, packet, introduction)

    # --- streams of its own ---------------------------------------------------------------------

    def dial(self, target: Node, purpose: Purpose) -> int:
        """Open a stream that the engine behind the mask does not know of."""
        stream = self.node.engine.new_stream()
        self._streams[stream] = False
        self.told["streams"] += 1
        self.world.transport.dial(self.node, Dial(stream, target.id, target.address, purpose))
        return stream

    def say(self, stream: int, message: StreamMessage) -> None:
        """Say anything on a stream of its own."""
        self.world.transport.say(self.node, StreamSend(stream, message))

    def close(self, stream: int) -> None:
        """Hang up."""
        self._streams.pop(stream, None)
        self.world.transport.hang_up(self.node, StreamClose(stream))

    @property
    def open_count(self) -> int:
        """How many streams of its own are open."""
        return sum(self._streams.values())

    # --- the mask's mouth -----------------------------------------------------------------------

    def hear(self, now: float, sender: MemberId, packet: Packet) -> tuple[Packet, list[Effect]]:
        """Hear everything."""
        del now, sender
        return packet, []

    def hear_on_stream(self, message: StreamMessage) -> StreamMessage:
        """Hear everything on streams too."""
        return message

    def bend(self, effects: list[Effect]) -> list[Effect]:
        """Say what an honest engine says."""
        return effects

    def owns(self, stream: int) -> bool:
        """Tell whether a stream is one of its own."""
        return stream in self._streams

    def take_opened(self, stream: int) -> None:
        """Count an open stream."""
        self._streams[stream] = True

    def take_heard(self, stream: int, message: StreamMessage) -> None:
        """Take what is said on a stream of its own."""

    def take_closed(self, stream: int) -> None:
        """Forget a stream that ended."""
        self._streams.pop(stream, None)

    # --- watching its own node ------------------------------------------------------------------

    def see_step(self, step: Step) -> None:
        """Keep what others signed, as it comes to the attacker's node."""
        if step.node is not self.node or not self.is_active:
            return
        for claim in step.claims:
            raw = claim.statement.raw
            if raw not in self._heard_raw:
                self._heard_raw.add(raw)
                self.heard.append(claim)

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Events are no news to it."""


def in_datagrams(claims: list[Claim]) -> list[tuple[Claim, ...]]:
    """Cut claims into datagrams that can be sent."""
    parts: list[tuple[Claim, ...]] = []
    part: list[Claim] = []
    room = ROOM
    for claim in claims:
        size = encoded_claim_size(claim)
        if part and (size > room or len(part) >= CLAIMS_MAX):
            parts.append(tuple(part))
            part, room = [], ROOM
        part.append(claim)
        room -= size
    return [*parts, tuple(part)] if part else parts
