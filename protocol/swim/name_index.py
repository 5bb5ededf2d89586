"""Names people use for members. Membership is keyed by id; a name only points at one.

Of several members with one name the live one keeps it, then the one with the smaller (older) id; the
others are shown as `name~last4`, the last four letters of their id.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from protocol.swim.member import Member
from protocol.ulid import ULID_TEXT_LENGTH, MemberId, format_ulid, parse_ulid

if TYPE_CHECKING:
    from protocol.swim.membership import Membership

SUFFIX_LENGTH = 4


class NameIndex:
    """Ids by the name in their record."""

    def __init__(self) -> None:
        self._ids: dict[str, tuple[MemberId, ...]] = {}

    def add(self, name: str, id: MemberId) -> None:
        """Note that a member bears a name."""
        self._ids[name] = (*self._ids.get(name, ()), id)

    def discard(self, name: str, id: MemberId) -> None:
        """Note that a member no longer bears a name."""
        rest = tuple(held for held in self._ids.get(name, ()) if held != id)
        if rest:
            self._ids[name] = rest
        else:
            self._ids.pop(name, None)

    def ids(self, name: str) -> tuple[MemberId, ...]:
        """Give all who bear a name."""
        return self._ids.get(name, ())

    def shown(self, member: Member, rivals: Iterable[Member]) -> str:
        """Give the member's name as it is shown beside its rivals."""
        keeper = min(rivals, key=_right)
        if keeper.id == member.id:
            return member.record.name
        return f"{member.record.name}~{format_ulid(member.id)[-SUFFIX_LENGTH:]}"

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
        members = [membership.get(id) for id in self.ids(name)]
        return min((m for m in members if m is not None), key=_right, default=None)

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


def _right(member: Member) -> tuple[bool, MemberId]:
    return (not member.is_live, member.id)
