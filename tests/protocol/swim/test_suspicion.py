"""How long an accused member has: the formulas against values worked out by hand."""

import pytest

from protocol.swim.awareness import Awareness
from protocol.swim.settings import Settings
from protocol.swim.stream import sync_period_s
from protocol.swim.suspicion import Suspicion, confirmations_expected, suspicion_shortest_s, suspicion_timeout_s
from tests.protocol.wire.sample import author


@pytest.mark.parametrize(
    ("alpha", "n", "interval", "expected"),
    [
        (4, 1, 1.0, 4.0),
        (4, 10, 1.0, 4.0),
        (4, 100, 1.0, 8.0),
        (4, 1000, 1.0, 12.0),
        (6, 100, 5.0, 60.0),
        (4, 0, 1.0, 4.0),
    ],
)
def test_suspicion_shortest(alpha: int, n: int, interval: float, expected: float) -> None:
    """Alpha * max(1, log10 n) * interval."""
    assert suspicion_shortest_s(alpha, n, interval) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "expected"), [(1, 0), (2, 0), (3, 0), (4, 2), (5, 2), (100, 2)])
def test_suspicion_expects_nobody_in_tiny_clusters(n: int, expected: int) -> None:
    """Alpha 4 expects 2; where fewer than 2 others could confirm, none."""
    assert confirmations_expected(4, n) == expected


@pytest.mark.parametrize(
    ("confirmations", "expected"), [(0, 24.0), (1, 24 - 20 * 0.6309297535714574), (2, 4.0), (3, 4.0), (9, 4.0)]
)
def test_suspicion_timeout_shrinks_with_confirmations(confirmations: int, expected: float) -> None:
    """lan, ten members: 24 s, 11.4 s, 4 s, and never below 4 s."""
    assert suspicion_timeout_s(4.0, 24.0, 2, confirmations) == pytest.approx(expected)


def test_suspicion_of_two_alive_and_ten_failed_is_the_shortest() -> None:
    """Failed members kept on the list must not count: 4 s, not 26 s."""
    suspicion = Suspicion.begin(10.0, 1, 2, Settings.lan())
    suspicion.confirm(author(1).id)
    assert suspicion.deadline == 14.0


def test_suspicion_counts_each_accuser_once() -> None:
    """The first opens it, two confirm, a fourth is not wanted."""
    suspicion = Suspicion.begin(0.0, 1, 10, Settings.lan())
    wanted = [suspicion.confirm(author(i).id) for i in (1, 1, 2, 2, 3, 4)]
    assert wanted == [True, False, True, False, True, False]
    assert suspicion.deadline == pytest.approx(4.0)


def test_suspicion_without_lifeguard_is_always_the_shortest() -> None:
    """Plain SWIM: a fixed timeout."""
    suspicion = Suspicion.begin(0.0, 1, 10, Settings.lan(lha_suspicion=False))
    assert suspicion.deadline == 4.0
    suspicion.confirm(author(1).id)
    assert suspicion.deadline == 4.0


def test_awareness_stays_within_its_bounds() -> None:
    """0 to 7; it scales a time by score + 1."""
    awareness = Awareness(8)
    awareness.feed(-1)
    assert awareness.score == 0
    awareness.feed(100)
    assert awareness.score == 7
    assert awareness.scale(0.5) == 4.0
    awareness.feed(-1)
    assert awareness.score == 6


def test_awareness_switched_off_never_moves() -> None:
    """LHA-Probe off."""
    awareness = Awareness(8, enabled=False)
    awareness.feed(5)
    assert awareness.scale(1.0) == 1.0


@pytest.mark.parametrize(("n", "factor"), [(1, 1), (32, 1), (33, 2), (64, 2), (65, 3), (1024, 6)])
def test_sync_period_grows_with_the_logarithm(n: int, factor: int) -> None:
    """Memberlist's pushPullScale."""
    assert sync_period_s(30.0, n) == 30.0 * factor
