"""Names people use for members. Membership is keyed by id; a name only points at one.

Of several members with one name the live one keeps it, then the one with the smaller (older) id; the
others are shown as `name~last4`, the last four letters of their id.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from protocol.swim.layered import LayeredDict
from protocol.swim.member import Member
from protocol.ulid import ULID_TEXT_LENGTH, MemberId, format_ulid, parse_ulid

if TYPE_CHECKING:
    from protocol.swim.membership import Membership

SUFFIX_LENGTH = 4

Right = tuple[bool, MemberId]
"""To a name: whether its bearer is gone, then its id. The smallest is the best."""
NOBODY: Mapping[str, Sequence[Right]] = {}


class NameIndex:
    """Ids by the name in their record, whoever has the best right to it first.

    Kept in order as members come and change, because nothing keeps ten thousand identities from bearing one
    name: to look for the best among them at each change or listing would stop the node for minutes.
    """

    __slots__ = ("_bearers",)

    def __init__(self, base: Mapping[str, Sequence[Right]] = NOBODY) -> None:
        """Begin with names that others may begin with too."""
        self._bearers: LayeredDict[str, Sequence[Right]] = LayeredDict(base)
        """In order of right; a tuple is shared, and copied before the first change."""

    def _to_change(self, name: str) -> list[Right]:
        bearers = self._bearers.get(name, ())
        if isinstance(bearers, list):
            return bearers
        own = self._bearers[name] = list(bearers)
        return own

    def add(self, name: str, id: MemberId, *, live: bool) -> None:
        """Note that a member bears a name."""
        insort(self._to_change(name), (not live, id))

    def discard(self, name: str, id: MemberId, *, live: bool) -> None:
        """Note that a member, which was noted as live or not, no longer bears a name."""
        right = (not live, id)
        bearers = self._bearers.get(name, ())
        place = bisect_left(bearers, right)
        if place == len(bearers) or bearers[place] != right:
            return
        if len(bearers) == 1:
            del self._bearers[name]
        else:
            del self._to_change(name)[place]

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
