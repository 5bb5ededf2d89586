"""Who is not heard for a while, because it relayed what it cannot have verified."""

from protocol.ulid import MemberId

MUTE_S = 60.0
"""How long whoever relayed a bad signature is not heard: the design's figure."""
MUTED_MAX = 1_024
"""Senders muted at a time; beyond that the one that would be heard again first is."""


class Muted:
    """A bounded set of senders, each until a time of its own (seconds, monotonic). False when empty."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: dict[MemberId, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, id: MemberId, until: float) -> None:
        """Mute a sender; a longer mute that it has already stays."""
        self._until[id] = max(until, self._until.get(id, until))
        if len(self._until) > MUTED_MAX:
            del self._until[min(self._until, key=self._until.__getitem__)]

    def covers(self, now: float, id: MemberId) -> bool:
        """Tell whether a sender is muted, and forget a mute that is over."""
        until = self._until.get(id)
        if until is None:
            return False
        if now < until:
            return True
        del self._until[id]
        return False
