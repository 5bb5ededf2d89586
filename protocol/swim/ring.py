"""The order of probing: round-robin over a shuffled ring (SWIM section 4.3).

Every member is probed once per round, so the first detection takes at most 2n - 1 intervals.
"""

from collections.abc import Callable
from random import Random

from protocol.ulid import MemberId


class ProbeRing:
    """Members in the order in which they are probed; reshuffled after each round."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._order: list[MemberId] = []
        self._position = 0

    def __len__(self) -> int:
        return len(self._order)

    def add(self, id: MemberId) -> None:
        """Insert a member at a random place, so that joining together does not mean being probed together."""
        place = self._rng.randint(0, len(self._order))
        self._order.insert(place, id)
        if place < self._position:
            self._position += 1

    def next(self, is_candidate: Callable[[MemberId], bool]) -> MemberId | None:
        """Give the next member for whom `is_candidate` holds; the others are taken off the ring."""
        for _ in range(2):
            while self._position < len(self._order):
                id = self._order[self._position]
                if is_candidate(id):
                    self._position += 1
                    return id
                self._order.pop(self._position)
            self._position = 0
            self._rng.shuffle(self._order)
        return None
