"""Names with the times at which they are due, and one task that waits for the earliest."""

from heapq import heapify, heappop, heappush

import trio

STALE_MIN = 64
"""Entries of disarmed names that are not worth a sweep."""


class Schedule:
    """Each name at most once, the earliest first. Times are seconds of Trio's clock.

    Of ten thousand names that wait, the cost is a heap's entry each, and one task for all.
    """

    def __init__(self) -> None:
        self._armed: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._earlier = trio.Event()

    def __len__(self) -> int:
        return len(self._armed)

    def arm(self, name: str, at: float) -> None:
        """Set when a name is due, in place of an earlier word."""
        self._armed[name] = at
        heappush(self._heap, (at, name))
        if len(self._heap) > STALE_MIN + 2 * len(self._armed):
            self._heap = [(due, held) for held, due in self._armed.items()]
            heapify(self._heap)
        if self._heap[0] == (at, name):
            self._earlier.set()

    def disarm(self, name: str) -> None:
        """Drop a name; nothing happens if it is not there."""
        self._armed.pop(name, None)

    def due_at(self, name: str) -> float | None:
        """Tell when a name is due."""
        return self._armed.get(name)

    async def next_due(self) -> str:
        """Wait for the earliest name, and take it out; for one task at a time."""
        await trio.lowlevel.checkpoint()
        while True:
            self._earlier = trio.Event()
            self._skip_stale()
            if not self._heap:
                await self._earlier.wait()
                continue
            at, name = self._heap[0]
            if at <= trio.current_time():
                heappop(self._heap)
                del self._armed[name]
                return name
            with trio.move_on_at(at):
                await self._earlier.wait()

    def _skip_stale(self) -> None:
        while self._heap and self._armed.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
