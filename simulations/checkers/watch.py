"""The Watch: a watcher of a world that lets all checkers see a run, each only what it asks for."""

from collections.abc import Callable
from typing import Any

from protocol.swim.effect import Change, Changed
from protocol.swim.engine import Engine
from protocol.ulid import MemberId
from protocol.wire.statement import Record, statement_subject
from simulations.checkers.checker import Checker
from simulations.checkers.shadow import Shadow
from simulations.result import Violation
from simulations.world import Node, Step, World

VIOLATIONS_MAX = 100
"""Kept of one run: the first explains; thousands would only repeat it."""
AUDIT_PERIOD_S = 5.0
"""Virtual seconds between two looks at whole states; steps are looked at one by one."""
AUDIT_ROWS_MAX = 1_000
"""Rows looked at in one audit: all of thirty nodes; of larger worlds some nodes at a time, in turn."""
FINAL_ROWS_MAX = 100_000
"""Rows looked at when the run is over."""
ROUTINE = frozenset(("packet", "timer", "stream"))
"""Steps that are of no interest where they brought no claim and had no effect."""
HOOKS = ("see_step", "see_transition", "see_change", "see_outcome", "see_own_record", "see_silent", "audit")

Hook = Callable[..., None]


class Watch:
    """Shows a run to checkers, and collects what they report. More may be appended to `checkers` before the run."""

    def __init__(self, world: World, checkers: tuple[type[Checker], ...]) -> None:
        self._world = world
        self.violations: list[Violation] = []
        self.dropped = 0
        """Violations beyond those kept."""
        self.audits = 0
        self.checkers = [checker(world, self.report) for checker in checkers]
        self._shadow = Shadow()
        self._said: dict[int, Record] = {}
        """What each node said of itself last."""
        self._masked: set[tuple[int, int]] = set()
        """Nodes that attack, or did, and their lives."""
        self._hooks: dict[str, list[Hook]] = {}
        self._hooked = -1
        self._audit_at = AUDIT_PERIOD_S
        self._next_audited = 0

    def report(self, checker: str, at: float, node: Node | None, text: str) -> None:
        """Keep a violation."""
        if len(self.violations) >= VIOLATIONS_MAX:
            self.dropped += 1
            return
        self.violations.append(Violation(checker, at, node.name if node else "", text))

    def excuse(self, node: Node) -> None:
        """Let no checker expect of a node that it signs only what its engine says."""
        for checker in self.checkers:
            checker.excuse(node)

    # --- watching -------------------------------------------------------------------------------

    def see_step(self, step: Step) -> None:
        """Show a step to every checker, and now and then whole states."""
        if self._hooked != len(self.checkers):
            self._hook()
        if (step.effects or step.claims or step.kind not in ROUTINE) and self.checkers:
            self._show(step)
        if step.at >= self._audit_at:
            self._audit_at = step.at + AUDIT_PERIOD_S
            self.audit()

    def _show(self, step: Step) -> None:
        node, hooks = step.node, self._hooks
        if self._is_masked(node):
            return
        changes = [effect.change for effect in step.effects if type(effect) is Changed]
        touched = _touched_by(step, changes) if changes or step.claims else (node.id,)
        transitions = self._shadow.compare(node, touched)
        record = node.engine.local.record
        said = self._said.get(node.index)
        if said is not record:
            self._said[node.index] = record
            for hook in hooks["see_own_record"]:
                hook(step, said, record)
        for hook in hooks["see_step"]:
            hook(step, touched)
        for transition in transitions:
            for hook in hooks["see_transition"]:
                hook(step, transition)
        for change in changes:
            for hook in hooks["see_change"]:
                hook(step, change)
        if changes or transitions:
            for hook in hooks["see_outcome"]:
                hook(step, transitions, changes)

    def _is_masked(self, node: Node) -> bool:
        if type(node.engine) is Engine:
            return bool(self._masked) and (node.index, node.life) in self._masked
        if (node.index, node.life) not in self._masked:
            self._masked.add((node.index, node.life))
            self.excuse(node)
        return True

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Show an event to every checker."""
        for checker in self.checkers:
            checker.see_event(at, kind, node, text)

    # --- whole states ---------------------------------------------------------------------------

    def audit(self, rows_max: int = AUDIT_ROWS_MAX) -> None:
        """Show running nodes' states to every checker, as many in turn as the bound on rows allows."""
        if self._hooked != len(self.checkers):
            self._hook()
        self.audits += 1
        if not self.checkers:
            return
        nodes, rows = self._world.nodes, 0
        for _ in range(len(nodes)):
            if rows >= rows_max:
                break
            node = nodes[self._next_audited % len(nodes)]
            self._next_audited = (self._next_audited + 1) % len(nodes)
            if node.running and not self._is_masked(node):
                rows += len(node.engine.membership)
                self._audit(node)

    def _audit(self, node: Node) -> None:
        for transition in self._shadow.silent(node):
            for hook in self._hooks["see_silent"]:
                hook(node, transition)
        for hook in self._hooks["audit"]:
            hook(node)

    def finish(self) -> list[Violation]:
        """Audit a last time, and give all that was reported."""
        self.audit(FINAL_ROWS_MAX)
        for checker in self.checkers:
            checker.finish()
        return self.violations

    def _hook(self) -> None:
        """Find out which checker asks for what: most ask for little, and steps are many."""
        self._hooked = len(self.checkers)
        for name in HOOKS:
            plain: Any = getattr(Checker, name)
            asking = [checker for checker in self.checkers if getattr(type(checker), name) is not plain]
            self._hooks[name] = [getattr(checker, name) for checker in asking]


def _touched_by(step: Step, changes: list[Change]) -> tuple[MemberId, ...]:
    """Give the members that a step's claims and changes are about, each once, in order; the node itself last."""
    ids = [statement_subject(claim.statement) for claim in step.claims]
    ids += [change.id for change in changes]
    return tuple(dict.fromkeys((*ids, step.node.id)))
