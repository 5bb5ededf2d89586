"""Whole syncs between two lists: CPU of both sides, and the bytes of one stream.

The bytes are those of the stream: handshake, sealed frames with their lengths, and the frames that close it.
TCP's and IP's own come on top, some 40 a segment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import thread_time

from benchmarks.figure import Figure, figure
from benchmarks.micro.handshake import Shaken, shake_hands
from benchmarks.micro.material import INCARNATION, Author, make_authors, make_keyring
from benchmarks.micro.roster import make_engine, tell
from benchmarks.micro.scale import Scale
from benchmarks.progress import Progress
from protocol.security.channel import Channel
from protocol.security.keyring import Keyring
from protocol.security.verifier import REMEMBERED_MAX, Verifier
from protocol.swim.engine import Engine
from protocol.swim.sync import Stage, SyncExchange
from protocol.wire.codec import decode_stream_message, encode_stream_message
from protocol.wire.message import StreamMessage

EQUAL_SIZE_MAX = 4 * 1024
"""Bytes that a sync between equal views of 1,000 members may move."""
DIFFERENT_SIZE_MAX = 16 * 1024
"""The same with 10 differences."""
DIFFERENCE_COUNT = 10
TARGET_MEMBERS = 1_000
REPETITIONS_MAX = 5


@dataclass(slots=True)
class Side:
    """One of the two nodes."""

    author: Author
    engine: Engine
    verifier: Verifier
    keys: tuple[bytes, bytes]

    def begin(self, peer: "Side", stage: Stage) -> SyncExchange:
        """Take up a sync with the other side."""
        return SyncExchange(self.engine.core, peer.author.id, self.engine.reception, self.keys, stage)


@dataclass(slots=True)
class Cost:
    """What one sync took."""

    size_bytes: int = 0
    cpu_s: float = 0.0
    messages: list[str] = field(default_factory=list)


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure equal views, ten differences, and a newcomer that lacks everything."""
    progress = Progress("sync")
    keyring = make_keyring()
    authors = make_authors(keyring, max(scale.sync_sizes))
    for size in scale.sync_sizes:
        progress.say(f"two lists of {size:,} members")
        yield from _measure_size(keyring, authors[:size], min(scale.repetitions, REPETITIONS_MAX))


def _measure_size(keyring: Keyring, authors: list[Author], repetitions: int) -> Iterator[Figure]:
    claims = [author.claim() for author in authors]
    one, other = (make_side(keyring, author) for author in authors[:2])
    for side in (one, other):
        tell(side.engine, authors[2], claims)
        for claim in claims[-REMEMBERED_MAX:]:
            side.verifier.remember(claim.statement)
    is_target = len(authors) <= TARGET_MEMBERS
    costs = [sync_sides(keyring, one, other) for _ in range(repetitions)]
    yield from _figures(f"{len(authors):,} members, equal views", costs, EQUAL_SIZE_MAX if is_target else None)

    costs = []
    for round in range(1, repetitions + 1):
        for index, author in enumerate(authors[-DIFFERENCE_COUNT:]):
            tell((one, other)[index % 2].engine, authors[2], [author.claim(INCARNATION + round)])
        costs.append(sync_sides(keyring, one, other))
    title = f"{len(authors):,} members, {DIFFERENCE_COUNT} differences"
    yield from _figures(title, costs, DIFFERENT_SIZE_MAX if is_target else None)

    newcomer = make_side(keyring, authors[0])
    yield from _figures(f"{len(authors):,} members, one side empty", [sync_sides(keyring, newcomer, other)], None)


def _figures(title: str, costs: list[Cost], size_max: int | None) -> Iterator[Figure]:
    note = f"in {len(costs[0].messages)} messages"
    yield figure(f"{title}: bytes", "B", [cost.size_bytes for cost in costs], at_most=size_max, note=note)
    yield figure(f"{title}: CPU of both sides", "ms", [cost.cpu_s * 1e3 for cost in costs])


def make_side(keyring: Keyring, author: Author) -> Side:
    """Give an author's node, with an empty list."""
    engine = make_engine(author)
    verifier = Verifier(keyring.cluster_id, engine.public_key)
    return Side(author, engine, verifier, (keyring.encode_offer(), keyring.digest))


def sync_sides(keyring: Keyring, one: Side, other: Side) -> Cost:
    """Run one sync from the first byte of the stream to the last.

    Raises:
        RuntimeError: the views differ afterwards.
    """
    cost = Cost()
    began = thread_time()
    shaken = shake_hands(keyring, one.author, other.author)
    cost.size_bytes = shaken.size_bytes
    exchanges = (one.begin(other, Stage.ANSWER), other.begin(one, Stage.ROOT))
    waiting: list[tuple[int, StreamMessage]] = [(1, message) for message in exchanges[0].open()]
    while waiting:
        to, message = waiting.pop(0)
        heard = _carry(shaken, to, message, (one, other)[to].verifier, cost)
        waiting += [(1 - to, answer) for answer in exchanges[to].receive(0.0, heard)]
        for side in (one, other):
            side.engine.core.drain()
            side.engine.reception.take_answers()
    cost.size_bytes += len(shaken.initiator.close()) + len(shaken.responder.close())
    cost.cpu_s = thread_time() - began
    if one.engine.membership.hash.root != other.engine.membership.hash.root:
        raise RuntimeError("the views differ after a sync")
    return cost


def _carry(shaken: Shaken, to: int, message: StreamMessage, verifier: Verifier, cost: Cost) -> StreamMessage:
    ends: tuple[Channel, Channel] = (shaken.initiator, shaken.responder)
    frame = ends[1 - to].seal(encode_stream_message(message))
    cost.size_bytes += len(frame)
    cost.messages.append(type(message).__name__)
    return decode_stream_message(ends[to].receive(frame)[0], verifier.open_statement)
