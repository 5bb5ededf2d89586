"""How long the round trip to a member takes: of this node's own probes, smoothed."""

from protocol.ulid import MemberId

ROUND_TRIPS_MAX = 4_096
"""Members whose round trip is kept, some 400 KB; of more, those measured longest ago go first."""
RTT_WEIGHT = 0.25
"""Share of a new round trip in the smoothed one."""


class RoundTrips:
    """Smoothed round trips by member, in seconds."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[MemberId, float] = {}
        """In the order of the last measurement."""

    def __len__(self) -> int:
        return len(self._held)

    def get(self, id: MemberId) -> float | None:
        """Tell a member's round trip, where it was measured and is kept."""
        return self._held.get(id)

    def add(self, id: MemberId, rtt_s: float) -> None:
        """Let a measurement count; the first is taken as it is."""
        held = self._held.pop(id, None)
        self._held[id] = rtt_s if held is None else held + RTT_WEIGHT * (rtt_s - held)
        if len(self._held) > ROUND_TRIPS_MAX:
            del self._held[next(iter(self._held))]

    def drop(self, id: MemberId) -> None:
        """Forget a member that is off the list."""
        self._held.pop(id, None)
