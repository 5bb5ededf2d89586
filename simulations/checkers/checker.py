"""What a checker is, and the Watch that lets all of them see a run."""

from collections.abc import Callable

from protocol.swim.effect import Changed
from protocol.ulid import MemberId
from protocol.wire.statement import statement_subject
from simulations.result import Violation
from simulations.world import Node, Step, World

VIOLATIONS_MAX = 100
"""Kept of one run: the first explains; thousands would only repeat it."""
AUDIT_PERIOD_S = 5.0
"""Virtual seconds between two looks at whole states; steps are looked at one by one."""

Report = Callable[[str, float, Node | None, str], None]


class Checker:
    """One law. Subclasses override what they need; each says in `law` what must hold."""

    name = ""
    law = ""

    def __init__(self, world: World, report: Report) -> None:
        self.world = world
        self.report = report

    def violate(self, at: float, node: Node | None, text: str) -> None:
        """Report that the law was broken."""
        self.report(self.name, at, node, text)

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Look at one input of one engine; `touched` are the members it may have changed something about."""

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Take note of what was done to a node or the network."""

    def audit(self, node: Node) -> None:
        """Look at one running node's whole state."""

    def finish(self) -> None:
        """Look at the world when the run is over."""


class Watch:
    """Shows a run to checkers, and collects what they report."""

    def __init__(self, world: World, checkers: tuple[type[Checker], ...]) -> None:
        self._world = world
        self.violations: list[Violation] = []
        self.dropped = 0
        """Violations beyond those kept."""
        self.audits = 0
        self.checkers = [checker(world, self.report) for checker in checkers]
        self._audit_at = AUDIT_PERIOD_S

    def report(self, checker: str, at: float, node: Node | None, text: str) -> None:
        """Keep a violation."""
        if len(self.violations) >= VIOLATIONS_MAX:
            self.dropped += 1
            return
        self.violations.append(Violation(checker, at, node.name if node else "", text))

    def see_step(self, step: Step) -> None:
        """Show a step to every checker, and now and then whole states."""
        if step.claims or step.effects or step.kind not in ("packet", "timer"):
            touched = touched_by(step)
            for checker in self.checkers:
                checker.see_step(step, touched)
        if step.at >= self._audit_at:
            self._audit_at = step.at + AUDIT_PERIOD_S
            self.audit()

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Show an event to every checker."""
        for checker in self.checkers:
            checker.see_event(at, kind, node, text)

    def audit(self) -> None:
        """Show every running node's state to every checker."""
        self.audits += 1
        for node in self._world.nodes:
            if node.running:
                for checker in self.checkers:
                    checker.audit(node)

    def finish(self) -> list[Violation]:
        """Audit a last time, and give all that was reported."""
        self.audit()
        for checker in self.checkers:
            checker.finish()
        return self.violations


def touched_by(step: Step) -> tuple[MemberId, ...]:
    """Give the members that a step's claims and changes are about, each once, in order; the node itself last."""
    ids = [statement_subject(claim.statement) for claim in step.claims]
    ids += [effect.change.id for effect in step.effects if isinstance(effect, Changed)]
    return tuple(dict.fromkeys((*ids, step.node.id)))
