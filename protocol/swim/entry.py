"""The merge: what two members' words about a third come to, in whatever order they are heard.

An entry is a subject's record of the largest incarnation (ties: goodbye beats alive, then the larger
digest), and for that incarnation the accusations (one per accuser, at most 8, the smallest by
digest) and at most one eviction (prune beats plain, then the smaller digest). A larger incarnation
drops both. `merge` is commutative, associative and idempotent, even against a subject who signs two
records with one incarnation, and never moves down: property tests prove it.
"""

from dataclasses import dataclass, replace
from hashlib import blake2b

from protocol.wire.statement import Accusation, Eviction, MemberStatement, Record, statement_digest

ACCUSATIONS_MAX = 8
"""More than any profile waits for (alpha - 2 + 1), and all that a hundred accusers can cost."""


@dataclass(frozen=True, slots=True)
class Entry:
    """All that is signed and current about one member."""

    record: Record
    accusations: tuple[Accusation, ...] = ()
    eviction: Eviction | None = None

    @property
    def is_left_by_word(self) -> bool:
        """Whether the subject said goodbye, or an eviction is held (which shows only once failed)."""
        return self.record.goodbye or self.eviction is not None


def record_rank(record: Record) -> tuple[int, bool, bytes]:
    """Give the order of a subject's records: the larger supersedes."""
    return (record.incarnation, record.goodbye, statement_digest(record))


def merge(one: Entry, other: Entry) -> Entry:
    """Join two entries about the same subject."""
    if one.record.raw == other.record.raw:
        record = one.record
    else:
        record = max(one.record, other.record, key=record_rank)
    current = [entry for entry in (one, other) if entry.record.incarnation == record.incarnation]
    accusations = _smallest([a for entry in current for a in entry.accusations])
    evictions = [entry.eviction for entry in current if entry.eviction]
    return Entry(record, accusations, min(evictions, key=_eviction_rank) if evictions else None)


def add_statement(entry: Entry, statement: MemberStatement) -> Entry:
    """Merge one statement about the same subject; the very same entry comes back if nothing changed.

    An accusation or eviction of another incarnation than the record's changes nothing: below, it is
    refuted already; above, there is no such record.
    """
    if isinstance(statement, Record):
        if statement.raw == entry.record.raw or record_rank(statement) <= record_rank(entry.record):
            return entry
        return merge(entry, Entry(statement))
    if statement.incarnation != entry.record.incarnation:
        return entry
    if isinstance(statement, Accusation):
        if statement.accuser == statement.subject or statement in entry.accusations:
            return entry
        accusations = _smallest([*entry.accusations, statement])
        return entry if accusations == entry.accusations else replace(entry, accusations=accusations)
    if entry.eviction and _eviction_rank(entry.eviction) <= _eviction_rank(statement):
        return entry
    return replace(entry, eviction=statement)


def _smallest(accusations: list[Accusation]) -> tuple[Accusation, ...]:
    by_accuser: dict[bytes, tuple[bytes, bytes, Accusation]] = {}
    for accusation in accusations:
        rank = (_accuser_rank(accusation), statement_digest(accusation), accusation)
        held = by_accuser.get(accusation.accuser)
        if held is None or rank[:2] < held[:2]:
            by_accuser[accusation.accuser] = rank
    ranked = sorted(by_accuser.values(), key=lambda rank: rank[:2])
    return tuple(accusation for _, _, accusation in ranked[:ACCUSATIONS_MAX])


def _accuser_rank(accusation: Accusation) -> bytes:
    """Order accusers by a hash of the text, which has no free field: no accuser can choose its place twice."""
    text = accusation.accuser + accusation.subject + accusation.incarnation.to_bytes(8, "big")
    return blake2b(text, digest_size=8).digest()


def _eviction_rank(eviction: Eviction) -> tuple[bool, bytes]:
    return (not eviction.prune, statement_digest(eviction))
