"""What a verified claim costs on its way into the list."""

from collections.abc import Iterator
from itertools import count, cycle

from benchmarks.figure import Figure
from benchmarks.micro.material import INCARNATION, Author, make_authors, make_keyring
from benchmarks.micro.roster import make_engine, tell
from benchmarks.micro.scale import Scale, time_call, time_each
from protocol.swim.entry import Entry, merge
from protocol.swim.membership import Membership
from protocol.swim.settings import Settings
from protocol.wire.message import Claim

MEMBER_COUNT = 300
"""More than there are accusations in a measurement: each is of somebody else."""
UPDATED_END = 42
"""The first 40 others say something new of themselves in turn: beyond 32 times at once nobody is heeded."""


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure the entry's merge, the list's, and the engine's with all that follows from news."""
    authors = make_authors(make_keyring(), MEMBER_COUNT + 2)
    accuser, subject = authors[0], authors[1]
    entries = [
        Entry(subject.record(), tuple(author.accuse(subject.id) for author in authors[i : i + 4])) for i in (2, 4)
    ]
    yield time_call("two entries of 4 accusations each, merged", lambda: merge(entries[0], entries[1]), scale)

    membership = Membership(accuser.id, Settings.lan())
    held = [Claim(author.record()) for author in authors]
    for claim in held:
        membership.apply(0.0, claim)
    yield time_call("list: a record held already", lambda: membership.apply(0.0, held[1]), scale)
    yield from _measure_engine(scale, authors, held)


def _measure_engine(scale: Scale, authors: list[Author], held: list[Claim]) -> Iterator[Figure]:
    sender = authors[1]
    engine = make_engine(authors[0])
    tell(engine, sender, held)
    later, subjects = count(INCARNATION + 1), cycle(authors[2:UPDATED_END])
    yield time_call("engine: a record held already", lambda: tell(engine, sender, held[2:3]), scale)
    yield time_each(
        "engine: a record with a larger incarnation",
        lambda: [next(subjects).claim(next(later))],
        lambda claims: tell(engine, sender, claims),
        scale,
    )
    accused = iter(authors[UPDATED_END:])
    accusers = cycle(authors[1:])  # one alone would soon be over its budget
    yield time_each(
        "engine: the first accusation of a member",
        lambda: [Claim(next(accusers).accuse(next(accused).id))],
        lambda claims: tell(engine, sender, claims),
        scale,
    )
