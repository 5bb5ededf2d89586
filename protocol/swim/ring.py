"""The order of probing: round-robin over a shuffled ring (SWIM section 4.3).

Every member is probed once per round, so the first detection takes at most 2n - 1 intervals.

The members stand on numbered slots: those of the census, which engines share, then this node's own. A round is a
random permutation of the slots, drawn one by one as it is needed (Fisher and Yates's shuffle, of which only the
exchanges are kept), so a ring costs what was asked in this round, not all it has.
"""

from collections.abc import Callable
from random import Random

from protocol.swim.census import EMPTY_CENSUS, Census
from protocol.ulid import MemberId


class ProbeRing:
    """Members, each asked once per round, in an order drawn anew for each."""

    __slots__ = ("_asked", "_base", "_count", "_exchanged", "_off", "_own", "_own_ids", "_rng", "_shared", "_slots")

    def __init__(self, rng: Random, census: Census = EMPTY_CENSUS, without: MemberId | None = None) -> None:
        """Begin with the members of a census, but for `without`: this node itself."""
        self._rng = rng
        self._base = census
        self._shared = self._slots = len(census.ids)
        """How many slots are the census's, and how many there are in all."""
        self._off: set[MemberId] = {without} & census.rows.keys() if without is not None else set()
        """Of the census, not on its slot: whoever returns gets one of this node's own."""
        self._own: list[MemberId | None] = []
        """None where one was taken off within this round."""
        self._own_ids: set[MemberId] = set()
        self._count = len(census.ids) - len(self._off)
        self._asked = 0
        """Slots drawn in this round."""
        self._exchanged: dict[int, int] = {}
        """Places from `_asked` on, by the slot that stands there, where that is another than its own."""

    def __len__(self) -> int:
        return self._count

    def __contains__(self, id: MemberId) -> bool:
        return id in self._own_ids or (id in self._base.rows and id not in self._off)

    def add(self, id: MemberId) -> None:
        """Insert a member at a random place of the round, so that joining together is not being probed together."""
        slot = self._slots
        self._slots += 1
        place = int(self._rng.random() * self._slots)
        self._own.append(id)
        self._own_ids.add(id)
        self._count += 1
        if place < self._asked:  # its turn in this round is over
            head = self._exchanged.pop(self._asked, self._asked)
            if head != slot:
                self._exchanged[slot] = head
            self._asked += 1

    def next(self, is_candidate: Callable[[MemberId], bool]) -> MemberId | None:
        """Give the next member for whom `is_candidate` holds; the others are taken off the ring."""
        for _ in range(2):
            while self._asked < self._slots:
                slot = self._draw()
                id = self._on(slot)
                if id is not None:
                    if is_candidate(id):
                        return id
                    self._take_off(slot, id)
            self._end_round()
        return None

    def _draw(self) -> int:
        """Draw one of the slots not asked yet, and put the first of them where it stood."""
        first = self._asked
        place = first + int(self._rng.random() * (self._slots - first))
        head = self._exchanged.pop(first, first)
        self._asked = first + 1
        if place == first:
            return head
        slot = self._exchanged.get(place, place)
        self._exchanged[place] = head
        return slot

    def _on(self, slot: int) -> MemberId | None:
        """Tell who stands on a slot."""
        if slot >= self._shared:
            return self._own[slot - self._shared]
        id = self._base.ids[slot]
        return None if id in self._off else id

    def _take_off(self, slot: int, id: MemberId) -> None:
        self._count -= 1
        if slot < self._shared:
            self._off.add(id)
        else:
            self._own[slot - self._shared] = None
            self._own_ids.discard(id)

    def _end_round(self) -> None:
        """Begin a round anew; slots that nobody stands on are given up."""
        self._asked = 0
        self._exchanged = {}
        if len(self._own) > len(self._own_ids):
            self._own = [id for id in self._own if id is not None]
        if len(self._off) > self._shared / 2:
            self._own += [id for id in self._base.ids if id not in self._off]
            self._own_ids.update(id for id in self._own if id is not None)
            self._base, self._off, self._shared = EMPTY_CENSUS, set(), 0
        self._slots = self._shared + len(self._own)
