"""Names people use for members. Membership is keyed by id; a name only points at one.

Of several members with one name the live one keeps it, then the one with the smaller (older) id; the
others are shown as `name~last4`, the last four letters of their id.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
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

    __slots__ = ("_bearers", "_spellings")

    def __init__(self, base: Mapping[str, Sequence[Right]] = NOBODY) -> None:
        """Begin with names that others may begin with too."""
        self._bearers: LayeredDict[str, Sequence[Right]] = LayeredDict(base)
        """In order of right; a tuple is shared, and copied before the first change."""
        self._spellings: dict[str, dict[str, None]] | None = None
        """Names borne by their lower case, where that is another. None until somebody looks for one: ten thousand
        engines that begin with one census need not each go through its names."""

    def _to_change(self, name: str) -> list[Right]:
        bearers = self._bearers.get(name, ())
        if isinstance(bearers, list):
            return bearers
        own = self._bearers[name] = list(bearers)
        self._note_spelling(name)
        return own

    def _note_spelling(self, name: str) -> None:
        lower = name.lower()
        if self._spellings is not None and lower != name:
            self._spellings.setdefault(lower, {})[name] = None

    def _forget_spelling(self, name: str) -> None:
        lower = name.lower()
        if self._spellings is None or lower == name:
            return
        spelled = self._spellings[lower]
        del spelled[name]
        if not spelled:
            del self._spellings[lower]

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
            self._forget_spelling(name)
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
        return self._find_spelled(text, membership, lambda name: (name,))

    def find_in_any_case(self, text: str, membership: "Membership") -> Member | None:
        """Find as `find`, the name in upper or lower case: of several spellings, the best right decides."""
        return self._find_spelled(text, membership, self._spelled)

    def _spelled(self, name: str) -> Sequence[str]:
        """List the names borne that differ from this one in case at most, the best right first."""
        if self._spellings is None:
            self._spellings = {}
            for borne in self._bearers:
                self._note_spelling(borne)
        lower = name.lower()
        names = [one for one in (lower, *self._spellings.get(lower, ())) if one in self._bearers]
        return sorted(names, key=lambda one: self._bearers[one][0])

    def _find_spelled(
        self, text: str, membership: "Membership", spelled: Callable[[str], Sequence[str]]
    ) -> Member | None:
        return (
            self._find_named(text, membership, spelled)
            or self._find_suffixed(text, membership, spelled)
            or self._find_in_region(text, membership, spelled)
        )

    def _find_named(
        self, name: str, membership: "Membership", spelled: Callable[[str], Sequence[str]]
    ) -> Member | None:
        for one in spelled(name):
            keeper = self.keeper(one)
            if keeper is not None:
                return membership.get(keeper)
        return None

    def _find_suffixed(
        self, text: str, membership: "Membership", spelled: Callable[[str], Sequence[str]]
    ) -> Member | None:
        name, tilde, suffix = text.rpartition("~")
        if not tilde:
            return None
        for id in (id for one in spelled(name) for id in self.ids(one)):
            if format_ulid(id)[-SUFFIX_LENGTH:] == suffix.upper():
                return membership.get(id)
        return None

    def _find_in_region(
        self, text: str, membership: "Membership", spelled: Callable[[str], Sequence[str]]
    ) -> Member | None:
        plain, dot, region = text.rpartition(".")
        if not dot:
            return None
        member = self._find_named(plain, membership, spelled) or self._find_suffixed(plain, membership, spelled)
        return member if member and dict(member.record.tags).get("region") == region else None
