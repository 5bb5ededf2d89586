"""One queue for every timer of an engine, so that a stall can postpone them all at once."""

from enum import Enum, auto
from heapq import heapify, heappop, heappush

from protocol.ulid import MemberId


class Timer(Enum):
    """What a deadline is for; some kinds exist once, some once per member or per ping."""

    PROBE = auto()
    """The next probe begins (and the present one ends)."""
    PROBE_TIMEOUT = auto()
    """The direct ping of the present probe went unanswered."""
    PING = auto()
    """A ping outside the probe (relay, retry, join, leave), by its number."""
    SUSPICION = auto()
    """A suspected member's time is up."""
    GOSSIP = auto()
    """The next round of gossip."""
    SYNC = auto()
    """The slow sync."""
    RETRY = auto()
    """A failed member or an address of the book is tried again."""
    CHECK = auto()
    """Members learned together with old accusations are pinged, some at a time."""
    REAP = auto()
    """A failed or left member's time on the list is up."""
    REFUTATION = auto()
    """A refutation that came too soon after others is made."""
    LEAVE = auto()
    """The goodbye is repeated, or has taken long enough."""


TimerKey = tuple[Timer, MemberId | int | None]


class DeadlineQueue:
    """Deadlines by key: each key at most once, the earliest first, ties in the order they were armed.

    Times are seconds of the engine's monotonic clock. Stale heap entries are skipped when met and
    swept when they outnumber the live ones, so memory is bounded by the number of armed keys.
    """

    def __init__(self) -> None:
        self._armed: dict[TimerKey, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, TimerKey]] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._armed)

    def arm(self, at: float, timer: Timer, about: MemberId | int | None = None) -> None:
        """Set a deadline, replacing an earlier one for the same key."""
        self._serial += 1
        key = (timer, about)
        self._armed[key] = (at, self._serial)
        heappush(self._heap, (at, self._serial, key))
        if len(self._heap) > 64 + 2 * len(self._armed):
            self._sweep()

    def disarm(self, timer: Timer, about: MemberId | int | None = None) -> None:
        """Drop a deadline; nothing happens if there is none."""
        self._armed.pop((timer, about), None)

    def deadline(self, timer: Timer, about: MemberId | int | None = None) -> float | None:
        """Tell when a key is due."""
        armed = self._armed.get((timer, about))
        return armed[0] if armed else None

    def next_at(self) -> float | None:
        """Tell the earliest deadline, or None when nothing is armed."""
        heap = self._heap
        while heap:
            at, serial, key = heap[0]
            if self._armed.get(key) == (at, serial):
                return at
            heappop(heap)
        return None

    def pop_due(self, now: float) -> tuple[TimerKey, float] | None:
        """Take the earliest key whose deadline is not after `now`, with its deadline."""
        at = self.next_at()
        if at is None or at > now:
            return None
        _, _, key = heappop(self._heap)
        del self._armed[key]
        return key, at

    def postpone(self, by_s: float, not_before: float) -> None:
        """Move every deadline that is due before `not_before` by `by_s`, and at least to `not_before`.

        Deadlines further away move by `by_s` alone.
        """
        self._armed = {key: (max(at + by_s, not_before), serial) for key, (at, serial) in self._armed.items()}
        self._sweep()

    def _sweep(self) -> None:
        self._heap = [(at, serial, key) for key, (at, serial) in self._armed.items()]
        heapify(self._heap)
