"""A cluster in the simulator: the same engine, in virtual time, thousands of members in one process.

All know each other from a census that they share. Coordinates are off: a cluster that starts tells each member's first
one to all, n facts at n members, which is a cost of its start (at 1,000 members 20 times the idle bytes for a minute,
and 800 bytes for each node and member) and hides what an idle cluster costs.
"""

import os
import time
from pathlib import Path

from benchmarks.figure import figure
from benchmarks.growth.curve import SETTINGS, Found, Founds
from benchmarks.growth.extent import Extent
from benchmarks.growth.formula import (
    SEGMENT_HEADERS_SIZE,
    SYNC_SEGMENTS,
    datagram_size,
    dissemination_s,
    last_verdict_s,
)
from benchmarks.progress import Progress
from protocol.swim.effect import Changed, ChangeKind, Dial, Send, StreamSend
from protocol.swim.stream import sync_period_s
from protocol.ulid import MemberId
from protocol.wire.codec import encode_stream_message
from simulations.world import Latency, Node, Step, World

SEED = 1
TYPICAL_S, LONGEST_S = 0.0008, 0.02
"""One-way delays, as the simulator's own experiments have them."""
FRAME_OVERHEAD = 21
"""Length, type and tag of one frame."""
HANDSHAKE_SIZE = 672
"""Both sides: `python -m benchmarks micro --only handshake`."""
SETTLE_S = 5.0
QUIET_S = 5.0
"""Between two changes, until rumors of the first are told."""
STEP_S = 1.0
_STATM = Path("/proc/self/statm")
PATIENCE = 4.0
PATIENCE_S = 20.0


class WireCounter:
    """A watcher that measures what is sent, from the IP header on."""

    def __init__(self) -> None:
        self.bytes = 0
        self.packets = 0

    def see_step(self, step: Step) -> None:
        """Measure a step's datagrams and streams; a stream's segments are those of a sync that finds equal views."""
        for effect in step.effects:
            if type(effect) is Send:
                self.packets += 1
                self.bytes += datagram_size(effect.packet)
            elif type(effect) is StreamSend:
                self.bytes += len(encode_stream_message(effect.message)) + FRAME_OVERHEAD
            elif type(effect) is Dial:
                self.packets += SYNC_SEGMENTS
                self.bytes += HANDSHAKE_SIZE + SYNC_SEGMENTS * SEGMENT_HEADERS_SIZE

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Nothing to take note of."""


class Notices:
    """A watcher that takes down when whom what was told about one member."""

    def __init__(self) -> None:
        self._subject: MemberId | None = None
        self._at: dict[ChangeKind, dict[int, float]] = {}
        self.false_suspicions = 0

    def begin(self, subject: Node) -> None:
        """Forget, and listen for another member from now on."""
        self._subject = subject.id
        self._at = {}

    def times(self, kind: ChangeKind) -> list[float]:
        """Give when each of the others was first told of such a change."""
        return list(self._at.get(kind, {}).values())

    def see_step(self, step: Step) -> None:
        """Take down the first change of each kind at each observer."""
        for effect in step.effects:
            if type(effect) is not Changed or step.node.id == self._subject:
                continue
            kind = effect.change.kind
            if effect.change.id == self._subject:
                self._at.setdefault(kind, {}).setdefault(step.node.index, step.at)
            elif kind is ChangeKind.SUSPECT:
                self.false_suspicions += 1

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Nothing to take note of."""


class SimulatedCluster:
    """A settled world."""

    def __init__(self, nodes: int, progress: Progress) -> None:
        self.world = World(SEED, SETTINGS, latency=Latency.tail(TYPICAL_S, LONGEST_S))
        self.nodes = self.world.settled(nodes)
        self._progress = progress

    def run(self, for_s: float, what: str) -> None:
        """Let virtual time pass, and tell how far it is."""
        end = self.world.now + for_s
        while (left_s := end - self.world.now) > 1e-9:
            self.world.run(min(STEP_S, left_s))
            self._progress.say_sometimes(f"{what}: {max(0.0, end - self.world.now):.0f} of {for_s:g} virtual s left")

    def wait_noticed(self, notices: Notices, kind: ChangeKind, observers: int, longest_s: float) -> list[float]:
        """Let time pass until so many have noticed; when each did, fewer when time is up."""
        end = self.world.now + longest_s
        while len(times := notices.times(kind)) < observers and self.world.now < end:
            self.world.run(STEP_S)
            self._progress.say_sometimes(f"{len(times):,} of {observers:,} have noticed")
        return times


