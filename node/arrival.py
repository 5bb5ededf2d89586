"""Who came onto the list while invitations were under way, and which invitation counts as the one that brought them.

Of the invitations that see one arrival exactly one may claim it; so may exactly one for each peer, where it is this
node that returned to its cluster. What is claimed is kept with the record, for the peer may be gone again by then.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from protocol.ulid import MemberId
from protocol.wire.statement import Record

ARRIVALS_MAX = 1_024
"""Peers remembered, the latest: invitations last 10 s at most, and so many come in that time in no cluster of ours."""


V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Arrival:
    number: int
    record: Record


class Arrivals:
    """Arrivals by peer, numbered from 1; forgotten once no invitation is under way."""

    def __init__(self) -> None:
        self._number = 0
        self._watcher_count = 0
        self._arrivals: OrderedDict[MemberId, _Arrival] = OrderedDict()
        self._claims: OrderedDict[MemberId, int] = OrderedDict()
        self._returned_at = 0

    def __len__(self) -> int:
        return len(self._arrivals) + len(self._claims)

    @contextmanager
    def watch(self) -> Iterator[int]:
        """Remember arrivals from now on; yields the number after which those of this watcher come."""
        self._watcher_count += 1
        try:
            yield self._number
        finally:
            self._watcher_count -= 1
            if not self._watcher_count:
                self._arrivals.clear()
                self._claims.clear()

    def note(self, record: Record) -> None:
        """Remember that a member that was failed, gone or unknown is live."""
        if self._watcher_count:
            self._number += 1
            _put(self._arrivals, record.id, _Arrival(self._number, record))

    def note_return(self) -> None:
        """Remember that this node itself is a member again."""
        if self._watcher_count:
            self._number += 1
            self._returned_at = self._number

    def came(self, id: MemberId, since: int) -> bool:
        """Return whether a peer arrived after a number, be it claimed or gone again."""
        arrival = self._arrivals.get(id)
        return arrival is not None and arrival.number > since

    def find(self, id: MemberId) -> Record | None:
        """Return the record with which a peer arrived last."""
        arrival = self._arrivals.get(id)
        return None if arrival is None else arrival.record

    def claim(self, id: MemberId, since: int) -> bool:
        """Claim what brought a peer, or this node to it, after a number; False if nothing did, or it is claimed."""
        arrival = self._arrivals.get(id)
        newest = max(self._returned_at, 0 if arrival is None else arrival.number)
        if newest <= since or newest <= self._claims.get(id, 0):
            return False
        _put(self._claims, id, newest)
        return True


def _put(held: OrderedDict[MemberId, V], id: MemberId, value: V) -> None:
    held.pop(id, None)
    held[id] = value
    if len(held) > ARRIVALS_MAX:
        held.popitem(last=False)
