"""What encoding and decoding cost, statements recognised by their bytes."""

from collections.abc import Iterator
from functools import partial

from benchmarks.figure import Figure
from benchmarks.micro.material import INCARNATION, make_authors, make_keyring
from benchmarks.micro.scale import Scale, time_call
from protocol.wire.codec import (
    decode_packet,
    decode_stream_message,
    encode_packet,
    encode_stream_message,
)
from protocol.wire.message import (
    Ack,
    Packet,
    Ping,
    StreamMessage,
    Summary,
    SyncBuckets,
    SyncClaims,
    SyncSummaries,
    Topic,
)
from protocol.wire.statement import decode_statement

SUMMARY_COUNT = 500
CLAIM_COUNT = 60
"""About what one SyncClaims frame holds."""


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure packets of 0, 1 and 6 records, a record by itself, and the frames of a sync."""
    authors = make_authors(make_keyring(), SUMMARY_COUNT)
    claims = [author.claim() for author in authors]
    known = {claim.statement.raw: claim.statement for claim in claims}
    recall = known.__getitem__
    for count in (0, 1, 6):
        packet = Packet((Ping(12_345_678),) if not count else (), tuple(claims[:count]))
        payload = encode_packet(packet)
        title = f"packet of {count} records ({len(payload)} B)" if count else f"packet of a ping ({len(payload)} B)"
        yield time_call(f"{title}: encode", partial(encode_packet, packet), scale)
        yield time_call(f"{title}: decode", partial(decode_packet, payload, recall), scale)
    ack = encode_packet(Packet((Ack(12_345_678, 1 << 63),)))
    yield time_call(f"packet of an ack ({len(ack)} B): decode", lambda: decode_packet(ack, recall), scale)
    raw = claims[0].statement.raw
    yield time_call(f"record ({len(raw)} B): decode, unverified", lambda: decode_statement(raw), scale)
    summaries = tuple(Summary(Topic.MEMBER, author.id, INCARNATION, 1 << 63) for author in authors)
    messages: dict[str, StreamMessage] = {
        "sync buckets": SyncBuckets(bytes(2_048)),
        f"sync summaries of {SUMMARY_COUNT}": SyncSummaries(b"\x01", summaries, last=True),
        f"sync claims of {CLAIM_COUNT}": SyncClaims(tuple(claims[:CLAIM_COUNT]), (), (), last=True),
    }
    for title, message in messages.items():
        data = encode_stream_message(message)
        name = f"{title} ({len(data)} B)"
        yield time_call(f"{name}: encode", partial(encode_stream_message, message), scale)
        yield time_call(f"{name}: decode", partial(decode_stream_message, data, recall), scale)
