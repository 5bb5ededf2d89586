"""What all members say of themselves: facts by owner and key, merged by version.

Each key holds its owner's fact of the largest version (ties, of an owner that signs two: the larger digest). A
deletion is a fact without value, a tombstone. Tombstones are dropped safely by a horizon: the owner writes all that
still stands anew, with larger versions, and then a fact under the empty key; whatever of its facts is older than that
is gone, on whoever heard of it, and is refused wherever it is offered again. Nobody has to know who has seen which
tombstone.

The merge is commutative, associative and idempotent. A fact lives as long as its owner is on the list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import blake2b
from heapq import heapify, heappop, heappush

from protocol.swim.view_hash import BUCKET_COUNT, ViewHash
from protocol.ulid import MemberId
from protocol.wire.fact import HORIZON_KEY, Fact, FactId, fact_id
from protocol.wire.message import Summary, Topic

FACTS_MAX = 16_384
"""Facts of one owner, tombstones included: 2,048 services, 4,096 checks, and room for as many tombstones."""
FACTS_SIZE_MAX = 8 * 1024 * 1024
"""Bytes of one owner's facts."""
FACTS_TOTAL_MAX = 65_536
FACTS_TOTAL_SIZE_MAX = 128 * 1024 * 1024
"""Facts of all others together, and their bytes: whoever holds the cluster key makes owners, as many as it likes. This
node's own count apart, so that nobody takes its voice."""

_MARK_PERSON = b"shoal-fact"
_Rank = tuple[int, bytes]
_NOTHING: Mapping[bytes, Fact] = {}


class FactOutcome(Enum):
    """What a fact came to."""

    NEWS = auto()
    KNOWN = auto()
    STALE = auto()
    """Something that beats it is held: a later fact, or the owner's horizon."""
    REFUSED = auto()
    """Its owner says more than anybody may."""


@dataclass(slots=True)
class _Owned:
    facts: dict[bytes, Fact] = field(default_factory=dict)
    """By key, the horizon among them."""
    size: int = 0
    floor: _Rank = (-1, b"")
    """Of an owner that said more than it may: the largest that had to go; nothing at or below it is taken."""
    smallest: list[tuple[_Rank, bytes]] | None = None
    """A heap of ranks and keys, kept once the owner said too much."""

    @property
    def horizon(self) -> int:
        held = self.facts.get(HORIZON_KEY)
        return -1 if held is None else held.version


