"""Whether a sealed datagram is new: a window over its sender's counter."""

WINDOW = 1_024
"""Counters remembered behind the largest one seen. A sender has one counter for all its peers, so this is
some ten seconds of a busy node's datagrams; later than that nothing arrives in order or out of it."""

_MASK = (1 << WINDOW) - 1


class ReplayWindow:
    """What one sender has sent us: its start, the largest counter, and which of the last 1,024 came.

    Bit i of `_seen` stands for the counter `_largest - i`. A larger start empties the window: the sender
    began anew. After this node's own restart the windows are empty, so an old datagram may be taken
    once more; every message is idempotent or matched by a random number.
    """

    __slots__ = ("_largest", "_seen", "start")

    def __init__(self) -> None:
        self.start = -1
        """Incarnation at the sender's start; -1 before the first datagram."""
        self._largest = 0
        self._seen = 0

    def accept(self, start: int, counter: int) -> bool:
        """Mark a counter as seen; False if it was, or is too old to tell. Call after the seal was checked."""
        if start != self.start:
            if start < self.start:
                return False
            self.start = start
            self._largest = counter
            self._seen = 1
            return True
        ahead = counter - self._largest
        if ahead > 0:
            self._seen = (self._seen << ahead | 1) & _MASK if ahead < WINDOW else 1
            self._largest = counter
            return True
        if ahead <= -WINDOW:
            return False
        bit = 1 << -ahead
        if self._seen & bit:
            return False
        self._seen |= bit
        return True
