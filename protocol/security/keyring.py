"""The cluster's keys, and how a change of them spreads: a state that merges in any order to the same end.

The state is two things, each merged by a maximum, so merging is commutative, associative and
idempotent:

* entries: per key id the largest (stamp, retired, key bytes); a retired key's bytes are gone. Of all
  entries the `ENTRY_COUNT_MAX` largest stay. An entry's rank is its whole value, so what falls out on
  one side falls out on every side.
* the key in use: the largest (stamp, key id, key bytes). It carries its bytes itself: a retire that was
  made elsewhere at the same time cannot take it away, only the next `use` does.

A stamp is the unix time in ms of a change, or one more than what it replaces, so a slow clock cannot undo.
What is held and shown is derived: the key in use and the newest others, eight in all.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import NamedTuple, Self

from protocol.error import InvalidRequest, MalformedMessage
from protocol.ulid import ULID_SIZE, ClusterId, compose_ulid
from protocol.wire.field import U63_MAX, pack, take_blob, take_bytes, take_int, take_tuple, unpack

CLUSTER_KEY_SIZE = 32
KEY_ID_SIZE = 4
KEY_COUNT_MAX = 8
"""Keys held at a time: a rotation needs two; the rest is for rotations that overlap."""
ENTRY_COUNT_MAX = 24
"""Keys remembered, retired ones included: so many that a whole offer still fits one datagram."""
OFFER_SIZE_MAX = 1_200
DIGEST_SIZE = 8
STAMP_MAX = U63_MAX

_OFFER_VERSION = 1
_KEY_ID_PERSON = b"shoal-key-id"
_DIGEST_PERSON = b"shoal-keyring"
_RANDOM_SIZE = 10


def derive_key_id(key: bytes) -> bytes:
    """Give the 4 bytes by which a cluster key is named: the first of its BLAKE2b, person "shoal-key-id"."""
    return blake2b(key, person=_KEY_ID_PERSON).digest()[:KEY_ID_SIZE]


class Entry(NamedTuple):
    """What happened last to one key; compared field by field, and the larger one holds."""

    stamp: int
    retired: bool
    key: bytes
    """32 bytes, none when retired."""


class InUse(NamedTuple):
    """Which key seals first contacts; compared field by field."""

    stamp: int
    key_id: bytes
    key: bytes


class HeldKey(NamedTuple):
    """One line of a listing: nothing secret in it."""

    key_id: bytes
    stamp: int
    """When it was added, unix ms; 0 where only its use is still remembered."""
    in_use: bool


class Keyring:
    """A cluster's id and keys. Every change bumps `generation`, so that caches know they are stale."""

    __slots__ = ("_entries", "_in_use", "_keys", "cluster_id", "digest", "generation", "newest_key_id")

    def __init__(self, cluster_id: ClusterId, in_use: InUse, entries: dict[bytes, Entry]) -> None:
        self.cluster_id = cluster_id
        self.generation = 0
        self._in_use = in_use
        self._entries = entries
        self._keys: dict[bytes, bytes]
        """Held keys by id, the one in use first, then the newest first."""
        self.newest_key_id: bytes
        """Id of the held key that was added last: what acks show."""
        self.digest: bytes
        """8 bytes, the same on two nodes if and only if their keyrings are (but for chance)."""
        self._derive()

    @classmethod
    def generate(cls, now_ms: int, entropy: Callable[[int], bytes]) -> Self:
        """Make a new cluster: an id and one key, in use."""
        cluster_id = ClusterId(compose_ulid(now_ms, entropy(_RANDOM_SIZE)))
        return cls.from_keys(cluster_id, [(now_ms, entropy(CLUSTER_KEY_SIZE))], 0, now_ms)

    @classmethod
    def from_keys(cls, cluster_id: ClusterId, keys: Iterable[tuple[int, bytes]], in_use: int, used_ms: int) -> Self:
        """Make a keyring of (stamp, key) pairs; `in_use` is the index of the key used since `used_ms`."""
        pairs = list(keys)
        key = pairs[in_use][1]
        entries = {derive_key_id(key): Entry(stamp, False, key) for stamp, key in pairs}
        return cls(cluster_id, InUse(used_ms, derive_key_id(key), key), entries)

    # --- what is held ---------------------------------------------------------------------------

    @property
    def primary(self) -> bytes:
        """Id of the key in use."""
        return self._in_use.key_id

    @property
    def primary_stamp(self) -> int:
        """Since when it is in use, unix ms."""
        return self._in_use.stamp

    @property
    def key_ids(self) -> tuple[bytes, ...]:
        """Ids of the held keys, at most 8: the one in use first, then the newest first."""
        return tuple(self._keys)

    def key_for(self, key_id: bytes) -> bytes | None:
        """Give the 32 bytes of a held key."""
        return self._keys.get(key_id)

    def listing(self) -> tuple[HeldKey, ...]:
        """Describe the held keys in the order of `key_ids`."""
        return tuple(
            HeldKey(key_id, entry.stamp if (entry := self._entries.get(key_id)) else 0, key_id == self.primary)
            for key_id in self._keys
        )

    # --- changes made here ----------------------------------------------------------------------

    def add(self, key: bytes, now_ms: int) -> bytes:
        """Hold one more key, not yet in use; gives its id.

        Raises:
            InvalidRequest: not 32 bytes, held or retired before, or eight are held already.
        """
        if len(key) != CLUSTER_KEY_SIZE:
            raise InvalidRequest(f"a cluster key has {CLUSTER_KEY_SIZE} bytes, not {len(key)}")
        key_id = derive_key_id(key)
        if key_id in self._keys:
            raise InvalidRequest(f"key {key_id.hex()} is held already")
        known = self._entries.get(key_id)
        if known is not None and known.retired:
            raise InvalidRequest(f"key {key_id.hex()} was retired: make a new one with `shoal keys new`")
        if len(self._keys) >= KEY_COUNT_MAX:
            raise InvalidRequest(f"{KEY_COUNT_MAX} keys are held, which is the most: retire one first")
        newest = max((entry.stamp for entry in self._entries.values()), default=0)
        self._replace(key_id, Entry(_later(now_ms, newest), False, key))
        return key_id

    def use(self, key_id: bytes, now_ms: int) -> None:
        """Put a held key in use. Whether every member holds it is for the caller to know.

        Raises:
            InvalidRequest: the key is not held.
        """
        key = self._held(key_id)
        if key_id == self.primary:
            return
        self._in_use = InUse(_later(now_ms, self._in_use.stamp), key_id, key)
        self._changed()

    def retire(self, key_id: bytes, now_ms: int) -> None:
        """Drop a held key for good; its bytes are gone, its id is remembered.

        Raises:
            InvalidRequest: the key is not held, or it is the one in use.
        """
        self._held(key_id)
        if key_id == self.primary:
            raise InvalidRequest(f"key {key_id.hex()} is in use: use another one first")
        self._replace(key_id, Entry(_later(now_ms, self._entries[key_id].stamp), True, b""))

    # --- merging --------------------------------------------------------------------------------

    def merge(self, other: Self) -> bool:
        """Take over what another keyring of this cluster knows; tells whether anything changed here."""
        in_use = max(self._in_use, other._in_use)
        entries = dict(self._entries)
        for key_id, entry in other._entries.items():
            held = entries.get(key_id)
            entries[key_id] = entry if held is None else max(held, entry)
        entries = _largest(entries)
        if in_use == self._in_use and entries == self._entries:
            return False
        self._in_use, self._entries = in_use, entries
        self._changed()
        return True

    def encode_offer(self) -> bytes:
        """Give the whole state as bytes, secrets included: what a KeyringOffer carries, and what is stored.

        msgpack [1, cluster id, [stamp, key in use], [[stamp, key or id], ...]]; entries go in order of
        their key ids; 4 bytes instead of 32 are the id of a retired key.
        """
        entries = [
            (entry.stamp, key_id if entry.retired else entry.key) for key_id, entry in sorted(self._entries.items())
        ]
        return pack((_OFFER_VERSION, self.cluster_id, (self._in_use.stamp, self._in_use.key), entries))

    @classmethod
    def from_offer(cls, blob: bytes) -> Self:
        """Read what `encode_offer` gave.

        Raises:
            MalformedMessage: another version, over 1,200 bytes, a field of another type or size, more than
                24 entries, or entries out of order.
        """
        take_blob(blob, "keyring offer", OFFER_SIZE_MAX)
        version, cluster_id, in_use, rows = take_tuple(unpack(blob), "keyring offer", 4)
        if version != _OFFER_VERSION:
            raise MalformedMessage(f"keyring offer of version {version!r}, known is {_OFFER_VERSION}")
        stamp, key = take_tuple(in_use, "key in use", 2)
        take_bytes(key, "key in use", CLUSTER_KEY_SIZE)
        return cls(
            ClusterId(take_bytes(cluster_id, "cluster id", ULID_SIZE)),
            InUse(_take_stamp(stamp), derive_key_id(key), key),
            _read_entries(rows),
        )

    def merge_offer(self, blob: bytes, latest_ms: int = STAMP_MAX) -> bool:
        """Merge what a peer's `encode_offer` gave; tells whether anything changed here.

        Raises:
            MalformedMessage: as `from_offer`, a keyring of another cluster, or a change later than
                `latest_ms`, unix ms; nothing is changed.
        """
        other = type(self).from_offer(blob)
        if other.cluster_id != self.cluster_id:
            raise MalformedMessage("the keyring offered is another cluster's")
        latest = max(other._in_use.stamp, *(entry.stamp for entry in other._entries.values()), 0)
        if latest > latest_ms:
            raise MalformedMessage(f"it carries a change made {(latest - latest_ms) // 1000} s too far in the future")
        return self.merge(other)

    # --- inside ---------------------------------------------------------------------------------

    def _held(self, key_id: bytes) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise InvalidRequest(f"no key {key_id.hex()} is held")
        return key

    def _replace(self, key_id: bytes, entry: Entry) -> None:
        self._entries = _largest({**self._entries, key_id: entry})
        self._changed()

    def _changed(self) -> None:
        self.generation += 1
        self._derive()

    def _derive(self) -> None:
        """Work out what follows from the state."""
        in_use = self._in_use
        newest_first = sorted(
            ((entry.stamp, key_id) for key_id, entry in self._entries.items() if not entry.retired), reverse=True
        )
        others = [key_id for _, key_id in newest_first if key_id != in_use.key_id]
        self._keys = {in_use.key_id: in_use.key}
        self._keys |= {key_id: self._entries[key_id].key for key_id in others[: KEY_COUNT_MAX - 1]}
        self.newest_key_id = newest_first[0][1] if newest_first else in_use.key_id
        self.digest = blake2b(self.encode_offer(), digest_size=DIGEST_SIZE, person=_DIGEST_PERSON).digest()


