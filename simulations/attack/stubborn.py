"""The stubborn: hears of no revocation. One that is out itself goes on as a member; one that is in stands by it."""

from dataclasses import replace

from protocol.purpose import Purpose
from protocol.swim.core import MESSAGE_SIZE_MAX
from protocol.swim.effect import Effect
from protocol.ulid import MemberId
from protocol.wire.codec import BUCKET_COUNT, encoded_claim_size
from protocol.wire.message import (
    Claim,
    Join,
    Packet,
    Ping,
    StreamMessage,
    SyncBuckets,
    SyncClaims,
    SyncRoot,
    SyncSummaries,
    Topic,
)
from protocol.wire.statement import Revocation
from simulations.attack.attacker import Attacker
from simulations.world import Node

STREAM_EACH = 4
"""One in so many words is a stream that it opens, to join or to sync."""


class Stubborn(Attacker):
    """Its engine goes on as before, and it tells everybody the records of all who are out, its own for one."""

    kind = "stubborn"

    def prepare(self) -> None:
        """Begin without a stream."""
        self._purposes: dict[int, Purpose] = {}

    def speak(self) -> None:
        """Tell one node the newest records of those it bars, or open a stream to it."""
        target = self.next_target()
        if target is None:
            return
        if self.rng.randrange(STREAM_EACH) == 0:
            purpose = self.rng.choice((Purpose.JOIN, Purpose.SYNC))
            self._purposes[self.dial(target, purpose)] = purpose
            return
        claims = self._records_of_the_barred(target)
        self.told["smuggled"] += len(claims)
        self.tell(target, claims, (Ping(self.rng.getrandbits(32)),))

    def _records_of_the_barred(self, target: Node) -> list[Claim]:
        """Give what it holds of those that are out as far as a node knows, as much as one datagram takes.

        Its own gate still sees to it that who has only introduced itself gets no more than it sent.
        """
        bars, engine = target.engine.membership.revocations.bars, self.node.engine
        room = engine.core.room(target.id, False) - 2 * MESSAGE_SIZE_MAX
        claims = []
        for member in engine.membership:
            claim = Claim(member.record)
            if bars(member.id) and (size := encoded_claim_size(claim)) <= room:
                claims.append(claim)
                room -= size
        return claims

    # --- what its engine hears ------------------------------------------------------------------

    def hear(self, now: float, sender: MemberId, packet: Packet) -> tuple[Packet, list[Effect]]:
        """Keep its engine from every word about who is out."""
        del now, sender
        return replace(packet, claims=_without_words(packet.claims)), []

    def hear_on_stream(self, message: StreamMessage) -> StreamMessage:
        """Keep its engine from what a sync brings of them, and from asking for it."""
        if isinstance(message, SyncClaims):
            wanted = tuple(key for key in message.wanted if key[0] is not Topic.REVOCATION)
            return replace(message, claims=_without_words(message.claims), wanted=wanted)
        return message

    # --- streams of its own ---------------------------------------------------------------------

    def take_opened(self, stream: int) -> None:
        """Say at once that it wants to come in, or to compare lists."""
        super().take_opened(stream)
        self.told["doors_opened"] += 1
        if self._purposes.get(stream) is Purpose.JOIN:
            self.say(stream, Join(Claim(self.node.engine.local.record)))
        else:
            self.say(stream, SyncRoot(self.rng.getrandbits(64), bytes(8)))

    def take_heard(self, stream: int, message: StreamMessage) -> None:
        """Answer whatever a sync brings with the records of those that are out."""
        if self._purposes.pop(stream, None) is Purpose.SYNC and isinstance(message, SyncBuckets):
            far = {member.id: member for member in self.node.engine.membership}
            claims = tuple(Claim(far[id].record) for id in far if self.world.words.is_out(id))
            self.say(stream, SyncSummaries(bytes(range(BUCKET_COUNT)), (), last=True))
            self.say(stream, SyncClaims(claims, (), (), last=True))

    def take_closed(self, stream: int) -> None:
        """Forget what it was for."""
        super().take_closed(stream)
        self._purposes.pop(stream, None)


def _without_words(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    return tuple(claim for claim in claims if not isinstance(claim.statement, Revocation))
