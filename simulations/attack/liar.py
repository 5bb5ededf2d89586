"""The lone liar: everything that a member may sign, it signs, and nothing of it is so."""

from dataclasses import replace

from protocol.status import Status
from protocol.swim.effect import Effect, Send, StreamSend
from protocol.ulid import MemberId
from protocol.wire.message import (
    Ack,
    Claim,
    Forgotten,
    Message,
    Nack,
    Packet,
    PingReq,
    StreamMessage,
    StreamPong,
    SyncBuckets,
    SyncClaims,
    SyncRoot,
)
from protocol.wire.statement import statement_author
from simulations.attack.attacker import Attacker
from simulations.attack.voice import Voice
from simulations.world import Node

CROWD = 8
"""Members it makes up: more accusers than any suspicion counts."""
VICTIMS_EACH = 5
"""Members accused in one datagram."""
AGES_S = (0, 0, 30, 3_600, 86_000, 10**9)
"""Of its accusations: fresh ones, and such as claim that the victim failed long ago."""
CROWD_RETURNS_S = 10.0
"""So often the made-up refute what others rightly think of them."""
EVICTED_EACH = 4
"""One in so many accusations comes with an eviction."""


class Liar(Attacker):
    """Accuses and evicts everybody without pause, answers for others falsely, passes nothing on."""

    kind = "liar"

    def prepare(self) -> None:
        """Make the crowd up."""
        self._crowd: list[Voice] = [self.make_up(serial) for serial in range(CROWD)]
        self.voices += self._crowd
        self._next_return_at = self.world.now
        self._return_to: list[Node] = []

    def speak(self) -> None:
        """Accuse some members to one node, in one name, and tell that node that it was pruned."""
        if self.world.now >= self._next_return_at:
            self._next_return_at = self.world.now + CROWD_RETURNS_S
            self._return_to = self.others()
            for voice in self._crowd:
                voice.incarnation += 1
        if self._return_to:
            records = [Claim(voice.record(voice.incarnation)) for voice in self._crowd]
            self.tell(self._return_to.pop(), records)
            return
        target = self.next_target()
        if target is None:
            return
        voice = self.rng.choice(self.voices)
        claims: list[Claim] = []
        for victim in self.victims(VICTIMS_EACH):
            claims += self._lies(voice, target, victim)
        messages: tuple[Message, ...] = ()
        if self.rng.randrange(EVICTED_EACH) == 0:
            messages = (Forgotten(target.id, target.engine.local.incarnation),)
        self.tell(target, claims, messages)

    def _lies(self, voice: Voice, target: Node, victim: Node) -> list[Claim]:
        incarnation = self.held_incarnation(target, victim)
        age_s = self.rng.choice(AGES_S)
        lies = [Claim(voice.accuse(victim.id, incarnation), age_s)]
        if self.rng.randrange(EVICTED_EACH) == 0:
            lies.append(Claim(voice.evict(victim.id, incarnation, prune=self.rng.random() < 0.5), age_s))
        return lies

    # --- what its engine says ---------------------------------------------------------------------

    def hear(self, now: float, sender: MemberId, packet: Packet) -> tuple[Packet, list[Effect]]:
        """Answer what others are to be asked without asking them: ack for the dead, nack for the living."""
        del now
        asked = [message for message in packet.messages if isinstance(message, PingReq)]
        if not asked:
            return packet, []
        kept = tuple(message for message in packet.messages if not isinstance(message, PingReq))
        address = self.node.engine.core.address(sender)
        answers: list[Effect] = []
        if address is not None:
            said = tuple(self._answer_for(request) for request in asked)
            self.told["relays_lied_about"] += len(said)
            answers.append(Send(sender, address, Packet(said)))
        return replace(packet, messages=kept), answers

    def _answer_for(self, request: PingReq) -> Message:
        target = self.world.find(request.target)
        if target is not None and target.running:
            return Nack(request.number)
        return Ack(request.number, self._number())

    def _number(self) -> int:
        return self.rng.getrandbits(64)

    def bend(self, effects: list[Effect]) -> list[Effect]:
        """Pass nothing on that others signed, and show wrong hashes."""
        bent: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Send):
                packet = Packet(tuple(map(self._bend_message, effect.packet.messages)), self._own(effect.packet.claims))
                if packet.messages or packet.claims:
                    bent.append(replace(effect, packet=packet))
            elif isinstance(effect, StreamSend):
                bent.append(replace(effect, message=self._bend_said(effect.message)))
            else:
                bent.append(effect)
        return bent

    def _own(self, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        return tuple(claim for claim in claims if statement_author(claim.statement) == self.node.id)

    def _bend_message(self, message: Message) -> Message:
        return Ack(message.number, self._number()) if isinstance(message, Ack) else message

    def _bend_said(self, message: StreamMessage) -> StreamMessage:
        """Lie in a sync: wrong sums, nobody's statements, and all of the dead forgotten for a day."""
        if isinstance(message, SyncRoot | StreamPong):
            return replace(message, view_hash=self._number())
        if isinstance(message, SyncBuckets):
            return SyncBuckets(self.rng.randbytes(len(message.sums)))
        if isinstance(message, SyncClaims):
            return replace(message, claims=self._own(message.claims), forgotten=self._forgotten())
        return message

    def _forgotten(self) -> tuple[tuple[MemberId, int, int], ...]:
        members = self.node.engine.membership
        return tuple(
            (member.id, member.record.incarnation, 86_000)
            for member in members
            if member.status is not Status.LEFT and member.id != self.node.id
        )
