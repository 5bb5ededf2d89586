"""Seats of a license: nobody new takes one that there is not, but in a race, or while a partition heals."""

from protocol.status import Status
from protocol.swim.admission import HEAL_INTERVALS, RACE_EXCESS_MAX, RACE_INTERVALS
from protocol.ulid import MemberId
from simulations.checkers.checker import Checker, Report
from simulations.checkers.shadow import Held, Transition
from simulations.world import Node, Step, World

SLACK_S = 1e-6
Key = tuple[int, int]


class Seats(Checker):
    """What lets newcomers in beyond the limit is looked for anew, by what the node saw.

    Whom its disk knows was a member before: it returns, and is no newcomer.
    """

    name = "seats"
    law = "beyond its seats a list takes nobody new but the rivals of a race, few, and those whom a healed cut parted"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._healed_at: dict[Key, float] = {}
        """Own clock at which a member last returned, or the node refuted."""
        self._refutations: dict[Key, int] = {}
        self._came: dict[Key, dict[MemberId, float]] = {}

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Note refutations: whoever charged a node may have been cut off from it."""
        engine = step.node.engine
        if engine.membership.admission.terms.seats is None:
            return
        key, refutations = (step.node.index, step.node.life), engine.counters.refutations
        if self._refutations.setdefault(key, refutations) != refutations:
            self._refutations[key] = refutations
            self._healed_at[key] = step.node.now(step.at)

    def see_outcome(self, step: Step, transitions: object, changes: object) -> None:
        """Look at who is new, once it is known who returned in the same step."""
        seats = step.node.engine.membership.admission.terms.seats
        if seats is None or not isinstance(transitions, list):
            return
        now, key = step.node.now(step.at), (step.node.index, step.node.life)
        came = self._came.setdefault(key, {})
        newcomers = []
        for transition in transitions:
            if _returned(transition.before, transition.now):
                self._healed_at[key] = now
            elif transition.id not in (step.node.id, *step.node.disk.contacts) and _is_new(transition):
                newcomers.append(transition)
                came[transition.id] = now
        if newcomers and (taken := seats_taken(step.node)) > seats:
            self._judge(step, newcomers, taken - seats)

    def _judge(self, step: Step, newcomers: list[Transition], excess: int) -> None:
        node, key = step.node, (step.node.index, step.node.life)
        now, interval_s = node.now(step.at), node.settings.probe_interval_s
        if now - self._healed_at.get(key, float("-inf")) <= HEAL_INTERVALS * interval_s + SLACK_S:
            return
        if excess > RACE_EXCESS_MAX:
            self.violate(step.at, node, f"{newcomers[-1].name} was let in as {excess} beyond the seats")
            return
        rivals = [id for id, at in self._came[key].items() if now - at <= RACE_INTERVALS * interval_s + SLACK_S] + [
            node.id
        ]
        admission = node.engine.membership.admission
        for newcomer in newcomers[-excess:]:
            if admission.was_promised(now, newcomer.id):  # it passed the door here while there was a seat
                continue
            if not any(rival > newcomer.id for rival in rivals):
                self.violate(step.at, node, f"{newcomer.name} was let in beyond the seats, and has no younger rival")


def seats_taken(node: Node) -> int:
    """Count who holds a seat by the rows themselves: the alive, the suspect and the failed."""
    return sum(1 for member in node.engine.membership if _holds_seat(Held.of(member)))


def _holds_seat(held: Held) -> bool:
    """Tell whether a row counts; not one that is suspect and force-left: a newcomer has yet to find that it is gone."""
    if held.status is Status.SUSPECT:
        return held.entry.eviction is None
    return held.status is not Status.LEFT


def _is_new(transition: Transition) -> bool:
    before, now = transition.before, transition.now
    if now is None or now.status is Status.LEFT:
        return False
    return before is None or before.record.goodbye


def _returned(before: Held | None, now: Held | None) -> bool:
    """Tell whether one that was held failed, or had no seat any more, is back by a word of its own."""
    if before is None or now is None or before.record.goodbye or now.incarnation == before.incarnation:
        return False
    return (before.status is Status.FAILED or not _holds_seat(before)) and _holds_seat(now)
