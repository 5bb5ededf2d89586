"""One cell of the ladder under one configuration, as the paper counts it."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from protocol.security.datagram import SEALED_OVERHEAD
from protocol.swim.effect import Changed, ChangeKind, Send
from protocol.wire.codec import encoded_claim_size
from protocol.wire.message import Packet
from simulations.lifeguard.configuration import BY_NAME
from simulations.lifeguard.ladder import Cell
from simulations.world import Latency, Node, Step, World

Anomaly = Literal["blocked", "stalled"]
"""`blocked`: messages stand still while timers run (the paper's). `stalled`: the whole process stands still."""

MESSAGE_SIZE = 12
"""A ping has 7 bytes, an ack 16, a nack 7, a ping-req 29."""
WARM_S = 15.0
"""The paper lets the cluster settle for 15 s before the first trouble."""
LASTS_S = 120.0
"""The paper's shortest; troubles that begin before this are carried to their end."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker computes."""

    cell: Cell
    configuration: str
    anomaly: Anomaly
    nodes: int
    alpha: int
    beta: int
    seed: int
    lasts_s: float = LASTS_S


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    configuration: str
    cell: Cell
    false_alarms: int
    """FP: failure events about members that are well, at any observer. A member troubled for longer than its
    suspicion has failed as far as anybody can tell; the paper measures how soon that is seen."""
    healthy_false_alarms: int
    """FP-: those at observers that are well themselves."""
    true_alarms: int
    """Failure events about troubled members."""
    datagrams: int
    bytes: int
    """Of these datagrams, seals included, as the codec would make them (to a few bytes)."""


class _Counter:
    """A watcher that counts failures, and bytes."""

    def __init__(self, troubled: list[Node]) -> None:
        self._troubled_ids = frozenset(node.id for node in troubled)
        self.false_alarms = 0
        self.healthy_false_alarms = 0
        self.true_alarms = 0
        self.bytes = 0

    def see_step(self, step: Step) -> None:
        """Count the failures and the bytes of a step; nobody dies in this world."""
        for effect in step.effects:
            if isinstance(effect, Send):
                self.bytes += packet_size(effect.packet)
            elif isinstance(effect, Changed) and effect.change.kind is ChangeKind.FAILED:
                if effect.change.id in self._troubled_ids:
                    self.true_alarms += 1
                    continue
                self.false_alarms += 1
                self.healthy_false_alarms += step.node.id not in self._troubled_ids

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Nothing to take note of."""


def packet_size(packet: Packet) -> int:
    """Give about how many bytes a sealed datagram with this packet has."""
    return SEALED_OVERHEAD + MESSAGE_SIZE * len(packet.messages) + sum(encoded_claim_size(c) for c in packet.claims)


def run_cell(task: Task) -> Outcome:
    """Run one cell: settle, trouble C members together again and again, count."""
    cell = task.cell
    seed = f"{task.seed} {cell.concurrent} {cell.blocked_ms} {cell.free_ms} {cell.repetition} {task.anomaly}"
    world = World(Random(seed).getrandbits(48), BY_NAME[task.configuration].settings(task.alpha, task.beta))
    world.network.latency = Latency.tail(0.0008, 0.02)
    nodes = world.settled(task.nodes)
    troubled = Random(seed).sample(nodes, cell.concurrent)
    counter = _Counter(troubled)
    world.watch(counter, routine=True)
    world.run(WARM_S)
    before = sum(node.sent for node in nodes)
    bytes_before = counter.bytes
    blocked_s, free_s = cell.blocked_ms / 1000, cell.free_ms / 1000
    end = world.now + task.lasts_s
    while world.now < end:
        for node in troubled:
            if task.anomaly == "blocked":
                world.block(node, blocked_s)
            else:
                world.pause(node, blocked_s)
        world.run(blocked_s + free_s)
    sent = sum(node.sent for node in nodes) - before
    return Outcome(
        task.configuration,
        cell,
        counter.false_alarms,
        counter.healthy_false_alarms,
        counter.true_alarms,
        sent,
        counter.bytes - bytes_before,
    )
