"""One queue for every timer of an engine, so that a stall can postpone them all at once."""

from enum import IntEnum, auto
from heapq import heapify, heappop, heappush

from protocol.ulid import MemberId


class Timer(IntEnum):
    """What a deadline is for; some kinds exist once, some once per member or per ping.

    A number, because a number's hash costs a tenth of an Enum's, and each input of an engine hashes several.
    """

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
    HORIZON = auto()
    """What this node said of itself before it said all anew is dropped."""
    LEAVE = auto()
    """The goodbye is repeated, or has taken long enough."""


TimerKey = tuple[Timer, MemberId | int | None]
Deadline = tuple[float, int, TimerKey]
"""When, a serial number that makes ties a matter of order, and of what."""

STALE_MIN = 16
"""Stale entries that are not worth a sweep."""


class DeadlineQueue:
    """Deadlines by key: each key at most once, the earliest first, ties in the order they were armed.

    Times are seconds of the engine's monotonic clock. An entry of the heap is stale when its key was disarmed or
    armed anew. The top is never stale; further down they are swept when they outnumber the others, so memory is
    bounded by the number of armed keys.
    """

    __slots__ = ("_armed", "_heap", "_serial")

    def __init__(self) -> None:
        self._armed: dict[TimerKey, Deadline] = {}
        self._heap: list[Deadline] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._armed)

    def arm(self, at: float, timer: Timer, about: MemberId | int | None = None) -> None:
        """Set a deadline, replacing an earlier one for the same key."""
        self._serial += 1
        key = (timer, about)
        armed, heap = self._armed, self._heap
        count = len(armed)
        entry = armed[key] = (at, self._serial, key)
        heappush(heap, entry)
        if len(armed) == count:  # it was armed already
            self._skip_stale()
            if len(heap) > STALE_MIN + 2 * len(armed):
                self._sweep()

    def disarm(self, timer: Timer, about: MemberId | int | None = None) -> None:
        """Drop a deadline; nothing happens if there is none."""
        if self._armed.pop((timer, about), None) is not None:
            self._skip_stale()
            if len(self._heap) > STALE_MIN + 2 * len(self._armed):
                self._sweep()

    def deadline(self, timer: Timer, about: MemberId | int | None = None) -> float | None:
        """Tell when a key is due."""
        entry = self._armed.get((timer, about))
        return entry[0] if entry else None

    def next_at(self) -> float | None:
        """Tell the earliest deadline, or None when nothing is armed."""
        heap = self._heap
        return heap[0][0] if heap else None

    def pop_due(self, now: float) -> tuple[TimerKey, float] | None:
        """Take the earliest key whose deadline is not after `now`, with its deadline."""
        heap = self._heap
        if not heap or heap[0][0] > now:
            return None
        at, _, key = heappop(heap)
        del self._armed[key]
        self._skip_stale()
        if len(heap) > STALE_MIN + 2 * len(self._armed):
            self._sweep()
        return key, at

    def postpone(self, by_s: float, not_before: float) -> None:
        """Move every deadline that is due before `not_before` by `by_s`, and at least to `not_before`.

        Deadlines further away move by `by_s` alone.
        """
        moved = [(max(at + by_s, not_before), serial, key) for at, serial, key in self._armed.values()]
        self._armed = {entry[2]: entry for entry in moved}
        self._sweep()

    def _skip_stale(self) -> None:
        heap, armed = self._heap, self._armed
        while heap and armed.get(heap[0][2]) is not heap[0]:
            heappop(heap)

    def _sweep(self) -> None:
        self._heap = list(self._armed.values())
        heapify(self._heap)
