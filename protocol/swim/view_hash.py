"""One number for a whole member list, kept up to date as it changes.

Each member has a mark: 8 bytes of BLAKE2b over (id, incarnation, digest of its record, accused?,
left?). The view hash is the sum of all marks modulo 2**64, so it does not depend on any order, and one
change costs one subtraction and one addition. 256 partial sums by the id's last byte (the first
bytes are time, and cluster) find a difference without listing the members. Local verdicts are not
in it: two nodes that hold the same statements agree even while their timers do not.

The digest of the record is ours beyond (id, incarnation, accused?, left?): without it two records that
an equivocator signed with one incarnation would stay apart for ever.
"""

from array import array
from hashlib import blake2b

from protocol.swim.entry import Entry
from protocol.ulid import MemberId
from protocol.wire.statement import statement_digest

BUCKET_COUNT = 256
NO_SUMS = (0,) * BUCKET_COUNT
_MASK = (1 << 64) - 1


def entry_mark(entry: Entry) -> int:
    """Give an entry's share of the view hash."""
    record = entry.record
    flags = (1 if entry.accusations else 0) | (2 if entry.is_left_by_word else 0)
    text = record.id + record.incarnation.to_bytes(8, "big") + statement_digest(record) + bytes((flags,))
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


class ViewHash:
    """The sums over all members of one list."""

    __slots__ = ("_sums", "root")

    def __init__(self, root: int = 0, sums: tuple[int, ...] = NO_SUMS) -> None:
        """Begin with the sums of a list that others may begin with too."""
        self.root = root
        self._sums: tuple[int, ...] | array[int] = sums
        """A tuple is shared, and copied before the first change."""

    @property
    def sums(self) -> tuple[int, ...]:
        """The 256 parts, as another may begin with them."""
        return tuple(self._sums)

    def replace(self, id: MemberId, old_mark: int, new_mark: int) -> None:
        """Exchange a member's mark; 0 stands for not being on the list."""
        change = new_mark - old_mark
        bucket = id[-1]
        self.root = (self.root + change) & _MASK
        if isinstance(self._sums, tuple):
            self._sums = array("Q", self._sums)
        self._sums[bucket] = (self._sums[bucket] + change) & _MASK

    def encode_buckets(self) -> bytes:
        """Give the 256 sums, 8 bytes each."""
        return b"".join(part.to_bytes(8, "big") for part in self._sums)

    def differing_buckets(self, encoded: bytes) -> bytes:
        """Give the numbers of the buckets in which another list's 2,048 bytes differ, one byte each."""
        return bytes(
            bucket
            for bucket in range(BUCKET_COUNT)
            if self._sums[bucket] != int.from_bytes(encoded[8 * bucket : 8 * bucket + 8], "big")
        )
