"""What one observer holds of one member over time: it goes up, and only in ways that there are."""

from protocol.status import Status
from protocol.ulid import MemberId
from protocol.wire.statement import Record
from simulations.checkers.checker import Checker
from simulations.world import Node, Step

Held = tuple[int, Status]
"""Incarnation and status."""

GONE = (Status.FAILED, Status.LEFT)
LEGAL: dict[Status, tuple[Status, ...]] = {
    Status.ALIVE: (Status.ALIVE, Status.SUSPECT, Status.LEFT),
    Status.SUSPECT: (Status.SUSPECT, Status.FAILED, Status.LEFT),
    Status.FAILED: (Status.FAILED, Status.LEFT),
    Status.LEFT: (Status.LEFT,),
}
"""What may follow at one and the same incarnation. Nobody fails who was not suspect first."""


class Shadow(Checker):
    """Keeps beside each engine what it held after its last step."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]  # world and report, as Checker takes them
        self._held: dict[tuple[int, int], dict[MemberId, tuple[Held, Record]]] = {}

    def _of(self, node: Node) -> dict[MemberId, tuple[Held, Record]]:
        return self._held.setdefault((node.index, node.life), {})

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Compare each member that the step was about with what was held of it."""
        held, membership = self._of(step.node), step.node.engine.membership
        for id in touched:
            member = membership.get(id)
            if member is None:
                held.pop(id, None)
                continue
            now = ((member.record.incarnation, member.status), member.record)
            before = held.get(id)
            held[id] = now
            if before is not None and before != now:
                self.compare(step, id, before, now)

    def compare(self, step: Step, id: MemberId, before: tuple[Held, Record], now: tuple[Held, Record]) -> None:
        """Judge one change."""


class IncarnationGrows(Shadow):
    """Incarnations never fall."""

    name = "incarnation-grows"
    law = "an observer never goes back to a smaller incarnation of a member on its list"

    def compare(self, step: Step, id: MemberId, before: tuple[Held, Record], now: tuple[Held, Record]) -> None:
        """Look at the incarnation."""
        if now[0][0] < before[0][0]:
            text = f"{now[1].name} went from incarnation {before[0][0]} back to {now[0][0]}"
            self.violate(step.at, step.node, text)


class NoResurrection(Shadow):
    """Who failed or left returns only by its own word."""

    name = "no-resurrection"
    law = "a member that failed or left is alive or suspect again only at a higher incarnation"

    def compare(self, step: Step, id: MemberId, before: tuple[Held, Record], now: tuple[Held, Record]) -> None:
        """Look at who was gone."""
        if before[0][1] in GONE and now[0][1] not in GONE and now[0][0] <= before[0][0]:
            text = f"{now[1].name} was {before[0][1].value} at {before[0][0]} and is {now[0][1].value} at {now[0][0]}"
            self.violate(step.at, step.node, text)


class LegalStates(Shadow):
    """At one incarnation states follow each other in few ways."""

    name = "legal-states"
    law = "at one incarnation alive is followed by suspect, suspect by failed, each by left, and by nothing else"

    def compare(self, step: Step, id: MemberId, before: tuple[Held, Record], now: tuple[Held, Record]) -> None:
        """Look at the pair of states."""
        if now[0][0] != before[0][0] or before[0][1] in GONE:  # to return is NoResurrection's affair
            return
        if now[0][1] not in LEGAL[before[0][1]]:
            text = f"{now[1].name} went from {before[0][1].value} to {now[0][1].value} at incarnation {now[0][0]}"
            self.violate(step.at, step.node, text)
