"""Telling where a node stands: after a while, and without harm where there is no room for it."""

import pytest

from protocol.swim import fact_keeper
from protocol.swim.engine import Engine
from protocol.swim.location import COORDINATE_KEY, TELL_FIRST
from protocol.swim.settings import Settings
from tests.protocol.swim.bench import ME, PEER, started


def told_after(seconds: int) -> Engine:
    """Give an engine that says one thing of itself, and whose peer took 80 ms to answer, once a second."""
    engine = started(ME, Settings.lan(coordinates=True), PEER.record())
    engine.put_fact(0.0, 1, b"k", b"v")
    for second in range(seconds):
        engine.location.measure(float(second), PEER.id, 0.08)
    return engine


def test_node_tells_where_it_stands_after_its_start() -> None:
    """Not before."""
    assert told_after(TELL_FIRST).membership.facts.get(ME.id, COORDINATE_KEY) is None
    assert told_after(TELL_FIRST + 2).membership.facts.get(ME.id, COORDINATE_KEY) is not None


def test_node_without_room_to_tell_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that says as much as it may must not end its node; what it takes back makes room."""
    monkeypatch.setattr(fact_keeper, "OWN_FACTS_MAX", 1)
    engine = told_after(TELL_FIRST + 2)
    assert engine.membership.facts.get(ME.id, COORDINATE_KEY) is None
    engine.put_fact(100.0, 2, b"k", None)
    engine.location.measure(100.0, PEER.id, 0.08)
    assert engine.membership.facts.get(ME.id, COORDINATE_KEY) is not None
