"""Where members stand: network coordinates, whose distances foretell round trips that were never measured.

Vivaldi (Dabek et al., SIGCOMM 2004): a round trip is a spring between two points; each measurement moves this node's
point a little along its spring, less the surer the node is of itself and the less sure the peer is. With what Serf adds
to it: heights (Dabek, section 5.4: the way from a host to the core), medians of each peer's round trips and gravity
towards the origin (Ledlie et al., NSDI 2007), and the mean of what the springs do not explain (Lee et al., 2010).

    distance = |x - y| + height x + height y            told: + adjustment x + adjustment y, where that stays above 0
    weight   = error / (error + their error)            surprise = round trip - distance
    error    = CE weight |surprise| / round trip + (1 - CE weight) error
    force    = CC weight surprise

Where we differ from Serf. A surprise counts for at most the longest round trip, and a height changes by its share in
the whole distance (as in Dabek's paper; Serf divides by the distance without heights, of which a small one makes a
force without bound): so whatever a peer says of itself, one measurement moves this node by at most `CC * RTT_MAX_S`,
and gravity. Of a peer that was near once in its newest round trips the shortest counts, not the median. A coordinate
that would leave the bounds begins anew at the origin. A restart begins there too: a kept coordinate says where its host
stood before.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, isfinite
from operator import add, sub
from random import Random

from protocol.error import MalformedMessage
from protocol.ulid import MemberId
from protocol.wire.field import pack, take_tuple, unpack

DIMENSIONS = 8
"""Serf's; Ledlie et al. saw no gain beyond seven."""
FIELDS = DIMENSIONS + 3
COORDINATE_SIZE = 1 + 9 * FIELDS
"""Bytes of an encoded coordinate: an array's head, then doubles of nine bytes each."""
COMPONENT_MAX_S = 60.0
"""Largest component, adjustment and height: round trips are at most 10 s, so nobody honest comes near."""
ERROR_MAX = 1.5
"""Error of a node that knows nothing, as a share of the round trip; no larger one is told."""
ERROR_WEIGHT = 0.25
"""CE: how much of the error one measurement replaces at most."""
FORCE_WEIGHT = 0.25
"""CC: how much of the way to where it would be explained one measurement moves us at most."""
HEIGHT_MIN_S = 10e-6
GRAVITY_RHO_S = 150.0
"""At this distance from the origin the pull would be 1 s per measurement; at 100 ms it is 0.4 us, against drift."""
WINDOW = 20
"""Measurements of which the adjustment is the mean."""
MEDIAN_OF = 3
"""Round trips kept of each peer; few, because a peer is probed once in a round."""
PEERS_MAX = 4_096
"""Peers whose round trips are kept, some 1 MB; of more, those measured longest ago go first."""
RTT_MAX_S = 10.0
RTT_MIN_S = 1e-6
"""Shorter round trips count as this: relative errors divide by them."""
ZERO_S = 1e-6
"""Points nearer to each other than this lie on one another: the direction between them is drawn."""

