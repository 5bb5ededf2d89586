"""PROTOCOL.md's tables of messages show what the code encodes."""

import re
from hashlib import blake2b
from pathlib import Path

import pytest

from protocol.security.identity import StatementSigner
from protocol.swim.core import FACT_RUMOR_SIZE_MAX
from protocol.swim.facts import FACTS_MAX, FACTS_SIZE_MAX, Facts
from protocol.swim.view_hash import ViewHash
from protocol.wire.fact import FACT_KEY_SIZE_MAX, FACT_SIZE_MAX, Fact, encode_fact, fact_id
from protocol.wire.statement import decode_statement
from tests.protocol.security.golden import cluster, identities
from tests.protocol.wire.test_golden import PACKETS, STREAM

PAGE = Path(__file__).parents[3] / "PROTOCOL.md"
IN_TABLES = [
    *(("packet", name) for name in ("ping", "ack", "ping-req", "nack", "forgotten", "keyring offer", "no seat")),
    *(("stream", name) for name in ("stream ping", "stream pong", "sync root", "sync summaries", "sync end")),
]


@pytest.mark.parametrize(("where", "name"), IN_TABLES)
def test_protocol_page_shows_the_golden_bytes(where: str, name: str) -> None:
    """The row of a message has its kind's name and its example."""
    expected = PACKETS[name][1] if where == "packet" else STREAM[name][1]
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {name},")]
    assert any(f"`{expected}`" in row for row in rows)


def shown(name: str) -> bytes:
    """Give the bytes of an example."""
    found = re.search(rf"^```hex {name}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return bytes.fromhex(found.group(1)) if found else b""


def test_protocol_page_shows_a_fact_with_its_id_and_mark() -> None:
    """Signed by Alice; the mark is the whole view hash of a store that holds nothing else."""
    alice, _ = identities()
    body = encode_fact(alice.id, b"web", 1_700_000_000_000, b"80")
    raw = StatementSigner(alice, cluster().cluster_id).sign(body) + body
    assert shown("fact") == raw
    assert shown("fact-id") == fact_id(alice.id, b"web")
    assert shown("fact-id") == blake2b(alice.id + b"web", digest_size=16, person=b"shoal-fact-id").digest()
    fact, hash = decode_statement(raw), ViewHash()
    assert isinstance(fact, Fact)
    Facts(hash).merge(fact)
    assert shown("fact-mark") == hash.root.to_bytes(8, "big")
    assert shown("fact-mark") == blake2b(raw, digest_size=8, person=b"shoal-fact").digest()


def test_protocol_page_gives_the_bounds_of_facts() -> None:
    """As they stand in the code."""
    page = " ".join(PAGE.read_text().split())
    assert f"a fact {FACT_SIZE_MAX:,}" in page
    assert f"key (at most {FACT_KEY_SIZE_MAX} bytes)" in page
    assert f"Of one owner at most {FACTS_MAX:,} are kept, {FACTS_SIZE_MAX >> 20} MiB of them" in page
    assert f"One of more than {FACT_RUMOR_SIZE_MAX:,} bytes goes through syncs alone" in page
