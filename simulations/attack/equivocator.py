"""The equivocator: signs two records of itself with one incarnation, and tells each half of the members one."""

from dataclasses import replace

from protocol.swim.effect import Effect
from protocol.ulid import MemberId
from protocol.wire.message import Claim, Packet, StreamMessage, SyncClaims
from protocol.wire.statement import statement_subject
from simulations.attack.attacker import Attacker

PAIR_S = 2.0
"""So long one pair is told again and again, before the next, at the next incarnation, is made: a sync fits in."""


class Equivocator(Attacker):
    """Its engine goes on as itself, and does not hear what is said of it: it would rise above both records."""

    kind = "equivocator"

    def prepare(self) -> None:
        """Let checkers know of whom there is more than one record of an incarnation."""
        self.world.equivocators.add(self.node.index)
        self._next_pair_at = self.world.now

    def speak(self) -> None:
        """Tell each half its version at one moment, before either hears of the other's."""
        if self.world.now >= self._next_pair_at:
            self._next_pair_at = self.world.now + PAIR_S
            self._sign_pair()
        for target in self.others():
            self.tell(target, [self._pair[target.index % 2]])

    def _sign_pair(self) -> None:
        """Sign two records that differ in a tag."""
        self.own.incarnation = max(self.own.incarnation, self.node.engine.local.incarnation) + 1
        self.told["pairs"] += 1
        self._pair = tuple(
            Claim(self.own.record(self.own.incarnation, tags={"say": f"{half} {self.told['pairs']}"}))
            for half in ("one", "other")
        )

    def hear(self, now: float, sender: MemberId, packet: Packet) -> tuple[Packet, list[Effect]]:
        """Keep its engine from what the others hold of it."""
        del now, sender
        return replace(packet, claims=self._about_others(packet.claims)), []

    def hear_on_stream(self, message: StreamMessage) -> StreamMessage:
        """Keep its engine from what a sync brings of it."""
        return (
            replace(message, claims=self._about_others(message.claims)) if isinstance(message, SyncClaims) else message
        )

    def _about_others(self, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        return tuple(claim for claim in claims if statement_subject(claim.statement) != self.node.id)
