"""Who is gone: one who left keeps silent, and one who died is not spoken to without end."""

from protocol.purpose import Purpose
from protocol.swim.address_book import RETRY_LONGEST_ON_LIST_INTERVALS
from protocol.swim.core import Counters
from protocol.swim.effect import Change, ChangeKind, Dial, JoinEnded, Send
from protocol.ulid import MemberId
from protocol.wire.message import Join
from simulations.checkers.checker import Checker, Report, signs_accusation
from simulations.world import Node, Step, World

ACTIVITIES = ("probes", "gossip_rounds", "retries", "syncs", "refutations")
"""What a node does of itself, as it counts it."""
UNASKED = ("packet", "timer", "stream")
SLACK = 1.5
"""Times as many datagrams as the decay allows: clocks drift, and a retry may fall on either side of an edge."""
RETRIES_MIN = 3


class SilentAfterLeave(Checker):
    """One who left answers, and does nothing else until it joins."""

    name = "silent-after-leave"
    law = "a node that said goodbye, or was put out, neither probes nor gossips, accuses nor syncs till it joins anew"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._left: dict[tuple[int, int], tuple[int, ...]] = {}
        self._asking: set[tuple[int, int, int]] = set()
        """Joins that an operator asked for, and that are not over: (index, life, stream)."""

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Compare what a node that left had done before this step with what it has done now."""
        node = step.node
        key = (node.index, node.life)
        if not node.engine.local.goodbye:
            if self._left and self._left.pop(key, ()) and step.kind in UNASKED and not self._is_asked(step):
                self.violate(step.at, node, "had said goodbye, and is back unasked")
            return
        self._note_asked(step)
        now = _activity(node.engine.counters)
        before, self._left[key] = self._left.get(key), now
        if before is not None and before != now:
            done = [name for name, one, other in zip(ACTIVITIES, before, now, strict=True) if one != other]
            self.violate(step.at, node, f"has left, and goes on: {', '.join(done)}")

    def _note_asked(self, step: Step) -> None:
        """Note which joins of one that left are under way."""
        index, life = step.node.index, step.node.life
        for effect in step.effects:
            if isinstance(effect, Dial) and effect.purpose in (Purpose.JOIN, Purpose.INVITE):
                if step.kind not in UNASKED:
                    self._asking.add((index, life, effect.stream))
            elif isinstance(effect, JoinEnded):
                self._asking.discard((index, life, effect.stream))

    def _is_asked(self, step: Step) -> bool:
        """Tell whether one that is back was told to join, or let in somebody who invited it."""
        node = step.node
        if isinstance(step.detail, Join) and node.id in self.world.invited:
            return True
        return any((index, life) == (node.index, node.life) for index, life, _ in self._asking)

    def see_change(self, step: Step, change: Change) -> None:
        """Look for accusations of its own."""
        if step.node.engine.local.goodbye and signs_accusation(step, change):
            self.violate(step.at, step.node, f"has left, and accuses {change.name}")


class QuietAboutTheDead(Checker):
    """Retries decay."""

    name = "quiet-about-the-dead"
    law = "a dead process's address gets, once gossip to the failed is over, no more than the decaying retries"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._dead: set[MemberId] = set()
        self._sent: dict[tuple[int, int, MemberId], list[float]] = {}
        """When a member failed (virtual), and datagrams sent since gossip to it ended."""

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Note who is dead."""
        if node is not None and kind == "crash":
            self._dead.add(node.id)
        elif node is not None and kind == "restart":
            self._dead.discard(node.id)

    def see_change(self, step: Step, change: Change) -> None:
        """Begin to count, or end: late news may have it live again, though it is dead."""
        key = (step.node.index, step.node.life, change.id)
        if change.kind is ChangeKind.FAILED and change.id in self._dead:
            self._sent[key] = [step.at, 0.0]
        else:
            self._sent.pop(key, None)

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Count what timers send to the dead; what is relayed for others is theirs."""
        if not self._dead or step.kind != "timer":
            return
        node = step.node
        for effect in step.effects:
            if type(effect) is Send and effect.to in self._dead:
                sent = self._sent.get((node.index, node.life, effect.to))
                if sent is not None and step.at - sent[0] > self._gossip_s(node):
                    sent[1] += 1
                    self._judge(step, effect.to, sent)

    def _judge(self, step: Step, id: MemberId, sent: list[float]) -> None:
        since_s = step.at - sent[0] - self._gossip_s(step.node)
        period_s = RETRY_LONGEST_ON_LIST_INTERVALS * step.node.settings.probe_interval_s
        allowed = RETRIES_MIN + SLACK * since_s / period_s
        if sent[1] > allowed:
            subject = self.world.find(id)
            text = f"sent {sent[1]:.0f} datagrams to {subject.name if subject else id.hex()} in {since_s:.1f} s"
            self.violate(step.at, step.node, f"{text}, which is dead: at most {allowed:.0f}")
            sent[1] = float("-inf")  # once is enough

    def _gossip_s(self, node: Node) -> float:
        return SLACK * node.settings.gossip_to_failed_s


def _activity(counters: Counters) -> tuple[int, ...]:
    return tuple(getattr(counters, name) for name in ACTIVITIES)
