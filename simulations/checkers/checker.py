"""What a checker is: one law, and the hooks by which it sees a run. watch.py calls them."""

from collections.abc import Callable, Sequence

from protocol.swim.effect import Change, ChangeKind
from protocol.ulid import MemberId
from protocol.wire.statement import Accusation, Record
from simulations.checkers.shadow import Transition
from simulations.world import Node, Step, World

Report = Callable[[str, float, Node | None, str], None]


class Checker:
    """One law. Subclasses override what they need, and only that is called; each says in `law` what must hold.

    A node that plays false is shown no more: an engine that is not the production's own class is an attacker's mask.
    """

    name = ""
    law = ""

    def __init__(self, world: World, report: Report) -> None:
        self.world = world
        self.report = report
        self._excused: set[MemberId] = set()

    def violate(self, at: float, node: Node | None, text: str) -> None:
        """Report that the law was broken."""
        self.report(self.name, at, node, text)

    def excuse(self, node: Node) -> None:
        """Expect of a node from now on nothing but what its signature says: it may sign what its engine does not."""
        self._excused.add(node.id)

    def is_excused(self, id: MemberId) -> bool:
        """Tell whether a member may sign more than one record of an incarnation, or records that its engine did not."""
        if id in self._excused:
            return True
        node = self.world.find(id)
        return node is not None and node.index in self.world.equivocators

    # --- steps: only those that brought a claim or had an effect, and requests -------------------

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Look at one input of one engine; `touched` are the members it may have changed something about."""

    def see_transition(self, step: Step, transition: Transition) -> None:
        """Look at what a step changed in one row."""

    def see_change(self, step: Step, change: Change) -> None:
        """Look at one change that the engine told."""

    def see_outcome(self, step: Step, transitions: Sequence[Transition], changes: Sequence[Change]) -> None:
        """Look at all that one step changed and told, if it did either."""

    def see_own_record(self, step: Step, before: Record | None, now: Record) -> None:
        """Look at what a node newly says of itself; `before` is what it said last, in this life or an earlier one."""

    # --- between steps --------------------------------------------------------------------------

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Take note of what was done to a node or the network."""

    def see_silent(self, node: Node, transition: Transition) -> None:
        """Look at a row that changed, though no step was about it; found when whole states are looked at."""

    def audit(self, node: Node) -> None:
        """Look at one running node's whole state."""

    def finish(self) -> None:
        """Look at the world when the run is over."""


def signs_accusation(step: Step, change: Change) -> bool:
    """Tell whether a change says that the step's node itself has just accused somebody, rather than heard of it."""
    if change.kind is not ChangeKind.SUSPECT or change.evidence is None or change.evidence.by != step.node.id:
        return False
    return not any(
        isinstance(claim.statement, Accusation)
        and claim.statement.subject == change.id
        and claim.statement.accuser == step.node.id
        for claim in step.claims
    )
