"""Where this node stands among the others: each answered probe moves it, and what moved far is told as a fact."""

from protocol.error import MalformedMessage
from protocol.swim.core import Core
from protocol.swim.fact_keeper import FactKeeper
from protocol.swim.vivaldi import PEERS_MAX, Coordinate, CoordinateKeeper
from protocol.ulid import MemberId

COORDINATE_KEY = b"v"
TELL_PAUSE = 10
"""Probe intervals between two tellings at least: a hundred members that told each move would gossip without end. At 60
distances were 45 % wrong after two minutes, at 10 they are 9 %, for one telling more in twenty minutes."""


class Location:
    """Owned by one Engine; does nothing where `Settings.coordinates` is off."""

    def __init__(self, core: Core, facts: FactKeeper) -> None:
        self._core = core
        self._facts = facts
        self._keeper = CoordinateKeeper(core.rng)
        self._told_at = float("-inf")
        self._read: dict[MemberId, tuple[bytes, Coordinate | None]] = {}
        """What members said last of where they stand, as bytes and as read, so that it is read once."""

    @property
    def own(self) -> Coordinate | None:
        """Where this node stands; None: nobody measures."""
        return self._keeper.own if self._core.settings.coordinates else None

    def measure(self, now: float, peer: MemberId, rtt_s: float) -> None:
        """Take the round trip of one answered probe."""
        core = self._core
        if not core.settings.coordinates:
            return
        self._keeper.observe(peer, rtt_s, self._of(peer))
        pause_s = TELL_PAUSE * core.settings.probe_interval_s
        if now - self._told_at >= pause_s and self._keeper.worth_telling():
            self._told_at = now
            self._facts.put(now, 0, COORDINATE_KEY, self._keeper.own.encode())
            self._keeper.told()

    def _of(self, peer: MemberId) -> Coordinate | None:
        fact = self._core.membership.facts.get(peer, COORDINATE_KEY)
        if fact is None or not fact.value:
            return None
        held = self._read.get(peer)
        if held is not None and held[0] is fact.value:
            return held[1]
        try:
            coordinate = Coordinate.decode(fact.value)
        except MalformedMessage:
            coordinate = None
        if len(self._read) >= PEERS_MAX:
            self._read.clear()
        self._read[peer] = (fact.value, coordinate)
        return coordinate
