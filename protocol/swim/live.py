"""Who counts: the ids of all members alive or suspect, to be asked about and drawn from.

Some live by the census that this node began with: those ids are shared, and only who is missing is kept here.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from random import Random

from protocol.ulid import MemberId

ABSENT_SHARE_MAX = 0.5
"""Beyond it half of all draws would miss; the shared ids are then copied, less the absent."""


class LiveList:
    """A set of ids that can be drawn from, in an order that depends on nothing but what was done."""

    __slots__ = ("_absent", "_base", "_ids", "_own", "_place", "count")

    def __init__(self, base: Mapping[MemberId, object], ids: tuple[MemberId, ...]) -> None:
        """Begin with `ids`, the keys of `base`; both stay as they are."""
        self._base = base
        self._ids = ids
        self._absent: set[MemberId] = set()
        """Of the base."""
        self._own: list[MemberId] = []
        self._place: dict[MemberId, int] = {}
        """Where each of `_own` stands there."""
        self.count = len(ids)

    def __len__(self) -> int:
        return self.count

    def __contains__(self, id: MemberId) -> bool:
        return id in self._place or (id in self._base and id not in self._absent)

    def __iter__(self) -> Iterator[MemberId]:
        if not self._absent:
            return chain(self._ids, self._own)
        return chain((id for id in self._ids if id not in self._absent), self._own)

    def add(self, id: MemberId) -> None:
        """Let one count that did not."""
        self.count += 1
        if id in self._base:
            self._absent.discard(id)
        else:
            self._place[id] = len(self._own)
            self._own.append(id)

    def remove(self, id: MemberId) -> None:
        """Let one no longer count that did; the last takes its place."""
        self.count -= 1
        place = self._place.pop(id, None)
        if place is None:
            self._absent.add(id)
            if len(self._absent) > ABSENT_SHARE_MAX * len(self._ids):
                self._part_with_base()
            return
        last = self._own.pop()
        if last != id:
            self._own[place] = last
            self._place[last] = place

    def _part_with_base(self) -> None:
        self._own = list(self)
        self._place = {id: place for place, id in enumerate(self._own)}
        self._base, self._ids = {}, ()
        self._absent.clear()

    def sample(self, rng: Random, count: int, without: frozenset[MemberId]) -> list[MemberId]:
        """Choose up to `count` different ids at random, none of `without`."""
        if self.count <= 4 * (count + len(without)):
            candidates = [id for id in self if id not in without]
            return rng.sample(candidates, min(count, len(candidates)))
        chosen: list[MemberId] = []
        while len(chosen) < count:
            id = self._at(int(rng.random() * (len(self._ids) + len(self._own))))
            if id not in without and id not in chosen and id not in self._absent:
                chosen.append(id)
        return chosen

    def _at(self, place: int) -> MemberId:
        shared = len(self._ids)
        return self._ids[place] if place < shared else self._own[place - shared]
