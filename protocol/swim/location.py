"""Where this node stands among the others: answered probes move it, and what moved far is told as a fact."""

from protocol.error import InvalidRequest, MalformedMessage
from protocol.swim.core import Core
from protocol.swim.fact_keeper import FactKeeper
from protocol.swim.vivaldi import NEAR_S, ORIGIN, PEERS_MAX, Coordinate, CoordinateKeeper
from protocol.ulid import MemberId

COORDINATE_KEY = b"v"
TELL_FIRST = 30
"""Probe intervals before this node tells where it stands, and in which it measures only while there is no news.
(Twenty that started at once on two cores, and told at once, cost each other 2 kB a second until they had settled.)"""
TELL_PAUSE = 10
"""Probe intervals between the first two tellings; each pause is twice the one before. (With 60 from the beginning
distances were 45 % wrong after two minutes, with 10 they are 9 %.)"""
TELL_DOUBLINGS_MAX = 6
"""Up to 640 intervals: a hundred members that told each move would gossip without end."""
NEAR_ONE_IN = 4
"""Of near round trips to members that never told where they stand, one in so many moves this node: a move is a tenth of
what an idle node computes, and none is ever told."""


class Location:
    """Owned by one Engine; does nothing where `Settings.coordinates` is off."""

    def __init__(self, core: Core, facts: FactKeeper) -> None:
        self._core = core
        self._facts = facts
        self._keeper = CoordinateKeeper(core.rng)
        self._tell_at: float | None = None
        """Before then it tells nothing; None before the first round trip."""
        self._settled_at = 0.0
        """Before then round trips do not count while news is told: those of a start measure how busy its host is, and
        what they moved would be told for minutes. (Fifty that started on 0.8 of a core sent 942 bytes a second each a
        minute later, and send 179 since.)"""
        self._told_count = 0
        self._near_count = 0
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
        interval_s = core.settings.probe_interval_s
        if self._tell_at is None:
            self._tell_at = now + TELL_FIRST * interval_s
            self._settled_at = self._tell_at
        if now < self._settled_at and len(core.rumors):
            return
        theirs = self._of(peer)
        if theirs is ORIGIN and rtt_s < NEAR_S:
            self._near_count += 1
            if self._near_count % NEAR_ONE_IN:
                self._keeper.observe(peer, rtt_s, None)  # it moves nobody, but says that the peer is near
                return
        self._keeper.observe(peer, rtt_s, theirs)
        if now >= self._tell_at and self._keeper.worth_telling():
            self._tell_at = now + TELL_PAUSE * 2 ** min(self._told_count, TELL_DOUBLINGS_MAX) * interval_s
            try:
                self._facts.put(now, 0, COORDINATE_KEY, self._keeper.own.encode())
            except InvalidRequest:  # whoever embeds this node says as much as it may: no room until it says less
                return
            self._told_count += 1
            self._keeper.told()

    def _of(self, peer: MemberId) -> Coordinate | None:
        """Give where a peer stands: at the origin, if it never said otherwise; None if it makes no sense."""
        fact = self._core.membership.facts.get(peer, COORDINATE_KEY)
        if fact is None or not fact.value:
            return ORIGIN
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
