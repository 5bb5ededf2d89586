"""Carries out one of Rapid's set-ups and measures what its authors plotted: view sizes, removals, bandwidth."""

import time
from dataclasses import dataclass

from protocol.status import Status
from protocol.swim.effect import Changed, ChangeKind, Send
from protocol.swim.settings import Settings
from simulations.deed.joining import keep_joining
from simulations.lifeguard.experiment import packet_size
from simulations.rapid.setup import FAULT_AT_S, Setup
from simulations.world import Latency, Node, Step, World

START_WITHIN_S = 1.0
"""All processes of a bootstrap start within this."""
SAMPLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What one experiment came to. Times are virtual seconds."""

    setup: str
    nodes: int
    faulty: int
    seed: int
    digest: str
    complete_s: float | None
    """Bootstrap: since the last start, until all held all alive; None if that was not within the time."""
    first_seen_s: float | None
    """Crash: since the fault, until the first healthy observer held the first faulty member failed."""
    all_seen_s: float | None
    """Since the fault, until every healthy observer held every faulty member failed, if ever."""
    healthy_removed: int
    """Failures of healthy members at healthy observers: none is allowed."""
    faulty_removed: int
    """Failures of faulty members at healthy observers."""
    faulty_returned: int
    """Returns of faulty members at healthy observers."""
    removed_by_faulty: int
    """Failures of healthy members at faulty observers."""
    view_sizes_seen: int
    """Different view sizes at healthy observers over the whole run (Rapid's measure of stability)."""
    bytes_sent_mean: float
    """Bytes per second and healthy member, mean over members."""
    bytes_sent_max: float
    """Of the member that sent most."""
    virtual_s: float
    wall_s: float
    events: int


class _Observer:
    """A watcher that counts."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.faulty: frozenset[int] = frozenset()
        self.fault_at = 0.0
        self.counts = {"healthy": 0, "faulty": 0, "returned": 0, "by_faulty": 0}
        self.first_seen_at: float | None = None
        self.sizes: set[int] = set()
        self.bytes: dict[int, int] = {}

    def see_step(self, step: Step) -> None:
        """Count failures, returns and bytes."""
        node = step.node
        for effect in step.effects:
            if isinstance(effect, Send):
                self.bytes[node.index] = self.bytes.get(node.index, 0) + packet_size(effect.packet)
            elif isinstance(effect, Changed):
                self._see_change(step.at, node, effect)

    def _see_change(self, at: float, node: Node, effect: Changed) -> None:
        change, subject = effect.change, self._world.find(effect.change.id)
        if subject is None:
            return
        faulty = subject.index in self.faulty
        if change.kind is ChangeKind.FAILED:
            if node.index in self.faulty:
                self.counts["by_faulty"] += not faulty
            else:
                self.counts["faulty" if faulty else "healthy"] += 1
                if faulty and self.first_seen_at is None:
                    self.first_seen_at = at
        elif change.kind is ChangeKind.JOIN and faulty and node.index not in self.faulty:
            self.counts["returned"] += 1
        if self.faulty and node.index not in self.faulty:
            self.sizes.add(node.engine.membership.live_count)

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Nothing to take note of."""


def run_setup(setup: Setup, nodes: int, seed: int, lasts_s: float) -> Findings:
    """Carry one set-up out with a number of nodes."""
    began = time.perf_counter()
    world = World(seed, Settings.lan(), latency=Latency.tail(0.0008, 0.02))
    observer = _Observer(world)
    world.watch(observer, routine=True)
    complete_s = all_seen_s = None
    if setup.deeds is None:
        complete_s = _bootstrap(world, nodes, lasts_s)
    else:
        all_seen_s = _trouble(world, observer, setup, nodes, lasts_s)
    healthy = [node for node in world.nodes if node.index not in observer.faulty]
    rates = [observer.bytes.get(node.index, 0) / max(1.0, world.now) for node in healthy]
    first = observer.first_seen_at
    return Findings(
        setup.name,
        nodes,
        len(observer.faulty),
        seed,
        world.digest.hexdigest(),
        complete_s,
        None if first is None else first - observer.fault_at,
        all_seen_s,
        observer.counts["healthy"],
        observer.counts["faulty"],
        observer.counts["returned"],
        observer.counts["by_faulty"],
        len(observer.sizes),
        sum(rates) / len(rates),
        max(rates),
        world.now,
        time.perf_counter() - began,
        world.events,
    )


def _bootstrap(world: World, nodes: int, longest_s: float) -> float | None:
    seed = world.add()
    for _ in range(nodes - 1):
        world.at(world.rng.random() * START_WITHIN_S, lambda: keep_joining(world, world.add(), seed.index))
    world.run(START_WITHIN_S)
    return world.run_until(lambda: is_complete(world, nodes), longest_s, SAMPLE_S / 4)


def is_complete(world: World, nodes: int) -> bool:
    """Tell whether all hold all alive."""
    return all(node.engine.membership.live_count == nodes for node in world.nodes)


def _trouble(world: World, observer: _Observer, setup: Setup, nodes: int, lasts_s: float) -> float | None:
    world.settled(nodes)
    world.run(FAULT_AT_S)
    observer.faulty, observer.fault_at = frozenset(setup.faulty(world)), world.now
    for deed in setup.deeds(tuple(sorted(observer.faulty)), lasts_s) if setup.deeds else ():
        deed.do(world)
    healthy = [node for node in world.nodes if node.index not in observer.faulty]
    faulty = [node for node in world.nodes if node.index in observer.faulty]

    def all_seen() -> bool:
        return all(_holds_failed(node, gone) for node in healthy for gone in faulty)

    seen_s = world.run_until(all_seen, lasts_s, SAMPLE_S / 4)
    world.run(max(0.0, observer.fault_at + lasts_s - world.now))
    return seen_s


def _holds_failed(observer: Node, subject: Node) -> bool:
    held = observer.engine.membership.get(subject.id)
    return held is not None and held.status is Status.FAILED
