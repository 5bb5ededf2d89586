"""A view to begin with, made once and shared by every engine that begins with it.

An embedder who knows its cluster beforehand starts its node with the census of it, instead of having each record
told to each node. All members of a census are alive from the first moment; nothing about them is news, so there is
no event and no rumor. What a node then learns it writes down for itself (layered.py): the census never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocol.error import InvalidRequest
from protocol.swim.effect import Contact
from protocol.swim.entry import Entry
from protocol.swim.member import Member
from protocol.swim.settings import Settings
from protocol.swim.view_hash import NO_SUMS, ViewHash, entry_mark
from protocol.ulid import MemberId, format_ulid
from protocol.wire.statement import Record


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """Some members' records, and all that a list derives from them, ready to be shared."""

    ids: tuple[MemberId, ...]
    """In the order in which the records were given."""
    rows: Mapping[MemberId, Member]
    contacts: Mapping[MemberId, Contact]
    names: Mapping[str, tuple[tuple[bool, MemberId], ...]]
    """Who bears a name, as NameIndex keeps it."""
    root: int
    sums: tuple[int, ...]
    """The view hash, and its parts."""
    license_id: str | None

    @classmethod
    def of(cls, records: Sequence[Record], settings: Settings, *, since: float = 0.0) -> "Census":
        """Take records whose signatures were verified; `since` is when they became known, by the engine's clock.

        The node's own record may be among them, or not.

        Raises:
            InvalidRequest: two records of one member, a goodbye, or what `settings` do not admit.
        """
        rows: dict[MemberId, Member] = {}
        names: dict[str, list[tuple[bool, MemberId]]] = {}
        hash = ViewHash()
        for record in records:
            if record.goodbye or record.id in rows:
                raise InvalidRequest(f"a census has one record of {format_ulid(record.id)}, and it is no goodbye")
            mark = entry_mark(Entry(record))
            rows[record.id] = Member(Entry(record), since=since, gone_at=since, first_seen=since, mark=mark)
            names.setdefault(record.name, []).append((False, record.id))
            hash.replace(record.id, 0, mark)
        licenses = {record.license_id for record in records}
        census = cls(
            tuple(rows),
            rows,
            {record.id: Contact.of(record) for record in records},
            {name: tuple(sorted(bearers)) for name, bearers in names.items()},
            hash.root,
            hash.sums,
            licenses.pop() if len(licenses) == 1 else None,
        )
        census.check(settings)
        return census

    def check(self, settings: Settings) -> None:
        """See that a list with these settings would admit every member.

        Raises:
            InvalidRequest: another license, or more members than may be alive at once.
        """
        if self.ids and self.license_id != settings.license_id:
            raise InvalidRequest("a census of records under another license")
        if len(self.ids) > settings.members_max:
            raise InvalidRequest(f"a census of {len(self.ids)} members, at most {settings.members_max}")


EMPTY_CENSUS = Census((), {}, {}, {}, 0, NO_SUMS, None)
"""What a node begins with that knows nobody."""
