"""What an attack reached: who was suspected, removed or hijacked among those that nobody harmed, and at what cost."""

from typing import Self

from protocol.status import Status
from protocol.swim.effect import Changed, ChangeKind
from simulations.attack.attacker import Attacker
from simulations.world import Node, Step, World

SAMPLE_S = 1.0
HARMS_MAX = 20
"""Kept, and told: the first explains."""
GONE = (ChangeKind.FAILED, ChangeKind.LEAVE, ChangeKind.REAP)


class Gauge:
    """A watcher, one for a world, which all its attackers share. Healthy is a node that runs and attacks nobody."""

    def __init__(self, world: World) -> None:
        """Begin with nothing seen."""
        self._world = world
        self.attackers: list[Attacker] = []
        self.harms: list[str] = []
        """A sentence for each healthy member that was removed or hijacked at a healthy one."""
        self.suspicions = 0
        """Of healthy members at healthy ones, from the first attack on."""
        self.suspects_most = 0
        """Healthy members that one healthy node held suspect at one moment, at most."""
        self.rumors_most = 0
        """Rumors that waited at one healthy node."""
        self.awareness_most = 0
        """The worst that a healthy node thought of its own health."""
        self.streams_most = 0
        """Streams that were held open at one healthy node."""
        self.sent_per_node_s = 0.0
        """Datagrams of a healthy node, a second, while attacks went on."""
        self._departed: set[int] = set()
        self._began_at = world.now
        self._sent_before = {node.index: node.sent for node in world.nodes}
        self._next_at = world.now

    @classmethod
    def of(cls, world: World) -> Self:
        """Find the world's gauge, or begin one."""
        for watcher in world.watchers:
            if isinstance(watcher, cls):
                return watcher
        gauge = cls(world)
        world.watch(gauge, routine=True)
        return gauge

    def enter(self, attacker: Attacker) -> None:
        """Take an attacker in; it is not healthy from here on."""
        self.attackers.append(attacker)
        self._departed.add(attacker.node.index)

    @property
    def forged(self) -> set[bytes]:
        """All that was forged."""
        return set().union(*(attacker.forged for attacker in self.attackers))

    def is_healthy(self, node: Node) -> bool:
        """Tell whether a node runs, and neither attacked nor crashed nor left since the attack began."""
        return node.running and node.index not in self._departed and not node.engine.local.goodbye

    # --- watching -------------------------------------------------------------------------------

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Take those out to whom the plan did something."""
        if node is not None and kind in ("crash", "restart", "leave", "pause", "block"):
            self._departed.add(node.index)
        del at, text

    def see_step(self, step: Step) -> None:
        """Look at what changed at a healthy node about a healthy one."""
        for effect in step.effects:
            if isinstance(effect, Changed) and self.is_healthy(step.node):
                self._see_change(step, effect)
        if step.at >= self._next_at:
            self._next_at = step.at + SAMPLE_S
            self._sample()

    def _see_change(self, step: Step, effect: Changed) -> None:
        change = effect.change
        subject = self._world.find(change.id)
        if subject is None or not self.is_healthy(subject):
            return
        self.suspicions += change.kind is ChangeKind.SUSPECT
        if change.kind in GONE and change.status in (Status.FAILED, Status.LEFT):
            self._harm(f"{step.at:.3f}: {step.node.name} holds {subject.name} {change.status.value}, though it runs")
        elif change.address != subject.address:
            self._harm(f"{step.at:.3f}: {step.node.name} has {subject.name} at {change.address}")

    def _harm(self, text: str) -> None:
        if len(self.harms) < HARMS_MAX:
            self.harms.append(text)

    def _sample(self) -> None:
        healthy = [node for node in self._world.nodes if self.is_healthy(node)]
        for node in healthy:
            membership = node.engine.membership
            rows = [membership.get(subject.id) for subject in healthy]
            suspects = sum(1 for row in rows if row is not None and row.status is Status.SUSPECT)
            self.suspects_most = max(self.suspects_most, suspects)
            self.rumors_most = max(self.rumors_most, len(node.engine.core.rumors))
            self.awareness_most = max(self.awareness_most, node.engine.core.awareness.score)
            self.streams_most = max(self.streams_most, len(node.engine.streams))
        if healthy and any(attacker.is_active for attacker in self.attackers):
            took_s = max(SAMPLE_S, self._world.now - self._began_at)
            sent = sum(node.sent - self._sent_before.get(node.index, 0) for node in healthy)
            self.sent_per_node_s = sent / len(healthy) / took_s

    # --- the end --------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Give what was reached, for a result."""
        told = {f"attack_{what}": 0 for what in ("datagrams",)}
        for attacker in self.attackers:
            for what, count in attacker.told.items():
                told[f"attack_{what}"] = told.get(f"attack_{what}", 0) + count
        return told | {
            "attack_suspicions": self.suspicions,
            "attack_suspects_most": self.suspects_most,
            "attack_awareness_most": self.awareness_most,
            "attack_rumors_most": self.rumors_most,
            "attack_streams_most": self.streams_most,
            "attack_sent_per_node_min": round(self.sent_per_node_s * 60),
        }