def measure(nodes: int, extent: Extent, progress: Progress) -> Founds:
    """Simulate a cluster in this process and give figures as they come.

    A sync period of idle time, the first half unwatched; then the changes and the kills.
    """
    bytes_before = _resident_bytes()
    cluster = SimulatedCluster(nodes, progress)
    cluster.run(SETTLE_S, "settling")
    half_s = sync_period_s(SETTINGS.sync_interval_s, nodes) / 2
    yield _cpu(cluster, half_s - SETTLE_S)
    yield from _wire(cluster, half_s)
    if bytes_before is not None and (bytes_now := _resident_bytes()) is not None:
        each = (bytes_now - bytes_before) / nodes / nodes
        yield "simulator-memory", figure("simulator-memory", "B", [each])
    notices = Notices()
    cluster.world.watch(notices)
    yield from _changes(cluster, notices, extent.changes, progress)
    yield from _kills(cluster, notices, extent.kills_of(nodes), progress)
    if notices.false_suspicions:
        progress.say(f"{notices.false_suspicions} suspicions of members that ran")


def _cpu(cluster: SimulatedCluster, for_s: float) -> Found:
    began = time.process_time()
    cluster.run(for_s, "idle")
    each = (time.process_time() - began) * 1e3 / for_s / len(cluster.nodes)
    return "simulator-cpu", figure("simulator-cpu", "ms/s", [each])


def _wire(cluster: SimulatedCluster, for_s: float) -> Founds:
    """Measure what is sent from half a sync period on: each node's first sync falls anywhere in the period after."""
    wire = WireCounter()
    cluster.world.watch(wire, routine=True)
    cluster.run(for_s, "idle, every datagram measured")
    cluster.world.watchers.remove(wire)
    for key, unit, count in (("bytes", "B/s", wire.bytes), ("packets", "1/s", wire.packets)):
        yield key, figure(key, unit, [count / len(cluster.nodes) / for_s])


def _changes(cluster: SimulatedCluster, notices: Notices, count: int, progress: Progress) -> Founds:
    took, world = [], cluster.world
    others = len(cluster.nodes) - 1
    for turn in range(count):
        progress.say(f"change {turn + 1} of {count}")
        node = cluster.nodes[turn % len(cluster.nodes)]
        notices.begin(node)
        since = world.now
        world.act(node, node.engine.set_tags(node.now(since), {"turn": str(turn)}, ()))
        longest_s = PATIENCE * dissemination_s(others + 1, SETTINGS) + PATIENCE_S
        times = cluster.wait_noticed(notices, ChangeKind.UPDATE, others, longest_s)
        if len(times) == others:
            took.append(max(times) - since)
        else:
            progress.say(f"only {len(times)} of {others} had heard of it after {longest_s:.0f} s: left out")
        cluster.run(QUIET_S, "falling quiet")
    if took:
        yield "change", figure("change", "s", took)


def _kills(cluster: SimulatedCluster, notices: Notices, count: int, progress: Progress) -> Founds:
    suspected, first, last, world = [], [], [], cluster.world
    for turn in range(count):
        progress.say(f"kill {turn + 1} of {count}")
        node = cluster.nodes[-1 - turn]
        observers = sum(each.running for each in cluster.nodes) - 1
        notices.begin(node)
        since = world.now
        world.crash(node)
        longest_s = PATIENCE * last_verdict_s(observers + 1, SETTINGS) + PATIENCE_S
        times = cluster.wait_noticed(notices, ChangeKind.FAILED, observers, longest_s)
        if len(times) == observers:
            suspected.append(min(notices.times(ChangeKind.SUSPECT)) - since)
            first.append(min(times) - since)
            last.append(max(times) - since)
        else:
            progress.say(f"only {len(times)} of {observers} held it failed after {longest_s:.0f} s: left out")
        cluster.run(QUIET_S, "falling quiet")
    if last:
        for key, times in (("suspicion", suspected), ("first", first), ("last", last)):
            yield key, figure(key, "s", times)


def _resident_bytes() -> int | None:
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None  # no /proc here