class Facts:
    """Facts of all owners; each has a share of the view hash, in the bucket of its id's last byte."""

    def __init__(self, hash: ViewHash, own_id: MemberId | None = None) -> None:
        self._hash = hash
        self._own_id = own_id
        self._owned: dict[MemberId, _Owned] = {}
        self._by_id: list[dict[FactId, tuple[Fact, int]]] = [{} for _ in range(BUCKET_COUNT)]
        """By bucket: the fact, and its mark."""
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Fact]:
        for owned in self._owned.values():
            yield from owned.facts.values()

    def of(self, owner: MemberId) -> Mapping[bytes, Fact]:
        """Give an owner's facts by key: tombstones and the horizon among them."""
        owned = self._owned.get(owner)
        return _NOTHING if owned is None else owned.facts

    def get(self, owner: MemberId, key: bytes) -> Fact | None:
        """Find what an owner said last under a key."""
        owned = self._owned.get(owner)
        return None if owned is None else owned.facts.get(key)

    def find(self, id: FactId) -> Fact | None:
        """Find a fact by its id."""
        held = self._by_id[id[-1]].get(id)
        return None if held is None else held[0]

    def beats(self, fact: Fact) -> Fact | None:
        """Give what is held that makes a fact stale; None if nothing does."""
        owned = self._owned.get(fact.owner)
        if owned is None:
            return None
        held = owned.facts.get(fact.key)
        if held is not None and held.raw != fact.raw and _rank(held) > _rank(fact):
            return held
        if fact.version <= owned.horizon and fact.key != HORIZON_KEY:
            return owned.facts[HORIZON_KEY]
        return None

    def merge(self, fact: Fact) -> FactOutcome:
        """Take a verified fact of a member on the list.

        Of an owner that says more than it may, those of the largest versions stay, whatever was heard first.
        """
        owned = self._owned.get(fact.owner) or _Owned()
        held = owned.facts.get(fact.key)
        if held is not None and held.raw == fact.raw:
            return FactOutcome.KNOWN
        if self.beats(fact) is not None:
            return FactOutcome.STALE
        if fact.key == HORIZON_KEY:
            self._owned[fact.owner] = owned
            self._put(owned, fact)
            for old in [old for old in owned.facts.values() if old.version <= fact.version and old is not fact]:
                self._take_away(owned, old)
            return FactOutcome.NEWS
        if _rank(fact) <= owned.floor or (held is None and self._is_full(fact)):
            return FactOutcome.REFUSED
        self._owned[fact.owner] = owned
        self._put(owned, fact)
        self._cut(owned)
        return FactOutcome.NEWS if owned.facts.get(fact.key) is fact else FactOutcome.REFUSED

    def _is_full(self, fact: Fact) -> bool:
        if fact.owner == self._own_id:
            return False
        own = None if self._own_id is None else self._owned.get(self._own_id)
        count, size = (0, 0) if own is None else (len(own.facts), own.size)
        return self._count - count >= FACTS_TOTAL_MAX or self._size - size + len(fact.raw) > FACTS_TOTAL_SIZE_MAX

    def _cut(self, owned: _Owned) -> None:
        """Drop the smallest of an owner's facts until it says no more than it may."""
        while len(owned.facts) > FACTS_MAX or owned.size > FACTS_SIZE_MAX:
            if owned.smallest is None:
                owned.smallest = [(_rank(fact), fact.key) for fact in owned.facts.values() if fact.key != HORIZON_KEY]
                heapify(owned.smallest)
            rank, key = heappop(owned.smallest)
            held = owned.facts.get(key)
            if held is not None and _rank(held) == rank:
                self._take_away(owned, held)
                owned.floor = max(owned.floor, rank)

    def drop(self, owner: MemberId) -> None:
        """Forget an owner with all its facts."""
        owned = self._owned.pop(owner, None)
        if owned is not None:
            for fact in list(owned.facts.values()):
                self._take_away(owned, fact)

    def summaries(self, buckets: bytes) -> list[Summary]:
        """List what is held in some buckets, in order of ids."""
        return [
            Summary(Topic.FACT, id, fact.version, mark)
            for bucket in sorted(frozenset(buckets))
            for id, (fact, mark) in sorted(self._by_id[bucket].items(), key=lambda item: item[0])
        ]

    def _put(self, owned: _Owned, fact: Fact) -> None:
        held = owned.facts.get(fact.key)
        if held is not None:
            self._take_away(owned, held)
        id = fact_id(fact.owner, fact.key)
        mark = int.from_bytes(blake2b(fact.raw, digest_size=8, person=_MARK_PERSON).digest(), "big")
        owned.facts[fact.key] = fact
        owned.size += len(fact.raw)
        if owned.smallest is not None and fact.key != HORIZON_KEY:
            heappush(owned.smallest, (_rank(fact), fact.key))
        self._by_id[id[-1]][id] = (fact, mark)
        self._count += 1
        self._size += len(fact.raw)
        self._hash.replace(id, 0, mark)

    def _take_away(self, owned: _Owned, fact: Fact) -> None:
        id = fact_id(fact.owner, fact.key)
        _, mark = self._by_id[id[-1]].pop(id)
        del owned.facts[fact.key]
        owned.size -= len(fact.raw)
        self._count -= 1
        self._size -= len(fact.raw)
        self._hash.replace(id, mark, 0)


def _rank(fact: Fact) -> _Rank:
    return fact.version, blake2b(fact.raw, digest_size=8).digest()
