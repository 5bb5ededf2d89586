"""The changes of the member list, numbered: a bounded ring that logs, streams and programs read."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

import trio

from protocol.swim.effect import Change

RING_MAX = 4_096
"""Changes kept: a reader that was away longer hears of a gap, and asks for the whole list."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change with its number and its time."""

    index: int
    at: float
    """Unix seconds."""
    change: Change


@dataclass(frozen=True, slots=True)
class JournalBatch:
    """Entries after an index; `gap` if some before these are lost."""

    entries: tuple[JournalEntry, ...]
    gap: bool


class Journal:
    """Entries by index; the first is above what earlier runs of the process can have used."""

    def __init__(self, first_index: int) -> None:
        self._first_index = first_index
        self.index = first_index
        self._ring: deque[JournalEntry] = deque(maxlen=RING_MAX)
        self._grown = trio.Event()

    def add(self, at: float, change: Change) -> JournalEntry:
        """Write a change down, and wake who waits for one."""
        self.index += 1
        entry = JournalEntry(self.index, at, change)
        self._ring.append(entry)
        if self._grown.statistics().tasks_waiting:
            self._grown.set()
            self._grown = trio.Event()
        return entry

    def since(self, index: int, limit: int) -> JournalBatch:
        """Give the oldest entries above an index; an index of another ring counts as a gap."""
        ring = self._ring
        first = ring[0].index if ring else self.index + 1
        gap = index > self.index or index < min(first - 1, self._first_index if len(ring) < RING_MAX else first - 1)
        start = 0 if gap else max(0, index + 1 - first)
        return JournalBatch(tuple(ring[i] for i in range(start, min(len(ring), start + limit))), gap)

    async def wait_above(self, index: int) -> None:
        """Return once there is an entry above an index; costs nothing while waiting."""
        while self.index <= index:
            await self._grown.wait()

    async def follow(self, index: int) -> AsyncIterator[JournalBatch]:
        """Give batches from an index on, for ever."""
        while True:
            await self.wait_above(index)
            batch = self.since(index, RING_MAX)
            index = self.index
            yield batch
