"""What it costs that members say things of themselves: merging, putting, holding and syncing facts."""

import tracemalloc
from collections.abc import Iterator
from itertools import count

from benchmarks.figure import Figure, figure
from benchmarks.micro.material import NOW_MS, Author, make_authors, make_keyring
from benchmarks.micro.roster import make_engine, tell
from benchmarks.micro.scale import Scale, time_call, time_each
from benchmarks.micro.sync import Cost, make_side, sync_sides
from benchmarks.progress import Progress
from protocol.security.keyring import Keyring
from protocol.swim.engine import Engine
from protocol.swim.facts import Facts
from protocol.swim.view_hash import ViewHash
from protocol.wire.fact import Fact, encode_fact
from protocol.wire.message import Claim
from protocol.wire.statement import SIGNATURE_SIZE, decode_statement

VALUE_SIZE = 250
"""Bytes: a service with some tags, or a check with its output."""
OWNER_COUNT = 50
HELD_PER_SYNC_SIZE = 10
"""Facts held for the memory figure, for each member of the largest sync: 100,000 at full scale."""
DIFFERENCES = (1, 100)
REPETITIONS_MAX = 5


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure the store, the engine, memory, and syncs of two sizes with few and many differences."""
    progress = Progress("fact")
    keyring = make_keyring()
    *authors, newcomer = make_authors(keyring, OWNER_COUNT + 1)
    yield from _measure_store(scale, authors)
    yield from _measure_engine(scale, authors)
    held = max(scale.sync_sizes) * HELD_PER_SYNC_SIZE
    progress.say(f"memory of {held:,} facts")
    yield _measure_memory(authors, held)
    for size in scale.sync_sizes:
        progress.say(f"two stores of {size:,} facts")
        yield from _measure_sync(keyring, authors, newcomer, size, min(scale.repetitions, REPETITIONS_MAX))


def sign(author: Author, number: int, version: int = NOW_MS, *, signed: bool = True) -> Fact:
    """Sign a fact as large as a usual service's; unsigned, where nobody looks."""
    value = b"%d " % version
    body = encode_fact(author.id, b"service/%08d" % number, version, value.ljust(VALUE_SIZE, b"."))
    fact = decode_statement((author.signer.sign(body) if signed else bytes(SIGNATURE_SIZE)) + body)
    if not isinstance(fact, Fact):
        raise TypeError("not a fact")
    return fact


def _measure_store(scale: Scale, authors: list[Author]) -> Iterator[Figure]:
    facts = Facts(ViewHash())
    for number in range(1_000):
        facts.merge(sign(authors[0], number, signed=False))
    known, later = sign(authors[0], 7, signed=False), count(NOW_MS + 1)
    yield time_call("store: a fact held already", lambda: facts.merge(known), scale)
    yield time_each("store: a later fact", lambda: sign(authors[0], 7, next(later), signed=False), facts.merge, scale)
    stale = sign(authors[0], 7, NOW_MS - 1, signed=False)
    yield time_call("store: a stale fact", lambda: facts.merge(stale), scale)


def _measure_engine(scale: Scale, authors: list[Author]) -> Iterator[Figure]:
    engine = make_engine(authors[0])
    tell(engine, authors[1], [author.claim() for author in authors])
    versions, turn = count(NOW_MS + 1), count(1)

    def put(value: bytes) -> None:
        engine.put_fact(0.0, NOW_MS, b"service", value)

    yield time_each("engine: a put, signed", lambda: (b"%d " % next(turn)).ljust(VALUE_SIZE, b"."), put, scale)
    yield time_each(
        "engine: a later fact of another, verified before",
        lambda: [Claim(sign(authors[next(turn) % 40 + 2], 1, next(versions), signed=False))],
        lambda claims: tell(engine, authors[1], claims),
        scale,
    )


def _measure_memory(authors: list[Author], held: int) -> Figure:
    """Count what is allocated for facts, their bytes included."""
    facts = Facts(ViewHash())
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(held):
        facts.merge(sign(authors[number % len(authors)], number, NOW_MS + number, signed=False))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    wire = len(next(iter(facts)).raw)
    return figure(f"memory of a fact, {len(facts):,} held", "B", [grown / len(facts)], note=f"{wire} B on the wire")


def _measure_sync(
    keyring: Keyring, authors: list[Author], stranger: Author, size: int, repetitions: int
) -> Iterator[Figure]:
    one, other = (make_side(keyring, author) for author in authors[:2])
    for side in (one, other):
        tell(side.engine, authors[2], [author.claim() for author in authors])
    for number in range(size):
        fact = sign(authors[number % len(authors)], number)
        for side in (one, other):
            side.engine.membership.facts.merge(fact)
    later = count(NOW_MS + 1)
    for differences in DIFFERENCES:
        costs: list[Cost] = []
        for _ in range(repetitions):
            for number in range(differences):
                _change((one, other)[number % 2].engine, authors, number * 7 % size, next(later))
            costs.append(sync_sides(keyring, one, other))
        title = f"{size:,} facts, {differences} different"
        yield figure(f"{title}: bytes", "B", [cost.size_bytes for cost in costs])
        yield figure(f"{title}: CPU of both sides", "ms", [cost.cpu_s * 1e3 for cost in costs])
    newcomer = make_side(keyring, stranger)
    tell(newcomer.engine, authors[2], [author.claim() for author in authors])
    tell(other.engine, authors[2], [stranger.claim()])
    cost = sync_sides(keyring, newcomer, other)
    yield figure(f"{size:,} facts, one side without any: bytes", "B", [cost.size_bytes])
    yield figure(f"{size:,} facts, one side without any: CPU of both sides", "ms", [cost.cpu_s * 1e3])


def _change(engine: Engine, authors: list[Author], number: int, version: int) -> None:
    engine.membership.facts.merge(sign(authors[number % len(authors)], number, version))
