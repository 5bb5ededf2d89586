"""Round trips: smoothed, and bounded."""

import pytest

from protocol.swim import rtt
from protocol.swim.rtt import RoundTrips
from tests.protocol.wire.sample import author

A, B, C = (author(index).id for index in range(1, 4))


def test_round_trip_is_smoothed() -> None:
    """The first is taken as it is, each later one counts a quarter."""
    round_trips = RoundTrips()
    round_trips.add(A, 0.1)
    assert round_trips.get(A) == pytest.approx(0.1)
    round_trips.add(A, 0.2)
    assert round_trips.get(A) == pytest.approx(0.125)
    assert round_trips.get(B) is None


def test_round_trips_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one measured longest ago goes, not the one measured first."""
    monkeypatch.setattr(rtt, "ROUND_TRIPS_MAX", 2)
    round_trips = RoundTrips()
    for id in (A, B, A, C):
        round_trips.add(id, 0.1)
    assert len(round_trips) == 2
    assert round_trips.get(B) is None


def test_round_trip_dropped_is_measured_anew() -> None:
    """And dropping what is not there does nothing."""
    round_trips = RoundTrips()
    round_trips.add(A, 0.1)
    round_trips.drop(A)
    round_trips.drop(A)
    round_trips.add(A, 0.2)
    assert round_trips.get(A) == pytest.approx(0.2)
