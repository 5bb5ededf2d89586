"""Takes down what a run came to: counts, detections, view sizes, traffic, and a timeline."""

from collections import Counter
from statistics import median_low
from typing import TYPE_CHECKING

from protocol.swim.effect import Changed, ChangeKind, Dial, Expelled, JoinEnded, RevocationTaken, SteppedDown
from simulations.deed import Deed
from simulations.result import Detection, Moment, Result, Traffic, ViewSizes, Violation
from simulations.world import Node, Step, World

if TYPE_CHECKING:
    from simulations.run import Run

MOMENTS_MAX = 2_000
"""Lines of a timeline: more cannot be read, and a campaign keeps many."""
VIEWS_MAX = 240
"""Points of the curve of view sizes."""
DETECTIONS_MAX = 20_000
COUNTED = {
    ChangeKind.SUSPECT: "suspicions",
    ChangeKind.FAILED: "failures",
    ChangeKind.JOIN: "joins",
    ChangeKind.LEAVE: "leaves",
    ChangeKind.RESTART: "restarts_seen",
    ChangeKind.REAP: "reaps",
    ChangeKind.CONFLICT: "conflicts",
    ChangeKind.ALIVE: "returns_from_suspicion",
    ChangeKind.UPDATE: "updates",
}


class Recorder:
    """A watcher that writes down."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.counts: Counter[str] = Counter()
        self.detections: list[Detection] = []
        self._moments: list[Moment] = []
        self._views: list[ViewSizes] = []
        self._died_at: dict[int, float] = {}
        self._sent_before: dict[int, tuple[int, int]] = {}
        self._view_step_s = 1.0
        self._next_view_at = 0.0

    def begin(self) -> None:
        """Count traffic from here on: the beginning is over."""
        self._sent_before = {node.index: (node.sent, node.streams_dialled) for node in self._world.nodes}

    # --- watching -------------------------------------------------------------------------------

    def see_deed(self, deed: Deed) -> None:
        """Write down what is done."""
        self.counts[f"deed_{type(deed).__name__.lower()}"] += 1
        concerned = deed.concerns
        node = self._world.nodes[concerned[0]].name if len(concerned) == 1 else ""
        self._add(Moment(self._world.now, node, "fault", deed.text()))

    def see_step(self, step: Step) -> None:
        """Write down changes, and now and then how large the views are."""
        for effect in step.effects:
            if isinstance(effect, Changed):
                self._see_change(step, effect)
            elif isinstance(effect, Dial):
                self.counts[f"dials_{effect.purpose.name.lower()}"] += 1
            elif isinstance(effect, RevocationTaken):
                self.counts["words_out" if effect.revocation.revoked else "words_in"] += 1
            elif isinstance(effect, Expelled):
                self.counts["expulsions"] += 1
            elif isinstance(effect, SteppedDown):
                self.counts["stepped_down"] += 1
            elif isinstance(effect, JoinEnded) and effect.refusal is not None:
                self.counts[f"refused_{effect.refusal.value}"] += 1
        if step.at >= self._next_view_at:
            self._measure(step.at)

    def _see_change(self, step: Step, effect: Changed) -> None:
        change = effect.change
        self.counts[COUNTED[change.kind]] += 1
        subject = self._world.find(change.id)
        name = subject.name if subject else change.name
        self._add(Moment(step.at, step.node.name, change.kind.value, f"{name} is {change.status.value}", name))
        if change.kind is ChangeKind.FAILED and subject is not None:
            died_at = self._died_at.get(subject.index)
            if died_at is not None and len(self.detections) < DETECTIONS_MAX:
                self.detections.append(Detection(name, step.node.name, step.at - died_at))

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Write down when processes end."""
        self.counts[kind] += 1
        if node is not None and kind == "crash":
            self._died_at[node.index] = at
        elif node is not None and kind == "restart":
            self._died_at.pop(node.index, None)
        elif kind == "calm":
            self._add(Moment(at, "", "fault", text))

    def _measure(self, at: float) -> None:
        sizes = [node.engine.membership.live_count for node in self._world.nodes if node.running]
        if sizes:
            self._views.append(ViewSizes(at, len(sizes), min(sizes), median_low(sizes), max(sizes)))
        if len(self._views) >= VIEWS_MAX:
            self._views = self._views[::2]
            self._view_step_s *= 2
        self._next_view_at = at + self._view_step_s

    def _add(self, moment: Moment) -> None:
        if len(self._moments) < MOMENTS_MAX:
            self._moments.append(moment)

    # --- the end --------------------------------------------------------------------------------

    def finish(self) -> None:
        """Add up what the engines and the network counted themselves."""
        world = self._world
        self._measure(world.now)
        for node in world.nodes:
            counters = node.engine.counters
            for name in ("probes", "probe_failures", "refutations", "syncs", "stalls", "corrections", "retries"):
                self.counts[name] += getattr(counters, name)
            self.counts["dropped_arrivals"] += node.dropped
            self.counts["datagrams"] += node.sent
        self.counts.update(world.network.counts)
        self.counts["convictions"] += world.convictions

    def result(self, run: "Run", violations: list[Violation], wall_s: float, command: str) -> Result:
        """Give all of it."""
        world, plan = self._world, run.plan
        self.counts["false_alarms"] = run.spared.false_alarms
        self.counts["healthy_false_alarms"] = run.spared.healthy_false_alarms
        self.counts["audits"] = run.watch.audits
        if run.converged_s is not None:
            self.counts["converged_ms"] = round(run.converged_s * 1000)
        return Result(
            scenario=plan.scenario,
            seed=plan.seed,
            nodes=plan.nodes,
            profile=plan.profile,
            digest=world.digest.hexdigest(),
            violations=tuple(violations),
            counts=dict(sorted(self.counts.items())),
            virtual_s=world.now,
            wall_s=wall_s,
            events=world.events,
            command=command,
            options=dict(plan.options),
            detections=tuple(self.detections),
            views=tuple(self._views),
            traffic=tuple(self._traffic()),
            timeline=tuple(self._moments),
        )

    def _traffic(self) -> list[Traffic]:
        before = self._sent_before
        return [
            Traffic(
                node.name,
                node.sent - before.get(node.index, (0, 0))[0],
                node.streams_dialled - before.get(node.index, (0, 0))[1],
            )
            for node in self._world.nodes
        ]
