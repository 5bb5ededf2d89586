"""What listeners are told: all that happened, and nothing else."""

from collections.abc import Sequence

from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind
from protocol.ulid import MemberId
from protocol.wire.statement import Record
from simulations.checkers.checker import Checker
from simulations.checkers.shadow import Held, Transition
from simulations.world import Node, Step

ALIVE, SUSPECT, FAILED, LEFT = Status.ALIVE, Status.SUSPECT, Status.FAILED, Status.LEFT
LIVE, GONE = (ALIVE, SUSPECT), (FAILED, LEFT)
FOLLOWS: dict[ChangeKind, tuple[tuple[Status | None, ...], tuple[Status, ...]]] = {
    ChangeKind.JOIN: ((None, *GONE), (ALIVE,)),
    ChangeKind.SUSPECT: (LIVE, (SUSPECT,)),
    ChangeKind.ALIVE: ((SUSPECT,), (ALIVE,)),
    ChangeKind.FAILED: ((SUSPECT,), (FAILED,)),
    ChangeKind.LEAVE: ((*LIVE, FAILED), (LEFT,)),
    ChangeKind.RESTART: (LIVE, (ALIVE,)),
    ChangeKind.UPDATE: (LIVE, LIVE),
    ChangeKind.CONFLICT: (LIVE, LIVE),
    ChangeKind.REAP: ((None, *GONE), GONE),
}
"""Of each kind, after which status it can be told (None: not on the list), and which it tells."""


class ToldChanges(Checker):
    """Events are a true and complete account of the list."""

    name = "told-changes"
    law = "each change of a row is told in the step that made it, and what is told is what the list then holds"

    def see_outcome(self, step: Step, transitions: Sequence[Transition], changes: Sequence[Change]) -> None:
        """Hold what was told against what happened, member by member; a node's own row is its own affair."""
        own = step.node.id
        told: dict[MemberId, list[Change]] = {}
        for change in changes:
            if change.id != own:
                told.setdefault(change.id, []).append(change)
        happened = {transition.id: transition for transition in transitions}
        for id, story in told.items():
            self._check_story(step, happened.get(id) or _unchanged(step.node, id), story)
        for id, transition in happened.items():
            if id != own and not _is_told(transition, {change.kind for change in told.get(id, ())}):
                self.violate(step.at, step.node, f"{_text(transition)}, and that was not told")

    def see_silent(self, node: Node, transition: Transition) -> None:
        """Report a row that changed in a step which told nothing of it."""
        if transition.id != node.id:
            self.violate(self.world.now, node, f"{_text(transition)} in a step that was not about it, untold")

    def _check_story(self, step: Step, transition: Transition, story: list[Change]) -> None:
        status = transition.before.status if transition.before else None
        for change in story:
            after, tells = FOLLOWS[change.kind]
            if status not in after or change.status not in tells:
                was = status.value if status else "not on the list"
                text = f"{change.name} was {was}, and {change.kind.value} was told with status {change.status.value}"
                self.violate(step.at, step.node, text)
                return
            status = None if change.kind is ChangeKind.REAP else change.status
        last, now = story[-1], transition.now
        if (now.status if now else None) is not status:
            text = f"{last.name} is {now.text() if now else 'not on the list'}, and the last told was {last.kind.value}"
        elif now is not None and not _is_as_told(last, now):
            text = f"{last.name} is {now.text()}, and {last.kind.value} was told with incarnation {last.incarnation}"
        else:
            return
        self.violate(step.at, step.node, text)


def _unchanged(node: Node, id: MemberId) -> Transition:
    member = node.engine.membership.get(id)
    held = Held.of(member) if member is not None else None
    return Transition(id, held, held)


def _is_as_told(last: Change, now: Held) -> bool:
    """Compare; a member that only rose once more, having been alive, is no news."""
    if last.address != now.record.address:
        return False
    return last.incarnation == now.incarnation or (last.incarnation < now.incarnation and now.status is ALIVE)


def _is_told(transition: Transition, kinds: set[ChangeKind]) -> bool:
    before, now = transition.before, transition.now
    if now is None:
        return ChangeKind.REAP in kinds
    if before is None:
        return now.status is LEFT or ChangeKind.JOIN in kinds
    if before.status is not now.status:
        return bool(kinds - {ChangeKind.CONFLICT, ChangeKind.UPDATE})
    if now.status in GONE or before.record is now.record:
        return True
    if before.record.start != now.record.start and before.incarnation != now.incarnation:
        return bool(kinds & {ChangeKind.RESTART, ChangeKind.JOIN})
    same = _content(before.record) == _content(now.record)
    return same or bool(kinds & {ChangeKind.UPDATE, ChangeKind.RESTART, ChangeKind.JOIN})


def _content(record: Record) -> tuple[object, ...]:
    return record.name, record.address, record.tags, record.display_name, record.version, record.license_id


def _text(transition: Transition) -> str:
    before, now = transition.before, transition.now
    one, other = (held.text() if held else "not on the list" for held in (before, now))
    if one == other:
        return f"{transition.name} changed its words"
    return f"{transition.name} went from {one} to {other}"
