"""What the nodes of a run told their listeners: what judges judge by."""

from collections.abc import Iterator
from math import ceil, log2

from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind
from protocol.swim.suspicion import suspicion_shortest_s
from simulations.deed import AnyDeed
from simulations.run import Run
from simulations.world import Node

STEP_S = 1e-6
"""Clocks that drift round a moment to either side."""


def told(run: Run, observer: Node, subject: Node, *kinds: ChangeKind) -> Iterator[Change]:
    """Give what an observer told about a subject, since the beginning was over, in order."""
    for change in observer.changes:
        since = run.began_at - STEP_S
        if change.id == subject.id and change.kind in kinds and observer.clock.virtual(change.at) >= since:
            yield change


def told_after_s(observer: Node, change: Change, since: float) -> float:
    """Give how long after a virtual time a change was told; for a clock that did not jump since."""
    return observer.clock.virtual(change.at) - since


def status_at(observer: Node, subject: Node) -> Status | None:
    """Give what an observer holds; None if the subject is not on its list."""
    member = observer.engine.membership.get(subject.id)
    return None if member is None else member.status


def accused(node: Node) -> Iterator[str]:
    """Give the names of all that this process, since it started, accused of not answering it."""
    for member in node.engine.membership:
        if any(evidence.event == "probe-failed" for evidence in member.evidence):
            yield member.record.name


def not_renewed(run: Run, subject: Node) -> Iterator[str]:
    """Tell who does not hold the very record that a process, started again, now says of itself."""
    record = subject.engine.local.record
    for observer in run.members:
        held = observer.engine.membership.get(subject.id)
        if held is not None and held.record.raw != record.raw:
            old = "of an earlier start" if held.record.start != record.start else "that is outdated"
            yield f"{observer.name} holds a record of {subject.name} {old}"


def done(run: Run, *kinds: type[AnyDeed]) -> Iterator[tuple[float, AnyDeed]]:
    """Give the plan's deeds of some kinds, with the virtual time of each."""
    for planned in run.plan.deeds:
        if isinstance(planned.deed, kinds):
            yield run.began_at + planned.at, planned.deed


def shortest_suspicion_s(run: Run, nodes: int) -> float:
    """Give the shortest time between accusation and verdict among some live members."""
    return suspicion_shortest_s(run.settings.suspicion_alpha, nodes, run.settings.probe_interval_s)


def first_detection_longest_s(run: Run, nodes: int) -> float:
    """Give the worst case until one of some observers holds a dead member failed, while nothing else is wrong.

    Within 2n - 1 probe intervals each has asked it (SWIM 4.3), and the probe takes one more. By then there are all the
    confirmations there can be, so no suspicion runs longer than the shortest, but for the time gossip takes.
    """
    settings = run.settings
    gossip_s = (ceil(log2(max(2, nodes))) + 1) * settings.gossip_interval_s
    asked_s = 2 * nodes * settings.probe_interval_s
    return (asked_s + shortest_suspicion_s(run, nodes) + gossip_s) * (1.0 + run.plan.drift)