NEAR_S = 0.005
"""A round trip so short says that both are on one network, and longer ones to the same peer, that a host was busy.
(With a quarter of them up to 60 ms longer, each of twenty told 5.8 times in seven minutes where it stood; now 3.3.)"""
TELL_MIN_S = 0.01
"""Nearer than this nobody chooses between two hosts by their distance; the jitter of one network is below it, so that
there nobody ever tells where it stands."""
TELL_SHARE = 0.25
"""Of the mean round trip: with a tenth of jitter, a coordinate on an idle network rarely wanders as far."""


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A point with what its owner says of it; seconds, except `error`, which is a share of the round trip."""

    vec: tuple[float, ...] = (0.0,) * DIMENSIONS
    error: float = ERROR_MAX
    adjustment: float = 0.0
    """May be below 0."""
    height: float = HEIGHT_MIN_S

    @classmethod
    def decode(cls, raw: bytes) -> "Coordinate":
        """Read what `encode` wrote.

        Raises:
            MalformedMessage: any other bytes, or a number that is not finite or beyond its bound.
        """
        if len(raw) != COORDINATE_SIZE:
            raise MalformedMessage(f"a coordinate of {len(raw)} bytes, not {COORDINATE_SIZE}")
        fields = take_tuple(unpack(raw, FIELDS), "coordinate", FIELDS)
        if any(type(field) is not float for field in fields):
            raise MalformedMessage("a coordinate with a field that is no double")
        coordinate = cls(fields[:DIMENSIONS], *fields[DIMENSIONS:])
        if not coordinate.is_sound:
            raise MalformedMessage(f"a coordinate beyond {COMPONENT_MAX_S:g} s, or with an error beyond {ERROR_MAX}")
        if coordinate.encode() != raw:  # the same numbers in narrower floats
            raise MalformedMessage("a coordinate whose fields are not all doubles")
        return coordinate

    def encode(self) -> bytes:
        """Write the eleven numbers: the point, error, adjustment, height."""
        return pack((*self.vec, self.error, self.adjustment, self.height))

    @property
    def is_sound(self) -> bool:
        """Whether all is finite and within its bounds."""
        return (
            all(map(COMPONENT_MAX_S.__ge__, map(abs, self.vec)))  # no NaN is
            and abs(self.adjustment) <= COMPONENT_MAX_S
            and 0.0 <= self.error <= ERROR_MAX
            and 0.0 <= self.height <= COMPONENT_MAX_S
        )

    def distance_s(self, other: "Coordinate") -> float:
        """Foretell the round trip to another; never below 0, and the same seen from there."""
        distance = self.spring_s(other)
        adjusted = distance + (self.adjustment + other.adjustment)
        return adjusted if adjusted > 0.0 else distance

    def spring_s(self, other: "Coordinate") -> float:
        """Give the distance without adjustments."""
        return hypot(*_difference(self.vec, other.vec)) + (self.height + other.height)

    def shift_s(self, other: "Coordinate") -> float:
        """Tell by how much any distance may differ, seen from the one or from the other."""
        return (
            hypot(*_difference(self.vec, other.vec))
            + abs(self.height - other.height)
            + abs(self.adjustment - other.adjustment)
        )


ORIGIN = Coordinate()


class CoordinateKeeper:
    """This node's own coordinate, moved by its round trips."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._own = Coordinate()
        self._told = ORIGIN
        """Where others take this node to stand: at the origin, until it says otherwise."""
        self._round_trips: dict[MemberId, tuple[float, ...]] = {}
        """Of each peer the newest, oldest first; peers in the order of their last measurement."""
        self._window: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        """What the springs did not explain, and the round trip, of the newest measurements."""

    @property
    def own(self) -> Coordinate:
        """Where this node stands now; always sound."""
        return self._own

    @property
    def peer_count(self) -> int:
        """Tell of how many peers round trips are kept, at most `PEERS_MAX`."""
        return len(self._round_trips)

    def observe(self, peer: MemberId, rtt_s: float, theirs: Coordinate | None) -> bool:
        """Take a round trip to a peer that stands at `theirs`; tell whether this node moved.

        A round trip that is not above 0 or beyond `RTT_MAX_S`, and a coordinate that is not sound, change nothing.
        Without a coordinate the round trip only joins those whose median counts next time.
        """
        if not (isfinite(rtt_s) and 0.0 < rtt_s <= RTT_MAX_S) or (theirs is not None and not theirs.is_sound):
            return False
        filtered_s = self._filter(peer, max(rtt_s, RTT_MIN_S))
        if theirs is None:
            return False
        before = self._own
        moved = self._fall(self._adjust(self._spring(before, theirs, filtered_s), theirs, filtered_s))
        if not moved.is_sound:
            self._window.clear()
            moved = Coordinate()
        self._own = moved
        return moved != before

    def drop(self, peer: MemberId) -> None:
        """Forget the round trips of a member that is off the list."""
        self._round_trips.pop(peer, None)

    def worth_telling(self) -> bool:
        """Tell whether others should hear where this node stands now.

        Only once distances as others reckon them may be wrong by `TELL_SHARE` of this node's usual round trip, and by
        `TELL_MIN_S` at least: telling costs a signed fact at every member.
        """
        usual_s = sum(rtt_s for _, rtt_s in self._window) / max(1, len(self._window))
        return self._own.shift_s(self._told) > max(TELL_MIN_S, TELL_SHARE * usual_s)

    def told(self) -> None:
        """Note that the own coordinate as it is now was told to all."""
        self._told = self._own

    def _filter(self, peer: MemberId, rtt_s: float) -> float:
        """Give the median of the peer's newest round trips; if one of them was near, the shortest."""
        kept = (*self._round_trips.pop(peer, ()), rtt_s)[-MEDIAN_OF:]
        self._round_trips[peer] = kept
        if len(self._round_trips) > PEERS_MAX:
            del self._round_trips[next(iter(self._round_trips))]
        shortest, *_ = ordered = sorted(kept)
        return shortest if shortest < NEAR_S else ordered[len(kept) // 2]

    def _spring(self, own: Coordinate, theirs: Coordinate, rtt_s: float) -> Coordinate:
        surprise = _bounded(rtt_s - own.distance_s(theirs))
        weight = own.error / max(own.error + theirs.error, ZERO_S)
        share = ERROR_WEIGHT * weight
        error = min(ERROR_MAX, share * abs(surprise) / rtt_s + (1.0 - share) * own.error)
        vec, height = self._push(own, theirs, FORCE_WEIGHT * weight * surprise)
        return Coordinate(vec, error, own.adjustment, height)

    def _adjust(self, own: Coordinate, theirs: Coordinate, rtt_s: float) -> Coordinate:
        """Keep what the spring still does not explain; divided by the whole window, so the first few count little."""
        self._window.append((_bounded(rtt_s - own.spring_s(theirs)), rtt_s))
        adjustment = sum([surprise for surprise, _ in self._window]) / (2.0 * WINDOW)
        return Coordinate(own.vec, own.error, adjustment, own.height)

    def _fall(self, own: Coordinate) -> Coordinate:
        """Pull towards the origin: springs hold members to each other, and nothing else holds them all in place."""
        vec, height = self._push(own, ORIGIN, -((own.distance_s(ORIGIN) / GRAVITY_RHO_S) ** 2))
        return Coordinate(vec, own.error, own.adjustment, height)

    def _push(self, own: Coordinate, theirs: Coordinate, force_s: float) -> tuple[tuple[float, ...], float]:
        """Give where this node stands, and how high, moved away from another point, or with a force below 0 to it."""
        difference = _difference(own.vec, theirs.vec)
        length = hypot(*difference)
        height = own.height
        if length > ZERO_S:
            heights = own.height + theirs.height
            height = max(HEIGHT_MIN_S, height + force_s * heights / (length + heights))
        else:
            difference = tuple(self._rng.gauss(0.0, 1.0) for _ in own.vec)
            length = hypot(*difference) or 1.0
        step = force_s / length
        return tuple(map(add, own.vec, map(step.__mul__, difference))), height


def _difference(from_vec: Sequence[float], to_vec: Sequence[float]) -> tuple[float, ...]:
    return tuple(map(sub, from_vec, to_vec))  # maps run in C: a node moves once a second, with cold caches


def _bounded(surprise_s: float) -> float:
    return min(RTT_MAX_S, max(-RTT_MAX_S, surprise_s))
