"""The forger: writes what others did not sign, under their names."""

from protocol.purpose import Purpose
from protocol.ulid import MemberId
from protocol.wire.message import Claim, StreamMessage, SyncClaims, SyncRoot
from protocol.wire.statement import (
    SIGNATURE_SIZE,
    Accusation,
    Eviction,
    Statement,
    encode_accusation,
    encode_eviction,
)
from simulations.attack.attacker import Attacker
from simulations.attack.voice import Voice, false_signature, read_record, record_body
from simulations.world import Node

AHEAD = 1_000
"""Incarnations above the victim's: were a forgery believed, nothing the victim says would count."""
STREAM_EACH = 10
"""One in so many forgeries goes over a stream."""


class Forger(Attacker):
    """Tells each node in turn something false about another; where it is muted, it goes on under a new name."""

    kind = "forger"

    def prepare(self) -> None:
        """Begin with its own name."""
        self._serial = 0
        self._pending: dict[int, Node] = {}

    def speak(self) -> None:
        """Forge one statement for one node."""
        target, victims = self.next_target(), self.victims(1)
        if target is None or not victims:
            return
        if self.rng.randrange(STREAM_EACH) == 0:
            self._pending[self.dial(target, Purpose.SYNC)] = victims[0]
            return
        claim = Claim(self.forge(target, victims[0]))
        self.tell(target, [claim], voice=self._speaker())

    def _speaker(self) -> Voice:
        """Speak in its own name at first, then half of the time in one just made up."""
        if self.rng.random() < 0.5:
            return self.own
        self._serial += 1
        return self.make_up(self._serial)

    def forge(self, target: Node, victim: Node) -> Statement:
        """Write one of the things that would do harm if they were believed."""
        incarnation, others = self.held_incarnation(target, victim), self.victims(2)
        author = others[0].id if others[0] is not victim or len(others) == 1 else others[1].id
        kinds = (self._record, self._goodbye, self._own_key, self._accusation, self._eviction, self._bent)
        forged = self.rng.choice(kinds)(victim, incarnation, author)
        self.forged.add(forged.raw)
        self.told["forgeries"] += 1
        return forged

    def _sign_falsely(self, body: bytes) -> bytes:
        """Put the attacker's own signature, or none at all, where the author's belongs."""
        return (self.own.sign(body) if self.rng.random() < 0.5 else false_signature(self.rng.randbytes(1))) + body

    def _body(self, victim: Node, incarnation: int, *, goodbye: bool, key: bytes | None = None) -> bytes:
        profile = victim.profile
        return record_body(
            victim.id,
            key or profile.public_key,
            profile.name,
            profile.address if goodbye else self.node.address,
            incarnation + AHEAD,
            goodbye=goodbye,
            start=profile.start,
            tags=profile.tags,
            license_id=profile.license_id,
        )

    def _record(self, victim: Node, incarnation: int, author: MemberId) -> Statement:
        """Move a member to the attacker's address."""
        del author
        return read_record(self._sign_falsely(self._body(victim, incarnation, goodbye=False)))

    def _goodbye(self, victim: Node, incarnation: int, author: MemberId) -> Statement:
        del author
        return read_record(self._sign_falsely(self._body(victim, incarnation, goodbye=True)))

    def _own_key(self, victim: Node, incarnation: int, author: MemberId) -> Statement:
        """Sign well, with the attacker's key in the victim's record: the id does not commit to it."""
        del author
        body = self._body(victim, incarnation, goodbye=False, key=self.node.profile.public_key)
        return read_record(self.own.sign(body) + body)

    def _accusation(self, victim: Node, incarnation: int, author: MemberId) -> Statement:
        raw = self._sign_falsely(encode_accusation(author, victim.id, incarnation))
        return Accusation(raw, author, victim.id, incarnation)

    def _eviction(self, victim: Node, incarnation: int, author: MemberId) -> Statement:
        raw = self._sign_falsely(encode_eviction(author, victim.id, incarnation, True))
        return Eviction(raw, author, victim.id, incarnation, prune=True)

    def _bent(self, victim: Node, incarnation: int, author: MemberId) -> Statement:
        """Change words under a good signature: the victim's own, with another incarnation."""
        del author
        signature = victim.engine.local.record.raw[:SIGNATURE_SIZE]
        return read_record(signature + self._body(victim, incarnation, goodbye=True))

    # --- over streams -----------------------------------------------------------------------------

    def take_opened(self, stream: int) -> None:
        """Begin a sync."""
        super().take_opened(stream)
        self.say(stream, SyncRoot(self.rng.getrandbits(64), bytes(8)))

    def take_heard(self, stream: int, message: StreamMessage) -> None:
        """Answer whatever comes with a forgery, in a message that may be out of turn."""
        victim = self._pending.pop(stream, None)
        if victim is not None:
            claim = Claim(self.forge(victim, victim))
            self.say(stream, SyncClaims((claim,), (), (), last=True))
        del message

    def take_closed(self, stream: int) -> None:
        """Forget what was to be said there."""
        super().take_closed(stream)
        self._pending.pop(stream, None)
