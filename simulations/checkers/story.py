"""What one observer holds of one member over time: it goes up, and only in ways that there are."""

from protocol.status import Status
from protocol.swim.membership import FORGOTTEN_MAX
from protocol.ulid import MemberId
from simulations.checkers.checker import Checker, Report
from simulations.checkers.shadow import Transition
from simulations.world import Step, World

GONE = (Status.FAILED, Status.LEFT)
LEGAL: dict[Status, tuple[Status, ...]] = {
    Status.ALIVE: (Status.ALIVE, Status.SUSPECT, Status.LEFT),
    Status.SUSPECT: (Status.SUSPECT, Status.FAILED, Status.LEFT),
    Status.FAILED: (Status.FAILED, Status.LEFT),
    Status.LEFT: (Status.LEFT,),
}
"""What may follow at one and the same incarnation. Nobody fails who was not suspect first."""


class IncarnationGrows(Checker):
    """Incarnations never fall."""

    name = "incarnation-grows"
    law = "an observer never goes back to a smaller incarnation of a member on its list"

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at the incarnation."""
        before, now = transition.before, transition.now
        if before is not None and now is not None and now.incarnation < before.incarnation:
            text = f"{transition.name} went from incarnation {before.incarnation} back to {now.incarnation}"
            self.violate(step.at, step.node, text)


class NoResurrection(Checker):
    """Who failed, left, or was taken off the list returns only by its own word."""

    name = "no-resurrection"
    law = "a member that failed, left or was reaped is alive or suspect again only at a higher incarnation"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._taken_off: dict[tuple[int, int, MemberId], int] = {}

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at who was gone."""
        before, now = transition.before, transition.now
        key = (step.node.index, step.node.life, transition.id)
        if now is None:
            if before is not None and not step.node.engine.membership.revocations.bars(transition.id):
                self._taken_off[key] = before.incarnation  # of one put out nothing is remembered: it may be reinstated
        elif before is not None:
            if before.status in GONE and now.status not in GONE and now.incarnation <= before.incarnation:
                text = f"{transition.name} was {before.text()} and is {now.text()}"
                self.violate(step.at, step.node, text)
        elif self._taken_off:
            at = self._taken_off.pop(key, None)
            remembers_all = len(step.node.engine.membership._forgotten) < FORGOTTEN_MAX
            if at is not None and now.incarnation <= at and remembers_all:
                text = f"{transition.name} was taken off the list at {at} and is {now.text()} again"
                self.violate(step.at, step.node, text)


class LegalStates(Checker):
    """At one incarnation states follow each other in few ways."""

    name = "legal-states"
    law = "at one incarnation alive is followed by suspect, suspect by failed, each by left, and by nothing else"

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at the pair of states."""
        before, now = transition.before, transition.now
        if before is None or now is None or now.incarnation != before.incarnation:
            return
        if before.status in GONE and now.status not in GONE:  # to return is NoResurrection's affair
            return
        if now.status not in LEGAL[before.status]:
            text = f"{transition.name} went from {before.status.value} to {now.text()}"
            self.violate(step.at, step.node, text)
