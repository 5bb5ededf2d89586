"""The slow stream: opens streams to everybody, and holds them, finishing none."""

from protocol.purpose import Purpose
from protocol.wire.message import Claim, Join, StreamMessage, StreamPing, SyncBuckets, SyncEnd, SyncRoot, SyncSummaries
from simulations.attack.attacker import Attacker

HELD_MAX = 2_000
"""Streams it holds at once, over all members: several times what the largest cluster of a campaign takes."""
SPEAKS_EACH = 3
"""One turn in so many it says something on a stream that is open, mostly out of turn."""


class SlowStream(Attacker):
    """Shakes hands as a member may, then says nothing, or begins a sync and does not go on, or speaks out of turn."""

    kind = "slow_stream"

    def prepare(self) -> None:
        """Hold nothing yet."""
        self._open: list[int] = []

    def speak(self) -> None:
        """Open one more stream, or say a word on one that is open."""
        target = self.next_target()
        if target is None:
            return
        if len(self._streams) < HELD_MAX:
            purpose = self.rng.choice((Purpose.SYNC, Purpose.SYNC, Purpose.JOIN, Purpose.PING))
            self.dial(target, purpose)
        if self._open and self.rng.randrange(SPEAKS_EACH) == 0:
            self.told["words"] += 1
            self.say(self.rng.choice(self._open), self._word())

    def _word(self) -> StreamMessage:
        words: tuple[StreamMessage, ...] = (
            SyncRoot(self.rng.getrandbits(64), bytes(8)),
            SyncBuckets(bytes(2_048)),
            SyncSummaries(bytes((0,)), (), last=False),
            SyncEnd(),
            StreamPing(self.rng.getrandbits(32)),
            Join(Claim(self.node.engine.local.record)),
        )
        return self.rng.choice(words)

    def take_opened(self, stream: int) -> None:
        """Keep it."""
        super().take_opened(stream)
        self._open.append(stream)

    def take_closed(self, stream: int) -> None:
        """Let go of what the other side ended."""
        super().take_closed(stream)
        if stream in self._open:
            self._open.remove(stream)
