"""PROTOCOL.md's tables of messages show what the code encodes."""

from pathlib import Path

import pytest

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
