"""What one packet costs the engine alone: opened, verified and decoded before, its effects not carried out."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle
from random import Random

from benchmarks.figure import Figure
from benchmarks.micro.kernel import SEED, Calls, Kernel, again, each, seeded_authors, time_kernel
from benchmarks.micro.material import INCARNATION, Author, make_author, make_keyring
from benchmarks.micro.roster import make_engine, tell
from benchmarks.micro.scale import Scale
from protocol.swim.effect import Effect
from protocol.swim.engine import Engine
from protocol.wire.message import Ack, Packet, Ping

MEMBER_COUNT = 300
NEWS_COUNT = 16
"""Members that say something new in turn."""
STEP_S = 1.0
"""Between two packets with news: at once the engine would soon not heed them."""


@dataclass(frozen=True, slots=True)
class Bench:
    """An engine with a full list and nothing to tell."""

    engine: Engine
    authors: list[Author]
    """The engine's own first."""

    @property
    def peer(self) -> Author:
        """Who sends the packets."""
        return self.authors[1]

    def handle(self, packet: Packet, now: float = 0.0) -> list[Effect]:
        """Let the engine hear the peer."""
        return self.engine.handle_packet(now, self.peer.id, packet)


def make_bench(member_count: int = MEMBER_COUNT) -> Bench:
    """Make an engine that knows so many others and has told them all."""
    _, authors = seeded_authors(member_count + 1)
    engine = make_engine(authors[0])
    tell(engine, authors[1], [author.claim() for author in authors[1:]])
    while len(engine.core.rumors):
        engine.core.rumors.take(1_300, 1)
    return Bench(engine, authors)


def _ping() -> Calls:
    bench = make_bench()
    packet = Packet((Ping(12_345_678),))
    return again(lambda: bench.handle(packet))


def _ack() -> Calls:
    """Each ack is of a probe under way, so each needs an engine of its own."""
    _, authors = seeded_authors(2)
    claims = [authors[1].claim()]

    def probing() -> tuple[Bench, Packet, float]:
        bench, now = Bench(make_engine(authors[0]), authors), 0.0
        tell(bench.engine, authors[1], claims)
        while (probe := bench.engine.prober.current) is None:
            now = bench.engine.next_deadline() or 0.0
            bench.engine.handle_timer(now)
        return bench, Packet((Ack(probe.number, bench.engine.membership.hash.root),)), now + 0.001

    def handle(waiting: tuple[Bench, Packet, float]) -> None:
        bench, packet, now = waiting
        bench.handle(packet, now)
        if bench.engine.prober.current is not None:
            raise RuntimeError("the ack did not end the probe")

    return each(probing, handle)


def _known() -> Calls:
    bench = make_bench()
    packet = Packet((), tuple(author.claim() for author in bench.authors[2:8]))
    return again(lambda: bench.handle(packet))


def _news() -> Calls:
    bench = make_bench()
    speakers, incarnations, seconds = cycle(bench.authors[2 : 2 + NEWS_COUNT]), count(INCARNATION + 1), count(1)

    def handle(news: tuple[float, Packet]) -> None:
        now, packet = news
        bench.handle(packet, now)
        if bench.engine.counters.records_over_budget:
            raise RuntimeError("the engine did not heed a record")

    return each(lambda: (next(seconds) * STEP_S, Packet((), (next(speakers).claim(next(incarnations)),))), handle)


def _newcomer() -> Calls:
    bench, indices, entropy = make_bench(), count(MEMBER_COUNT + 1), Random(SEED + 1).randbytes
    keyring = make_keyring(entropy)
    return each(
        lambda: Packet((), (make_author(keyring, next(indices), entropy).claim(),)),
        bench.handle,
    )


KERNELS = (
    Kernel("a ping", "engine", _ping, 256),
    Kernel("the ack of a probe under way", "engine", _ack),
    Kernel("six known records", "engine", _known),
    Kernel("one new record of a member", "engine", _news),
    Kernel("one record of a newcomer", "engine", _newcomer, 32),
)


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure the kinds of packet that a node mostly gets."""
    for kernel in KERNELS:
        yield time_kernel(kernel, scale)
