"""What each product's nodes print is read as the same four words, and their command lines say what is compared."""

from pathlib import Path

import pytest

from benchmarks.compare.event import Event, Word
from benchmarks.compare.kinship import Kinship
from benchmarks.compare.product import Product, Seat
from benchmarks.compare.serf import Serf
from benchmarks.compare.shoal import Shoal

SHOAL_LINE = (
    '{"time": "2026-11-21T11:32:05.452Z", "level": "warning", "event": "%s", "name": "n3", '
    '"id": "01M7YY15NW6PNM62S3S09WVAGS", "address": "127.0.0.1:17943", "incarnation": 1795260716739}'
)
LISTENING = '{"time": "2026-11-21T11:31:56.741Z", "level": "info", "event": "listening", "name": "n3"}'


@pytest.mark.parametrize(
    ("product", "line", "event"),
    [
        (Shoal(), SHOAL_LINE % "member-join", Event(Word.ALIVE, "n3")),
        (Shoal(), SHOAL_LINE % "member-restart", Event(Word.ALIVE, "n3")),
        (Shoal(), SHOAL_LINE % "member-alive", Event(Word.ALIVE, "n3")),
        (Shoal(), SHOAL_LINE % "member-suspect", Event(Word.SUSPECT, "n3")),
        (Shoal(), SHOAL_LINE % "member-failed", Event(Word.FAILED, "n3")),
        (Shoal(), SHOAL_LINE % "member-leave", Event(Word.LEFT, "n3")),
        (Shoal(), SHOAL_LINE % "member-update", None),
        (Shoal(), (SHOAL_LINE % "member-failed")[:-5], None),
        (Shoal(), LISTENING, None),
        (Serf(), "    2026/11/21 11:26:52 [INFO] serf: EventMemberJoin: n3 127.0.0.1", Event(Word.ALIVE, "n3")),
        (Serf(), "    2026/11/21 11:26:56 [INFO] memberlist: Suspect n3 has failed, no acks received",
         Event(Word.SUSPECT, "n3")),
        (Serf(), "    2026/11/21 11:27:00 [INFO] serf: EventMemberFailed: n3 127.0.0.1", Event(Word.FAILED, "n3")),
        (Serf(), "    2026/11/21 11:27:08 [INFO] serf: EventMemberLeave: n2 127.0.0.1", Event(Word.LEFT, "n2")),
        (Serf(), "    2026/11/21 11:26:52 [INFO] agent: Received event: member-join", None),
        (Serf(), "    2026/11/21 11:27:00 [INFO] memberlist: Marking n3 as failed, suspect timeout reached "
         "(0 peer confirmations)", None),
        (Kinship(), "member alive n3", Event(Word.ALIVE, "n3")),
        (Kinship(), "member suspect n3", Event(Word.SUSPECT, "n3")),
        (Kinship(), "member failed n3", Event(Word.FAILED, "n3")),
        (Kinship(), "member left n3", Event(Word.LEFT, "n3")),
        (Kinship(), "member alive", None),
        (Kinship(), "Traceback (most recent call last):", None),
    ],
)  # fmt: skip
def test_read_gives_the_words_of_recorded_lines(product: Product, line: str, event: Event | None) -> None:
    """A line that says something of another node is read, any other is nothing."""
    assert product.read(line) == event


def _seat(tmp_path: Path, number: int, key: bytes = b"k" * 32) -> Seat:
    return Seat(number, 7000 + number, 8000 + number, 7001, tmp_path, key)


def test_shoal_serves_http_on_odd_nodes_only(tmp_path: Path) -> None:
    """So one cluster tells what a node costs with HTTP and without."""
    first, second = (Shoal().command(_seat(tmp_path, number)) for number in (1, 2))
    assert first[first.index("--http") + 1] == "127.0.0.1:8001"
    assert second[second.index("--http") + 1] == "off"
    assert "--join" not in first
    assert second[second.index("--join") + 1] == "127.0.0.1:7001"
    assert [Shoal().has_http(number) for number in (1, 2, 3)] == [True, False, True]


def test_serf_is_encrypted_unless_it_has_no_key(tmp_path: Path) -> None:
    """The key is what makes the two variants of a peer."""
    assert any(word.startswith("-encrypt=a2tra2") for word in Serf().command(_seat(tmp_path, 2)))
    assert not any(word.startswith("-encrypt") for word in Serf().command(_seat(tmp_path, 2, b"")))
    assert "-retry-join=127.0.0.1:7001" in Serf().command(_seat(tmp_path, 2))
    assert not any(word.startswith("-retry-join") for word in Serf().command(_seat(tmp_path, 1)))


def test_kinship_is_encrypted_unless_it_has_no_key(tmp_path: Path) -> None:
    """The same for kinship, whose nodes run a program of ours."""
    assert Kinship().command(_seat(tmp_path, 2))[-4:] == ["n2", "127.0.0.1:7002", "6b" * 32, "127.0.0.1:7001"]
    assert Kinship().command(_seat(tmp_path, 1, b""))[-3:] == ["n1", "127.0.0.1:7001", "plain"]


def test_why_not_says_how_to_get_a_peer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A peer that is nowhere has one sentence for whoever wants it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("benchmarks.compare.serf.PROGRAM", tmp_path / "serf")
    monkeypatch.setattr("benchmarks.compare.kinship.FOLDER", tmp_path)
    monkeypatch.setattr("benchmarks.compare.kinship.find_spec", lambda _: None)
    for peer in (Serf(), Kinship()):
        assert "make peers" in peer.why_not()
