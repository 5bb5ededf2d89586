"""When a verdict may be reached: not before the subject had its time, not long after, and not by who stood still."""

from dataclasses import dataclass
from math import log10

from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind, Send
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.message import PingReq
from protocol.wire.statement import Accusation, Record
from simulations.checkers.checker import Checker, Report, signs_accusation
from simulations.world import Node, Step, World

ROUNDING_S = 1e-6
GONE_SHARE = 0.6
"""Of the shortest suspicion, for one whose process has ended, where own looks are taken."""
LATENCY_SHARE_MAX = 0.25
"""Of the probe timeout: with delays beyond it, silence may be the network's."""


@dataclass(slots=True)
class Opened:
    """A suspicion at one observer. Times are seconds of that node's own clock, if not said otherwise."""

    incarnation: int
    at: float
    least_s: float
    longest_s: float
    stalls: int
    """That the observer had counted when `running_from` was written."""
    running_from: float
    """Since when it ran without a stall."""
    since: float
    """When the probe may have begun by which its observer saw that the process is gone: virtual time."""


class VerdictInTime(Checker):
    """The formulas are written out here again, so that a slip in the engine's shows."""

    name = "verdict-in-time"
    law = (
        "nobody fails before the shortest suspicion is over, or, if its process has ended, 0.6 of it; "
        "and no dead member is suspect beyond the longest"
    )

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._opened: dict[tuple[int, int], dict[MemberId, Opened]] = {}
        self._died_at: dict[MemberId, float] = {}
        self._returned_at: dict[MemberId, float] = {}

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Note who died when, in virtual time."""
        if node is not None and kind == "crash":
            self._died_at[node.id] = at
        elif node is not None and kind == "restart":
            self._died_at.pop(node.id, None)
            self._returned_at[node.id] = at

    def see_own_record(self, step: Step, before: Record | None, now: Record) -> None:
        """Note who left: it drops its suspicions, and has to find out anew, by a round of probes, once it is back."""
        if now.goodbye or (before is not None and before.goodbye):
            node = step.node
            round_s = 2 * node.engine.membership.live_count * node.settings.probe_interval_s
            for opened in self._opened.get((node.index, node.life), {}).values():
                opened.running_from = node.now(step.at) + round_s if not now.goodbye else float("inf")

    def see_change(self, step: Step, change: Change) -> None:
        """Note when a suspicion began, and look at its end."""
        if change.kind is ChangeKind.SUSPECT:
            key = (step.node.index, step.node.life)
            self._opened.setdefault(key, {})[change.id] = self._open(step, change)
        elif change.kind is ChangeKind.FAILED or (change.kind is ChangeKind.LEAVE and not _is_goodbye(change)):
            opened = self._opened.get((step.node.index, step.node.life), {}).pop(change.id, None)
            if opened is None or opened.incarnation != change.incarnation:
                return
            if step.node.engine.membership.revocations.bars(change.id):  # put out, whatever it answers
                return
            waited_s, least_s = change.at - opened.at, opened.least_s
            if step.node.settings.own_look and self._was_down(change.id, opened.since):
                least_s *= GONE_SHARE
            if waited_s < least_s - ROUNDING_S:
                text = f"{change.name} failed {waited_s:.3f} s after it was suspected, at least {least_s:.3f} s"
                self.violate(step.at, step.node, text)

    def _was_down(self, id: MemberId, since: float) -> bool:
        """Tell whether a member's process was gone at any time since then, or there is none: it is made up."""
        return self.world.find(id) is None or id in self._died_at or self._returned_at.get(id, float("-inf")) >= since

    def _open(self, step: Step, change: Change) -> Opened:
        engine, settings = step.node.engine, step.node.settings
        live, others = engine.membership.live_count, len(step.effects)
        """Each effect may have changed the count by one, before or after the suspicion began."""
        least_s = shortest_s(settings, live - others)
        longest_s = shortest_s(settings, live + others) * (settings.suspicion_beta if settings.lha_suspicion else 1)
        if self._is_old(step, change, least_s * settings.suspicion_beta if settings.lha_suspicion else least_s):
            least_s = settings.probe_interval_s  # it had its time; one ping decides (protocol/swim/verdict.py)
        since = step.at - settings.awareness_max * settings.probe_interval_s
        return Opened(change.incarnation, change.at, least_s, longest_s, engine.counters.stalls, change.at, since)

    def _is_old(self, step: Step, change: Change, longest_s: float) -> bool:
        """Tell whether a newcomer learned of a member together with an accusation older than any suspicion."""
        member = step.node.engine.membership.get(change.id)
        if member is None or change.at - member.first_seen >= step.node.settings.probe_interval_s:
            return False
        return any(
            isinstance(claim.statement, Accusation)
            and claim.age_s >= longest_s
            and claim.statement.subject == change.id
            for claim in step.claims
        )

    def audit(self, node: Node) -> None:
        """Look for dead members that are suspect for too long."""
        opened = self._opened.get((node.index, node.life))
        if not opened:
            return
        now, stalls = node.now(self.world.now), node.engine.counters.stalls
        is_still = self.world.now < node.paused_until
        for id, suspicion in list(opened.items()):
            member = node.engine.membership.get(id)
            if (
                member is None
                or member.status is not Status.SUSPECT
                or member.record.incarnation != suspicion.incarnation
            ):
                del opened[id]
            elif is_still or suspicion.stalls != stalls:
                suspicion.stalls, suspicion.running_from = stalls, max(now, suspicion.running_from)
            else:
                self._check_end(node, id, suspicion, now)

    def _check_end(self, node: Node, id: MemberId, suspicion: Opened, now: float) -> None:
        """Allow for the longest wait, an answer just before the end, and two last looks at the worst awareness."""
        settings, died_at = node.settings, self._died_at.get(id)
        if died_at is None:
            return
        looks_s = 2 * settings.awareness_max * settings.probe_timeout_s + 2 * settings.probe_interval_s
        bound_s = suspicion.longest_s + looks_s
        waited_s = min(now - suspicion.running_from, self.world.now - died_at)
        if waited_s > bound_s:
            subject = self.world.find(id)
            text = f"{subject.name if subject else id.hex()} is dead, and suspect for {waited_s:.1f} s, at most"
            self.violate(self.world.now, node, f"{text} {bound_s:.1f} s")


