"""A node that was just pinged is awake, and begins its interval's probe: as many probes, fewer wake-ups."""

import pytest

from protocol.swim.deadline import Timer
from protocol.swim.effect import Send
from protocol.swim.engine import Engine
from protocol.swim.settings import Settings
from protocol.wire.message import Ack, Ping
from simulations.world import World
from tests.protocol.swim.bench import ACCUSER, FIRST, ME, PEER, SUBJECT, advance, only, say, started
from tests.protocol.wire.sample import Author

PEOPLE: dict[bytes, Author] = {who.id: who for who in (PEER, SUBJECT, ACCUSER)}


class Rested:
    """An engine whose first probe was answered; `due` is when the next one's time comes."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.engine: Engine = started(ME, settings, *(who.record(FIRST) for who in PEOPLE.values()))
        while self.engine.prober.current is None:
            self.began = self.engine.next_deadline() or 0.0
            self.engine.handle_timer(self.began)
        self.answer(self.began + 0.001)
        self.due = self.probe_time

    @property
    def probe_time(self) -> float:
        """When the prober's timer wants to be served."""
        at = self.engine.core.timers.deadline(Timer.PROBE)
        assert at is not None
        return at

    def answer(self, now: float) -> None:
        """Let the member that is asked answer."""
        probe = self.engine.prober.current
        assert probe is not None
        say(self.engine, now, Ack(probe.number, 0), sender=PEOPLE[probe.target])
        assert self.engine.prober.current is None

    def ping(self, now: float) -> list[Send]:
        """Let a member ping it, and give what it sends."""
        return only(Send, say(self.engine, now, Ping(7)))


def test_ping_that_is_answered_begins_the_probe_of_the_interval() -> None:
    """Behind the answer, in the same breath; the probe after it comes at the time it would have had."""
    node = Rested()
    sends = node.ping(node.due - 0.7)
    assert [type(send.packet.messages[0]) for send in sends] == [Ack, Ping]
    node.answer(node.due - 0.69)
    assert node.probe_time == pytest.approx(node.due + 1.0)


def test_interval_has_one_probe_however_often_the_node_is_pinged() -> None:
    """So nobody can make another probe more than it would."""
    node = Rested()
    node.ping(node.due - 0.7)
    node.answer(node.due - 0.69)
    probes = node.engine.counters.probes
    for count in range(60):
        node.ping(node.due - 0.6 + count * 0.01)
    assert node.engine.counters.probes == probes
    node.ping(node.due + 0.1)
    assert node.engine.counters.probes == probes + 1


def test_probe_begun_early_has_its_whole_interval_for_an_answer() -> None:
    """And silence for so long counts as ever; the next probe begins when it ends."""
    node = Rested()
    began = node.due - 0.7
    node.ping(began)
    assert node.probe_time == pytest.approx(began + 1.0)
    advance(node.engine, began + 0.999)
    assert node.engine.counters.probe_failures == 0
    advance(node.engine, began + 1.001)
    assert node.engine.counters.probe_failures == 1
    assert node.engine.prober.current is not None


def test_ping_begins_no_probe_while_one_is_under_way() -> None:
    """One at a time."""
    node = Rested()
    advance(node.engine, node.due)
    probe = node.engine.prober.current
    assert probe is not None
    assert len(node.ping(node.due + 0.1)) == 1
    assert node.engine.prober.current is probe


def test_ping_begins_no_probe_while_the_node_doubts_itself() -> None:
    """It is to do less then, not more."""
    node = Rested()
    node.engine.core.awareness.feed(1)
    assert len(node.ping(node.due - 0.7)) == 1


def test_ping_begins_no_probe_where_that_is_switched_off() -> None:
    """As the papers have it."""
    node = Rested(Settings.lan(early_probe=False))
    assert len(node.ping(node.due - 0.7)) == 1


@pytest.mark.parametrize("early_probe", [True, False])
def test_cluster_probes_once_an_interval(early_probe: bool) -> None:
    """Each node of it, with and without: what is saved is wake-ups, not questions."""
    world = World(1, Settings.lan(early_probe=early_probe))
    nodes = world.cluster(20)
    before = [node.engine.counters.probes for node in nodes]
    world.run(60.0)
    counts = [node.engine.counters.probes - begun for node, begun in zip(nodes, before, strict=True)]
    assert min(counts) >= 59
    assert max(counts) <= 61
