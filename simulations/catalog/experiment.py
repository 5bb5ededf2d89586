"""A settled cluster whose members each say some dozens of things, and what that costs in virtual time."""

from collections.abc import Callable
from dataclasses import dataclass

from protocol.swim.effect import Dial, Send, StreamSend
from protocol.swim.settings import Settings
from protocol.wire.codec import encode_stream_message
from simulations.lifeguard.experiment import packet_size
from simulations.world import Latency, Node, Step, World

FRAME_OVERHEAD = 21
"""Length, type and tag of one frame."""
HANDSHAKE_SIZE = 470
"""What either side sends until its first message, about: hello, proof and verdict."""
SPREAD_LONGEST_S = 120.0
LOOK_S = 0.05
REPEATS = 5
CHURN_S = 30.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What one cluster came to. Times are virtual seconds; None: not within two minutes."""

    nodes: int
    facts_each: int
    value_size: int
    loss: float
    filled_s: float | None
    """Until all that all said at one moment was known to all."""
    quiet_s: float | None
    """Until nobody told of it any more, after that."""
    tail_bytes: float
    """Bytes sent by one node in a second meanwhile, though all knew it."""
    idle_bytes: float
    """Bytes sent by one node in a second, datagrams and streams, while nothing changes."""
    one_change_s: tuple[float | None, ...]
    """Until one changed fact was known to all, a few times."""
    many: int
    many_changes_s: float | None
    """Until so many changes at one moment, each at another fact, were known to all."""
    one_large_s: float | None
    """Until a fact that no datagram holds was known to all, while nothing else changed."""
    churn_bytes: float
    """Bytes sent by one node in a second, while the cluster changes one small fact each second."""
    large_in_churn_s: float | None
    """Until one that no datagram holds was known to all meanwhile."""


class _Counter:
    """A watcher that counts bytes."""

    def __init__(self) -> None:
        self.bytes = 0

    def see_step(self, step: Step) -> None:
        """Count what is sent."""
        for effect in step.effects:
            if type(effect) is Send:
                self.bytes += packet_size(effect.packet)
            elif type(effect) is StreamSend:
                self.bytes += len(encode_stream_message(effect.message)) + FRAME_OVERHEAD
            elif type(effect) is Dial:
                self.bytes += 2 * HANDSHAKE_SIZE

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Nothing to take note of."""


class Catalog:
    """The cluster, and the steps of the experiment."""

    def __init__(self, nodes: int, facts_each: int, value_size: int, loss: float, seed: int) -> None:
        self.world = World(seed, Settings.lan(), latency=Latency.tail(0.0008, 0.02))
        self.counter = _Counter()
        self.world.watch(self.counter, routine=True)
        self.nodes = self.world.settled(nodes)
        self.world.network.loss = loss
        self.facts_each, self.value_size, self.loss = facts_each, value_size, loss
        self._turn = 0

    def change(self, node: Node, number: int, size: int | None = None) -> None:
        """Let a node say something new under one of its keys."""
        self._turn += 1
        value = b"%d " % self._turn
        self.world.put_fact(node, b"service/%d" % number, value.ljust(size or self.value_size, b"."))

    def spread_s(self) -> float | None:
        """Run until all hold what all say, and give how long that took."""
        return self.world.run_until(self._is_known, SPREAD_LONGEST_S, LOOK_S)

    def _is_known(self) -> bool:
        return len({node.engine.membership.hash.root for node in self.nodes}) == 1

    def quiet_s(self) -> float | None:
        """Run until nobody has anything to tell, and give how long that took."""
        return self.world.run_until(
            lambda: not any(node.engine.core.has_rumors for node in self.nodes), SPREAD_LONGEST_S, LOOK_S
        )

    def idle_bytes(self, for_s: float) -> float:
        """Measure a time in which nothing changes: bytes sent per node and second."""
        before = self.counter.bytes
        self.world.run(for_s)
        return (self.counter.bytes - before) / len(self.nodes) / for_s

    def churn_bytes(self, for_s: float) -> float:
        """Measure a time in which one fact changes each second, at one node after the other."""
        before = self.counter.bytes
        for second in range(int(for_s)):
            self.change(self.nodes[second % len(self.nodes)], 0)
            self.world.run(1.0)
        return (self.counter.bytes - before) / len(self.nodes) / int(for_s)

    def large_in_churn_s(self) -> float | None:
        """Let small facts change at one node after the other, and wait for a large one."""
        key, ends_at = b"service/large", self.world.now + SPREAD_LONGEST_S
        owner = self.nodes[0]
        value = b"large".ljust(2_500, b".")

        def churn() -> None:
            if self.world.now < ends_at:
                self.change(self.nodes[self._turn % len(self.nodes)], 0)
                self.world.after(1.0, churn)

        def is_known() -> bool:
            held = (node.engine.membership.facts.get(owner.id, key) for node in self.nodes)
            return all(fact is not None and fact.value == value for fact in held)

        churn()
        self.world.run(5.0)
        self.world.put_fact(owner, key, value)
        return self.world.run_until(is_known, SPREAD_LONGEST_S, LOOK_S)


def measure(
    nodes: int, facts_each: int, value_size: int, loss: float, many: int, seed: int, tell: Callable[[str], None]
) -> Costs:
    """Carry it out: fill, idle, one change, many, one large, one large in a churn."""
    catalog = Catalog(nodes, facts_each, value_size, loss, seed)
    catalog.world.run(5.0)
    for node in catalog.nodes:
        for number in range(facts_each):
            catalog.change(node, number)
    tell("filling")
    filled_s = catalog.spread_s()
    before, began_at = catalog.counter.bytes, catalog.world.now
    quiet_s = catalog.quiet_s()
    tail_bytes = (catalog.counter.bytes - before) / nodes / max(LOOK_S, catalog.world.now - began_at)
    tell("idle")
    idle_bytes = catalog.idle_bytes(120.0)
    tell("one change")
    ones = []
    for number in range(REPEATS if facts_each else 0):
        catalog.change(catalog.nodes[number % nodes], 0)
        ones.append(catalog.spread_s())
        catalog.quiet_s()
    tell("many changes")
    many_s = large_s = churn_s = None
    churn_bytes = 0.0
    if facts_each:
        for turn in range(many):
            catalog.change(catalog.nodes[turn % nodes], turn // nodes % facts_each)
        many_s = catalog.spread_s()
        catalog.quiet_s()
        tell("one large")
        catalog.change(catalog.nodes[1], 0, 2_500)
        large_s = catalog.spread_s()
        catalog.world.run(20.0)
        tell("a churn")
        churn_bytes = catalog.churn_bytes(CHURN_S)
        catalog.quiet_s()
        tell("one large in a churn")
        churn_s = catalog.large_in_churn_s()
    return Costs(
        nodes=nodes,
        facts_each=facts_each,
        value_size=value_size,
        loss=loss,
        filled_s=filled_s,
        quiet_s=quiet_s,
        tail_bytes=tail_bytes,
        idle_bytes=idle_bytes,
        one_change_s=tuple(ones),
        many=many,
        many_changes_s=many_s,
        one_large_s=large_s,
        churn_bytes=churn_bytes,
        large_in_churn_s=churn_s,
    )
