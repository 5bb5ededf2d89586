"""The boaster: says of itself more than anybody may, two things at once, and under made-up names what others say."""

from dataclasses import replace

from protocol.swim.effect import Effect
from protocol.ulid import MemberId
from protocol.wire.fact import Fact
from protocol.wire.message import Claim, Packet, StreamMessage, SyncClaims
from protocol.wire.statement import statement_subject
from simulations.attack.attacker import Attacker
from simulations.world import EPOCH_MS, Node

KEY_SIZE = 40
EACH = 4
"""Facts in one datagram."""
FORGED_EACH = 20
"""One datagram in so many holds a fact that another is said to have said; its made-up speaker is not heard again."""
REPEATED = 12
"""So often each pair is told to each half, that it reaches all."""


class Boaster(Attacker):
    """Its engine goes on, and does not hear what it is said to have said: it would take all of it back."""

    kind = "boaster"

    def prepare(self) -> None:
        """Let nobody ask which of its words are right."""
        self.world.equivocators.add(self.node.index)
        self._serial = 0
        self._version = EPOCH_MS + int(self.world.now * 1_000) + 1
        self._forged: list[Fact] = []

    def speak(self) -> None:
        """Say some new things; the same versions to others, with other words; now and then another's word."""
        target = self.next_target()
        if target is None:
            return
        if self.rng.randrange(FORGED_EACH) == 0:
            self._forge(target)
        if self.rng.random() < 0.5:
            self._boast(target)
        else:
            self._equivocate()

    def _boast(self, target: Node) -> None:
        """Say things under keys never used before, without end."""
        claims = []
        for _ in range(EACH):
            self._version += 1
            key = b"boast/%d" % self._version
            claims.append(Claim(self.own.fact(key.ljust(KEY_SIZE, b"."), self._version, b"v" * 60)))
        self.told["boasts"] += len(claims)
        self.tell(target, claims)

    def _equivocate(self) -> None:
        """Tell each half its word at one moment, both of one key and version."""
        self._version += 1
        pair = [Claim(self.own.fact(b"pair", self._version, half)) for half in (b"one", b"other")]
        self.told["pairs_of_facts"] += 1
        for target in self.others():
            self.tell(target, [pair[target.index % 2]])

    def _forge(self, target: Node) -> None:
        """Say in another's name what it never said, under a made-up speaker's: whoever hears it hears it no more."""
        victims = self.victims(1)
        if not victims:
            return
        self._serial += 1
        speaker = self.make_up(self._serial)
        version = EPOCH_MS + int(self.world.now * 1_000) + 5_000_000
        fact = speaker.fact(b"web", version, b"forged", owner=victims[0].id)
        self.forged.add(fact.raw)
        self.told["forged_facts"] += 1
        self.tell(target, [Claim(fact)], voice=speaker)

    # --- what its engine hears ------------------------------------------------------------------

    def hear(self, now: float, sender: MemberId, packet: Packet) -> tuple[Packet, list[Effect]]:
        """Keep its engine from what it says behind its back."""
        del now, sender
        return replace(packet, claims=self._without_own_facts(packet.claims)), []

    def hear_on_stream(self, message: StreamMessage) -> StreamMessage:
        """Keep its engine from what a sync brings of it."""
        if isinstance(message, SyncClaims):
            return replace(message, claims=self._without_own_facts(message.claims))
        return message

    def _without_own_facts(self, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        own = self.node.id
        return tuple(c for c in claims if not (isinstance(c.statement, Fact) and statement_subject(c.statement) == own))
