"""Why a row may go: nobody is taken off a list but by a revocation, a force-leave, or the time since it was gone."""

from collections.abc import Iterator

from protocol.status import Status
from protocol.swim.membership import LIST_FACTOR_MAX
from protocol.wire.statement import Eviction, Record, statement_subject
from simulations.checkers.checker import Checker
from simulations.checkers.shadow import Held, Transition
from simulations.world import Node, Step

ROUNDING_S = 1e-6


class RemovedWithCause(Checker):
    """Whoever was on a list and is not was put out, pruned, or reaped in its time."""

    name = "removed-with-cause"
    law = "a member is taken off a list only if it is revoked, pruned, or was gone for its time, or longest of too many"

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at who goes."""
        if transition.before is not None and transition.now is None:
            self._look(step, transition, transition.before)

    def _look(self, step: Step, transition: Transition, before: Held) -> None:
        membership = step.node.engine.membership
        if membership.revocations.bars(transition.id):
            return
        evictions = [before.entry.eviction, *self._heard(step, transition)]
        if any(eviction is not None and eviction.prune for eviction in evictions):
            return
        is_gone = before.status in (Status.FAILED, Status.LEFT) or self._says_goodbye(step, transition)
        if not is_gone:
            self.violate(step.at, step.node, f"{transition.name} was {before.text()}, and is off the list for nothing")
        elif not (self._had_its_time(step.node, step.at, transition) or self._is_crowded(step.node)):
            self.violate(step.at, step.node, f"{transition.name} was {before.text()}, and was reaped before its time")

    def _heard(self, step: Step, transition: Transition) -> Iterator[Eviction]:
        for claim in step.claims:
            if isinstance(claim.statement, Eviction) and claim.statement.subject == transition.id:
                yield claim.statement
        if step.kind == "force-leave":  # signed in this very step
            yield from (e for e in (self._signed(step, transition),) if e is not None)

    def _signed(self, step: Step, transition: Transition) -> Eviction | None:
        for _, (rumor, _) in step.node.engine.core.rumors._fewest_first():
            statement = getattr(rumor, "statement", None)
            if isinstance(statement, Eviction) and statement.subject == transition.id:
                return statement
        return None

    def _says_goodbye(self, step: Step, transition: Transition) -> bool:
        return any(
            isinstance(claim.statement, Record)
            and claim.statement.goodbye
            and statement_subject(claim.statement) == transition.id
            for claim in step.claims
        )

    def _had_its_time(self, node: Node, at: float, transition: Transition) -> bool:
        forgotten = node.engine.membership.forgotten(transition.id)
        return forgotten is not None and node.now(at) - forgotten[1] >= node.settings.reap_after_s - ROUNDING_S

    def _is_crowded(self, node: Node) -> bool:
        """Tell whether more are gone than the list may hold, so that the longest gone go first."""
        return len(node.engine.membership._gone) >= LIST_FACTOR_MAX * node.settings.members_max
