"""Names people use for members. Membership is keyed by id; a name only points at one.

Of several members with one name the live one keeps it, then the one with the smaller (older) id; the
others are shown as `name~last4`, the last four letters of their id.
"""

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from protocol.swim.member import Member
from protocol.ulid import ULID_TEXT_LENGTH, MemberId, format_ulid, parse_ulid

if TYPE_CHECKING:
    from protocol.swim.membership import Membership

SUFFIX_LENGTH = 4


class NameIndex:
    """Ids by the name in their record, whoever has the best right to it first.

    Kept in order as members come and change, because nothing keeps ten thousand identities from bearing one
    name: to look for the best among them at each change or listing would stop the node for minutes.
    """

    def __init__(self) -> None:
        self._bearers: dict[str, list[tuple[bool, MemberId]]] = {}
        """Each with whether it is gone: the live come first, then the smaller id."""

    def add(self, name: str, id: MemberId, *, live: bool) -> None:
        """Note that a member bears a name."""
        insort(self._bearers.setdefault(name, []), (not live, id))

    def discard(self, name: str, id: MemberId, *, live: bool) -> None:
        """Note that a member, which was noted as live or not, no longer bears a name."""
        bearers = self._bearers.get(name, [])
        right = (not live, id)
        place = bisect_left(bearers, right)
        if place < len(bearers) and bearers[place] == right:
            del bearers[place]
        if not bearers:
            self._bearers.pop(name, None)

    def ids(self, name: str) -> tuple[MemberId, ...]:
        """Give all who bear a name."""
        return tuple(id for _, id in self._bearers.get(name, ()))

    def keeper(self, name: str) -> MemberId | None:
        """Give whoever has the best right to a name, live or not."""
        bearers = self._bearers.get(name)
        return bearers[0][1] if bearers else None

    def is_disputed(self, name: str) -> bool:
        """Tell whether more than one live member bears a name."""
        bearers = self._bearers.get(name, ())
        return len(bearers) > 1 and not bearers[1][0]

    def shown(self, member: Member) -> str:
        """Give the member's name as it is shown beside its rivals."""
        name = member.record.name
        if self.keeper(name) == member.id:
            return name
        return f"{name}~{format_ulid(member.id)[-SUFFIX_LENGTH:]}"

    def find(self, text: str, membership: "Membership") -> Member | None:
        """Find by id, name, `name~last4` or "name.region"; of rivals, the one that keeps the name."""
        if len(text) == ULID_TEXT_LENGTH:
            try:
                member = membership.get(MemberId(parse_ulid(text)))
            except ValueError:
                member = None
            if member is not None:
                return member
        return (
            self._find_named(text, membership)
            or self._find_suffixed(text, membership)
            or self._find_in_region(text, membership)
        )

    def _find_named(self, name: str, membership: "Membership") -> Member | None:
        keeper = self.keeper(name)
        return membership.get(keeper) if keeper is not None else None

    def _find_suffixed(self, text: str, membership: "Membership") -> Member | None:
        name, tilde, suffix = text.rpartition("~")
        if not tilde:
            return None
        for id in self.ids(name):
            if format_ulid(id)[-SUFFIX_LENGTH:] == suffix.upper():
                return membership.get(id)
        return None

    def _find_in_region(self, text: str, membership: "Membership") -> Member | None:
        plain, dot, region = text.rpartition(".")
        if not dot:
            return None
        member = self._find_named(plain, membership) or self._find_suffixed(plain, membership)
        return member if member and dict(member.record.tags).get("region") == region else None