def _later(now_ms: int, than: int) -> int:
    """Give a stamp for a change that replaces one of stamp `than`."""
    if than >= STAMP_MAX:
        raise InvalidRequest("the keyring carries a time that nothing can follow: start with a new key file")
    return max(now_ms, than + 1)


def _largest(entries: dict[bytes, Entry]) -> dict[bytes, Entry]:
    """Keep the 24 largest entries."""
    if len(entries) <= ENTRY_COUNT_MAX:
        return entries
    ranked = sorted(entries.items(), key=lambda item: (item[1], item[0]), reverse=True)
    return dict(ranked[:ENTRY_COUNT_MAX])


def _take_stamp(value: object) -> int:
    return take_int(value, "stamp", STAMP_MAX)


def _read_entries(rows: object) -> dict[bytes, Entry]:
    if type(rows) is not tuple or len(rows) > ENTRY_COUNT_MAX:
        raise MalformedMessage(f"keyring entries are not an array of at most {ENTRY_COUNT_MAX}")
    entries: dict[bytes, Entry] = {}
    previous = b""
    for row in rows:
        stamp, key = take_tuple(row, "keyring entry", 2)
        take_blob(key, "key", CLUSTER_KEY_SIZE)
        if len(key) == CLUSTER_KEY_SIZE:
            key_id, entry = derive_key_id(key), Entry(_take_stamp(stamp), False, key)
        elif len(key) == KEY_ID_SIZE:
            key_id, entry = key, Entry(_take_stamp(stamp), True, b"")
        else:
            raise MalformedMessage(f"a key of {len(key)} bytes, not {CLUSTER_KEY_SIZE} or {KEY_ID_SIZE}")
        if key_id <= previous:
            raise MalformedMessage("keyring entries are repeated or out of order")
        entries[key_id] = entry
        previous = key_id
    return entries
