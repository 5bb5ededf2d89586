"""What it costs to keep one number for the whole list, and to find where two lists differ."""

from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.micro.material import make_authors, make_keyring
from benchmarks.micro.scale import Scale, time_call
from protocol.swim.entry import Entry
from protocol.swim.view_hash import ViewHash, entry_mark

MEMBER_COUNT = 1_000


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure marks, changes, and the 256 sums."""
    authors = make_authors(make_keyring(), MEMBER_COUNT)
    view = ViewHash()
    for author in authors:
        view.replace(author.id, 0, entry_mark(Entry(author.record())))
    entry, id = Entry(authors[0].record()), authors[0].id
    mark = entry_mark(entry)
    encoded = view.encode_buckets()
    yield time_call("mark of an entry", lambda: entry_mark(entry), scale)
    yield time_call("one change of the view hash", lambda: view.replace(id, mark, mark), scale)
    yield time_call("256 sums: encode", view.encode_buckets, scale)
    yield time_call("256 sums: compare", lambda: view.differing_buckets(encoded), scale)
