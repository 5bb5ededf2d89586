"""Who must not be held failed: the law that differs from scenario to scenario."""

from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind
from simulations.checkers.checker import Checker, Report
from simulations.deed import Deed
from simulations.scenario import Spared
from simulations.world import Node, Step, World


class SparedChecker(Checker):
    """Nobody who runs is held failed, as far as the scenario promises that."""

    name = "spared"
    law = "a member that runs is not held failed, by as many observers as the scenario promises"

    def __init__(self, world: World, report: Report, spared: Spared) -> None:
        super().__init__(world, report)
        self._spared = spared
        self._harmed_until: dict[int, float] = {}
        self._all_harmed_until = 0.0
        self.false_alarms = 0
        """Failures of members that ran (the paper's FP)."""
        self.healthy_false_alarms = 0
        """Those at observers no deed was done to (the paper's FP-)."""

    def see_deed(self, deed: Deed) -> None:
        """Mark whom a deed harms: until it is over, and as long as a suspicion that it caused may run."""
        if not deed.is_harm:
            return
        until = self.world.now + deed.lasts_s + self.aftermath_s
        if not deed.concerns:
            self._all_harmed_until = max(self._all_harmed_until, until)
        for index in deed.concerns:
            self._harmed_until[index] = max(self._harmed_until.get(index, 0.0), until)

    @property
    def aftermath_s(self) -> float:
        """The longest suspicion, at the largest awareness."""
        settings = self.world.settings
        return settings.suspicion_alpha * settings.suspicion_beta * settings.probe_interval_s * 2

    def is_harmed(self, node: Node) -> bool:
        """Tell whether a deed was done to a node that may still show."""
        return self.world.now < max(self._all_harmed_until, self._harmed_until.get(node.index, 0.0))

    def see_change(self, step: Step, change: Change) -> None:
        """Look for failures of members that run; who is out is no member, and is not answered by any."""
        if change.kind is not ChangeKind.FAILED or change.status is not Status.FAILED:
            return
        subject, is_out = self.world.find(change.id), self.world.words.is_out
        if subject is not None and subject.running and not (is_out(subject.id) or is_out(step.node.id)):
            self._count(step, subject)

    def _count(self, step: Step, subject: Node) -> None:
        self.false_alarms += 1
        observer_harmed = self.is_harmed(step.node)
        self.healthy_false_alarms += not observer_harmed
        unharmed = not observer_harmed and not self.is_harmed(subject)
        if self._spared is Spared.ALL or (self._spared is Spared.UNHARMED and unharmed):
            self.violate(step.at, step.node, f"{subject.name} is held failed, though it runs: {self._spared.value}")
