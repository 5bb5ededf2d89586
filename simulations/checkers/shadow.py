"""What each engine's list held after its last step, kept once for all checkers."""

from collections.abc import Iterator
from dataclasses import dataclass

from protocol.status import Status
from protocol.swim.entry import Entry
from protocol.swim.member import NEVER, Member
from protocol.ulid import MemberId
from protocol.wire.statement import Record
from simulations.world import Node


@dataclass(frozen=True, slots=True)
class Held:
    """One row, as it was at one moment."""

    entry: Entry
    failed_incarnation: int
    status: Status

    @classmethod
    def of(cls, member: Member) -> "Held":
        """Take a row as it is now."""
        return cls(member.entry, member.failed_incarnation, member.status)

    @property
    def record(self) -> Record:
        """The subject's own words."""
        return self.entry.record

    @property
    def incarnation(self) -> int:
        """The incarnation held."""
        return self.entry.record.incarnation

    def text(self) -> str:
        """Say it: "suspect at 17"."""
        return f"{self.status.value} at {self.incarnation}"


@dataclass(frozen=True, slots=True)
class Transition:
    """A row's change: its record, what stands against it, or the verdict. None is not being on the list."""

    id: MemberId
    before: Held | None
    now: Held | None

    @property
    def name(self) -> str:
        """The subject's name."""
        held = self.now or self.before
        return held.record.name if held else self.id.hex()


Rows = dict[MemberId, Held | None]
NOTHING: list[Transition] = []


class Shadow:
    """Rows by node and life. Those of a census count as held before anything was seen."""

    def __init__(self) -> None:
        self._lists: dict[tuple[int, int], Rows] = {}

    def compare(self, node: Node, touched: tuple[MemberId, ...]) -> list[Transition]:
        """Give what changed of the members that a step was about, and remember it."""
        engine = node.engine
        key = (node.index, node.life)
        rows = self._lists.get(key)
        if rows is None:
            self._lists.pop((node.index, node.life - 1), None)
            rows = self._lists[key] = {}
        get, found = engine.membership.get, NOTHING
        for id in touched:
            member = get(id)
            before = rows[id] if id in rows else _of_census(node, id)
            if member is None:
                if before is None:
                    continue
                now = None
            elif before is not None and before.entry is member.entry:
                if before.failed_incarnation == member.failed_incarnation:
                    continue
                now = Held.of(member)
            else:
                now = Held.of(member)
            rows[id] = now
            found = [*found, Transition(id, before, now)]
        return found

    def silent(self, node: Node) -> Iterator[Transition]:
        """Find rows whose status or incarnation changed though no step was about them, and remember them."""
        rows = self._lists.get((node.index, node.life))
        if rows is None:
            return
        census, membership = node.engine.core.census.rows, node.engine.membership
        for member in membership:
            entry = member.entry
            id = entry.record.id
            before = rows.get(id)
            if before is not None and before.entry is entry and before.failed_incarnation == member.failed_incarnation:
                continue
            if before is None and id not in rows:
                if census.get(id) is member:
                    continue
                before = _of_census(node, id)
            now = Held.of(member)
            rows[id] = now
            if before is None or (before.status, before.incarnation) != (now.status, now.incarnation):
                yield Transition(id, before, now)
        if len(rows) > len(membership):
            for id in [id for id, held in rows.items() if held is not None and membership.get(id) is None]:
                before, rows[id] = rows[id], None
                yield Transition(id, before, None)


def _of_census(node: Node, id: MemberId) -> Held | None:
    row = node.engine.core.census.rows.get(id)
    return None if row is None else Held(row.entry, NEVER, Status.ALIVE)
