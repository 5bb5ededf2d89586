"""Telling where a node stands: after a while, and without harm where there is no room for it."""

import pytest

from protocol.security.datagram import DATAGRAM_SIZE_MAX
from protocol.swim import fact_keeper
from protocol.swim.engine import Engine
from protocol.swim.location import COORDINATE_KEY, NEAR_ONE_IN, TELL_FIRST
from protocol.swim.settings import Settings
from protocol.swim.vivaldi import NEAR_S, Coordinate
from tests.protocol.swim.bench import ACCUSER, ME, PEER, started, tell
from tests.protocol.wire.fact_sample import sign_fact


def told_after(seconds: int) -> Engine:
    """Give an engine that says one thing of itself, and whose peer took 80 ms to answer, once a second."""
    engine = started(ME, Settings.lan(coordinates=True), PEER.record())
    engine.put_fact(0.0, 1, b"k", b"v")
    rest(engine)
    for second in range(seconds):
        engine.location.measure(float(second), PEER.id, 0.08)
    return engine


def rest(engine: Engine) -> None:
    """Let all news of members be told."""
    while len(engine.core.rumors):
        engine.core.rumors.take(DATAGRAM_SIZE_MAX, 1)


def test_round_trips_of_a_start_do_not_count_while_there_is_news() -> None:
    """They measure how busy the host is with starting; a cluster that is never at rest measures all the same."""
    engine = told_after(1)
    before = engine.coordinate
    tell(engine, 1.0, ACCUSER.record())
    engine.location.measure(1.0, PEER.id, 0.08)
    assert engine.coordinate == before
    engine.location.measure(float(TELL_FIRST), PEER.id, 0.08)
    assert engine.coordinate != before
    rest(engine)
    before = engine.coordinate
    engine.location.measure(2.0, PEER.id, 0.08)
    assert engine.coordinate != before


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


def test_near_round_trips_that_move_nobody_still_say_that_a_peer_is_near() -> None:
    """A long wait after them is a busy host's; were they forgotten, it would move this node."""
    engine = told_after(0)
    for second in range(NEAR_ONE_IN - 1):
        engine.location.measure(float(second), PEER.id, NEAR_S / 2)
    assert engine.coordinate == Coordinate()
    engine.location.measure(float(NEAR_ONE_IN), PEER.id, 0.08)
    assert engine.coordinate is not None
    assert engine.coordinate.distance_s(Coordinate()) < NEAR_S


@pytest.mark.parametrize(("rtt_s", "moves"), [(NEAR_S / 2, 40 // NEAR_ONE_IN), (NEAR_S, 40)])
def test_few_round_trips_on_one_network_move_a_node(rtt_s: float, moves: int) -> None:
    """A longer one always does."""
    engine, moved = told_after(0), 0
    for count in range(40):
        before = engine.coordinate
        engine.location.measure(float(count), PEER.id, rtt_s)
        moved += engine.coordinate != before
    assert moved == moves


def test_member_that_told_where_it_stands_moves_others_each_time() -> None:
    """However near it is: who stands far from the rest is found by those at its side."""
    engine, near = told_after(0), Coordinate((0.1,) * 8, 0.1, 0.0, 1e-5).encode()
    tell(engine, 0.0, sign_fact(PEER, COORDINATE_KEY, 5, near))
    before = engine.coordinate
    engine.location.measure(0.0, PEER.id, NEAR_S / 2)
    assert engine.coordinate != before