class StalledJudge(Checker):
    """Who was stopped itself does not blame others for the silence."""

    name = "stalled-judge"
    law = "a node that stood still accuses nobody who ran, unharmed and reachable, and nobody just asked about"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._disturbed_at: dict[int, float] = {}
        self._stood_from: dict[int, float] = {}
        """Since when a node stood still, or stuttered."""
        self._uncalm_at = float("-inf")

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Note to whom something was done, and since when a node was stopped again and again."""
        if node is None:
            return
        self._disturbed_at[node.index] = at
        if kind == "pause" and node.paused_until < at - _longest_probe_s(node):
            self._stood_from[node.index] = at

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Note until when the network was troubled: whatever is sent is sent in a step."""
        if not self.world.network.is_calm:
            self._uncalm_at = step.at

    def see_change(self, step: Step, change: Change) -> None:
        """Look at accusations: of whom, by whom, and whether those just asked for help could have answered."""
        node = step.node
        if not signs_accusation(step, change):
            return
        if any(type(effect) is Send and _asks_about(effect, change.id) for effect in step.effects):
            self.violate(step.at, node, f"accuses {change.name} in the step in which it asks relays about it")
        if not node.paused_until or node.paused_until < step.at - _longest_probe_s(node):
            return
        since = self._stood_from.get(node.index, 0.0) - _longest_probe_s(node)
        subject = self.world.find(change.id)
        if subject is None or node.blocked_until > since:
            return
        if self._is_well(subject, since) and self._may_be_heard(node, subject, since):
            ago_s = step.at - node.paused_until
            text = f"stood still until {ago_s:.3f} s ago, and accuses {subject.name}, which ran all the while"
            self.violate(step.at, node, text)

    def _is_well(self, subject: Node, since: float) -> bool:
        if not subject.running or subject.engine.local.goodbye or self.is_excused(subject.id):
            return False
        if self.world.words.get(subject.id) is not None:  # it was not heard while it was out
            return False
        latest = max(subject.paused_until, subject.blocked_until, self._disturbed_at.get(subject.index, float("-inf")))
        return latest < since

    def _may_be_heard(self, node: Node, subject: Node, since: float) -> bool:
        world = self.world
        if self._uncalm_at >= since or world.convictions or node.dropped:
            return False
        keyring, other = world.transport.keyring(node), world.transport.keyring(subject)
        if keyring is not None and other is not None and keyring.digest != other.digest:
            return False
        return world.network.latency.points[-1][1] <= LATENCY_SHARE_MAX * node.settings.probe_timeout_s


def shortest_s(settings: Settings, live_count: int) -> float:
    """Give alpha * max(1, log10 n) * probe interval (swim.md's formula, memberlist's)."""
    return settings.suspicion_alpha * max(1.0, log10(max(1, live_count))) * settings.probe_interval_s


def _longest_probe_s(node: Node) -> float:
    """Give how long a probe takes at the worst awareness."""
    return node.settings.probe_interval_s * node.settings.awareness_max


def _asks_about(effect: Send, id: MemberId) -> bool:
    return any(isinstance(message, PingReq) and message.target == id for message in effect.packet.messages)


def _is_goodbye(change: Change) -> bool:
    return change.evidence is None or change.evidence.by == change.id
