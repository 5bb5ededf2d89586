"""What it costs to queue rumors, and to fill a datagram from the queue."""

from collections.abc import Iterator
from functools import partial

from benchmarks.figure import Figure
from benchmarks.micro.material import make_authors, make_keyring
from benchmarks.micro.scale import Scale, time_call
from protocol.swim.rumor import RumorQueue

ROOM = 1_300
"""Payload bytes of one datagram."""


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure queues of 1, 6 and 1,000 rumors."""
    claims = [author.claim() for author in make_authors(make_keyring(), 1_000)]
    for count in (1, 6, 1_000):
        queue = RumorQueue()
        for claim in claims[:count]:
            queue.add(claim)
        yield time_call(f"queue of {count}: add what is there", partial(queue.add, claims[0]), scale)
        yield time_call(f"queue of {count}: fill one datagram", partial(queue.take, ROOM, None), scale)
    queue = RumorQueue()
    for claim in claims[:6]:
        queue.add(claim)
    yield time_call("queue of 6: fill one and count", lambda: _take_and_put(queue), scale)


def _take_and_put(queue: RumorQueue) -> None:
    """Take with a limit of two, so that each second call empties the queue, and fill it again then."""
    _, claims = queue.take(ROOM, 2)
    if not len(queue):
        for claim in claims:
            queue.add(claim)
