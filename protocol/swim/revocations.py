"""Who was put out of the cluster, or taken in again: the newest signed word about each id.

The newest is the one of the largest version; of two with one version out beats in, then the larger digest of the
bytes. So the merge is commutative, associative and idempotent. A word outlives both its subject's membership and
its issuer's: it is kept until a newer one replaces it.
"""

from hashlib import blake2b
from heapq import heapify, heappop, heappush

from protocol.swim.view_hash import ViewHash
from protocol.ulid import MemberId
from protocol.wire.message import Summary, Topic
from protocol.wire.statement import Revocation, statement_digest

REVOCATIONS_MAX = 4_096
"""Words kept; beyond it those of the smallest versions go, on every member the same. Where any member may sign, whoever
floods this could as well take the revoked in again; where only the operator does, nobody floods."""

_MARK_PERSON = b"shoal-revocation"
_Rank = tuple[int, bool, bytes, bytes]


def revocation_rank(revocation: Revocation) -> _Rank:
    """Give the order of the words about one id: the larger supersedes."""
    return (revocation.version, revocation.revoked, statement_digest(revocation), revocation.raw)


class Revocations:
    """The newest word by id; each has a share of the view hash, so that a sync finds what differs."""

    def __init__(self, hash: ViewHash) -> None:
        self._hash = hash
        self._held: dict[MemberId, Revocation] = {}
        self._marks: dict[MemberId, int] = {}
        self._smallest: list[tuple[_Rank, MemberId]] = []
        """A heap of all that are held, and of some that are not any more."""

    def __len__(self) -> int:
        return len(self._held)

    def get(self, id: MemberId) -> Revocation | None:
        """Find the newest word about an id."""
        return self._held.get(id)

    def bars(self, id: MemberId) -> bool:
        """Tell whether an id is out."""
        held = self._held.get(id)
        return held is not None and held.revoked

    def listing(self) -> list[Revocation]:
        """Give all, in order of their subjects."""
        return [self._held[id] for id in sorted(self._held)]

    def next_version(self, id: MemberId, unix_ms: int) -> int:
        """Give the version of a new word about an id: the time, or one more than what it replaces."""
        held = self._held.get(id)
        return unix_ms if held is None else max(unix_ms, held.version + 1)

    def merge(self, revocation: Revocation) -> bool:
        """Take a verified word; tell whether it is news that is kept."""
        subject = revocation.subject
        held = self._held.get(subject)
        if held is not None and revocation_rank(revocation) <= revocation_rank(held):
            return False
        if held is None and len(self._held) >= REVOCATIONS_MAX:
            rank, oldest = self._find_smallest()
            if revocation_rank(revocation) <= rank:
                return False
            self._put(oldest, None)
        self._put(subject, revocation)
        return True

    def summaries(self, buckets: bytes) -> list[Summary]:
        """List what is held in some buckets of the view hash, in order of subjects."""
        wanted = frozenset(buckets)
        return [
            Summary(Topic.REVOCATION, id, self._held[id].version, self._marks[id])
            for id in sorted(self._held)
            if id[-1] in wanted
        ]

    def _find_smallest(self) -> tuple[_Rank, MemberId]:
        """Give the word that goes first; entries of the heap that were replaced are dropped on the way."""
        while True:
            rank, id = self._smallest[0]
            held = self._held.get(id)
            if held is not None and revocation_rank(held) == rank:
                return rank, id
            heappop(self._smallest)

    def _put(self, id: MemberId, revocation: Revocation | None) -> None:
        mark = 0
        if revocation is None:
            del self._held[id]
        else:
            self._held[id] = revocation
            mark = int.from_bytes(blake2b(revocation.raw, digest_size=8, person=_MARK_PERSON).digest(), "big")
        self._hash.replace(id, self._marks.pop(id, 0), mark)
        if revocation is None:
            return
        self._marks[id] = mark
        heappush(self._smallest, (revocation_rank(revocation), id))
        if len(self._smallest) > 2 * REVOCATIONS_MAX:
            self._smallest = [(revocation_rank(held), subject) for subject, held in self._held.items()]
            heapify(self._smallest)
