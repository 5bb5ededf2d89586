"""Distances between coordinates, as Serf reckons them."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.catalog_view import Coordinate
from api.consul.distance import distance_s
from tests.api.fake_catalog import place

_floats = st.floats(-10, 10)
_places = st.builds(place, _floats, st.floats(0, 10), _floats)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (place(0), place(3), 3.0),
        (place(0, height=1), place(3, height=2), 6.0),
        (place(0, adjustment=0.5), place(3, adjustment=-1), 2.5),
        (place(0, adjustment=-2), place(3, adjustment=-2), 3.0),
        (place(1), place(1), 0.0),
        (((0.0, 0.0), 1.5, 0.0, 0.0), ((3.0, 4.0), 1.5, 0.0, 0.0), 5.0),
        (((0.0,), 1.5, 0.0, 0.0), place(1), inf),
    ],
)
def test_distance(one: Coordinate, other: Coordinate, expected: float) -> None:
    """The vectors' distance and both heights, adjusted unless that would be negative."""
    assert distance_s(one, other) == pytest.approx(expected)


@given(_places, _places)
def test_distance_is_symmetric_and_not_negative(one: Coordinate, other: Coordinate) -> None:
    """It is the same both ways, and never below nothing."""
    assert distance_s(one, other) == pytest.approx(distance_s(other, one))
    assert distance_s(one, other) >= 0
