"""Network coordinates: they foretell round trips, stay finite whatever is said to them, and are told rarely."""

import math
import struct
from collections.abc import Callable
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import MalformedMessage
from protocol.swim import vivaldi
from protocol.swim.vivaldi import (
    COMPONENT_MAX_S,
    COORDINATE_SIZE,
    DIMENSIONS,
    ERROR_MAX,
    FORCE_WEIGHT,
    HEIGHT_MIN_S,
    NEAR_S,
    ORIGIN,
    RTT_MAX_S,
    Coordinate,
    CoordinateKeeper,
)
from protocol.ulid import MemberId

RoundTrip = Callable[[int, int], float]
PEER = MemberId(bytes(16))

components = st.floats(-COMPONENT_MAX_S, COMPONENT_MAX_S)
coordinates = st.builds(
    Coordinate,
    st.tuples(*[components] * DIMENSIONS),
    st.floats(0.0, ERROR_MAX),
    components,
    st.floats(0.0, COMPONENT_MAX_S),
)
any_floats = st.floats() | st.sampled_from([0.0, -0.0, 1e-320, 1e308, 60.0, 60.1, math.inf, math.nan])
any_coordinates = coordinates | st.builds(
    Coordinate, st.tuples(*[any_floats] * DIMENSIONS), any_floats, any_floats, any_floats
)


class Cloud:
    """Members that measure each other, each a random other in every round, with a tenth of jitter."""

    def __init__(self, count: int, round_trip: RoundTrip, seed: int, *, hears_all: bool = True) -> None:
        """Put them at the origin; unless `hears_all`, each knows of others only what they thought worth telling."""
        self._rng = Random(seed)
        self._round_trip = round_trip
        self._hears_all = hears_all
        self.keepers = [CoordinateKeeper(Random(self._rng.random())) for _ in range(count)]
        self.told = [ORIGIN] * count
        self.tell_count = 0

    def run(self, rounds: int) -> None:
        """Let each measure once a round."""
        for _ in range(rounds):
            for index, keeper in enumerate(self.keepers):
                peer = (index + self._rng.randrange(1, len(self.keepers))) % len(self.keepers)
                rtt_s = self._round_trip(index, peer) * self._rng.uniform(0.9, 1.1)
                theirs = self.keepers[peer].own if self._hears_all else self.told[peer]
                keeper.observe(_id(peer), rtt_s, theirs)
                if keeper.worth_telling():
                    keeper.told()
                    self.told[index] = keeper.own
                    self.tell_count += 1

    def median_error(self, points: list[Coordinate]) -> float:
        """Give the median over all pairs of how wrong the foretold round trip is, as a share of the true one."""
        pairs = [(a, b) for a in range(len(points)) for b in range(a)]
        return median(abs(points[a].distance_s(points[b]) / self._round_trip(a, b) - 1.0) for a, b in pairs)

    @property
    def points(self) -> list[Coordinate]:
        """Give where each stands."""
        return [keeper.own for keeper in self.keepers]

    @property
    def heard_points(self) -> list[Coordinate]:
        """Give where others take each to stand: at the origin, until it says otherwise."""
        return self.told


def _id(index: int) -> MemberId:
    return MemberId(index.to_bytes(16, "big"))


def on_a_line(a: int, b: int) -> float:
    """10 ms between neighbours."""
    return 0.01 * abs(a - b)


def on_a_grid(a: int, b: int) -> float:
    """Five in a row, 20 ms between neighbours."""
    return 0.02 * math.dist(divmod(a, 5), divmod(b, 5))


def in_two_centres(a: int, b: int) -> float:
    """80 ms between the centres, members 0 to 9 in one; each has its own way of 1 to 3 ms to the core."""
    return sum(0.001 + 0.0005 * (index % 5) for index in (a, b)) + (0.08 if (a < 10) != (b < 10) else 0.0)


PLACES = pytest.mark.parametrize(
    ("count", "round_trip"), [(12, on_a_line), (25, on_a_grid), (20, in_two_centres)], ids=["line", "grid", "centres"]
)


@PLACES
@pytest.mark.parametrize("seed", range(3))
def test_coordinates_converge(count: int, round_trip: RoundTrip, seed: int) -> None:
    """After enough rounds half of all pairs are foretold to within 15 percent; at first they are not."""
    cloud = Cloud(count, round_trip, seed)
    cloud.run(2)
    assert cloud.median_error(cloud.points) > 0.15
    cloud.run(300)
    assert cloud.median_error(cloud.points) < 0.15
    assert median(point.error for point in cloud.points) < 0.2


@PLACES
def test_coordinates_converge_on_what_is_told_alone(count: int, round_trip: RoundTrip) -> None:
    """Where members hear only what was thought worth telling, what they hear still foretells round trips."""
    cloud = Cloud(count, round_trip, 5, hears_all=False)
    cloud.run(400)
    assert cloud.median_error(cloud.heard_points) < 0.25


def test_coordinates_tell_near_from_far_by_what_is_told() -> None:
    """Each member of one data centre is nearer to all of its own than to any of the other."""
    cloud = Cloud(20, in_two_centres, 7, hears_all=False)
    cloud.run(300)
    points = cloud.heard_points
    for index, point in enumerate(points):
        own, other = (points[:10], points[10:]) if index < 10 else (points[10:], points[:10])
        assert max(map(point.distance_s, own)) < min(map(point.distance_s, other))


@PLACES
def test_idle_cluster_stops_telling(count: int, round_trip: RoundTrip) -> None:
    """Each member tells some times while it finds its place, and hardly ever in as many rounds again."""
    cloud = Cloud(count, round_trip, 11, hears_all=False)
    cloud.run(300)
    assert count <= cloud.tell_count <= 15 * count
    cloud.tell_count = 0
    cloud.run(600)
    assert cloud.tell_count <= count // 2


def test_local_network_tells_nothing() -> None:
    """Round trips of 0.4 ms are told apart by nobody: all are at the origin, near enough."""
    cloud = Cloud(12, lambda a, b: 0.0004, 3, hears_all=False)
    cloud.run(500)
    assert cloud.tell_count == 0


def test_worth_telling_after_a_move() -> None:
    """A member whose round trips change for good tells it, a few times on the way."""
    keeper = CoordinateKeeper(Random(1))
    far = Coordinate((0.5,) + (0.0,) * 7, error=0.1)
    assert not keeper.worth_telling(), "it is at the origin, where others take it to be"
    tells = 0
    for _ in range(400):
        keeper.observe(PEER, 0.2, far)
        if keeper.worth_telling():
            keeper.told()
            tells += 1
    assert 2 <= tells <= 12
    assert keeper.own.distance_s(far) == pytest.approx(0.2, rel=0.05)


def test_liar_moves_us_by_a_bounded_step() -> None:
    """What one measurement does is bounded, whatever the peer says; honest ones bring the member back."""
    keeper = CoordinateKeeper(Random(2))
    honest = Coordinate((0.05,) + (0.0,) * 7, error=0.05)
    for _ in range(100):
        keeper.observe(PEER, 0.05, honest)
    before = keeper.own
    liar = Coordinate((60.0, -60.0) * 4, error=0.0, adjustment=60.0, height=60.0)
    assert keeper.observe(_id(1), 1e-9, liar)
    assert math.dist(keeper.own.vec, before.vec) <= FORCE_WEIGHT * RTT_MAX_S + 1e-6
    assert abs(keeper.own.height - before.height) <= FORCE_WEIGHT * RTT_MAX_S
    for _ in range(300):
        keeper.observe(PEER, 0.05, honest)
    assert keeper.own.distance_s(honest) == pytest.approx(0.05, rel=0.1)


def test_coordinate_driven_out_of_bounds_begins_anew() -> None:
    """Liars take a member to the bound and push it over: it is back at the origin, and finds its place."""
    keeper = CoordinateKeeper(Random(3))
    for _ in range(300):
        keeper.observe(_id(1), 1e-3, Coordinate((COMPONENT_MAX_S,) * DIMENSIONS, error=0.0))
    assert min(keeper.own.vec) > 50
    pushes = 0
    while keeper.own != Coordinate():
        pushes += 1
        assert pushes < 50
        keeper.observe(_id(2), RTT_MAX_S, Coordinate(tuple(at - 1 for at in keeper.own.vec), error=0.0))
    assert pushes > 1
    honest = Coordinate((0.05,) + (0.0,) * 7, error=0.05)
    for _ in range(100):
        keeper.observe(PEER, 0.05, honest)
    assert keeper.own.distance_s(honest) == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("rtt_s", [0.0, -0.0, -0.1, math.nextafter(RTT_MAX_S, 11), math.inf, -math.inf, math.nan])
def test_absurd_round_trip_changes_nothing(rtt_s: float) -> None:
    """Not above 0, over 10 s, or no number: the coordinate stays, and the peer's medians too."""
    keeper = CoordinateKeeper(Random(4))
    keeper.observe(PEER, 0.02, Coordinate((0.1,) * 8))
    before = keeper.own
    assert not keeper.observe(_id(9), rtt_s, Coordinate((0.1,) * 8))
    assert (keeper.own, keeper.peer_count) == (before, 1)


@pytest.mark.parametrize(
    "theirs",
    [
        Coordinate((math.nan,) + (0.0,) * 7),
        Coordinate((0.0,) * 7 + (math.inf,)),
        Coordinate((60.5,) + (0.0,) * 7),
        Coordinate(error=-0.1),
        Coordinate(error=1.6),
        Coordinate(error=math.nan),
        Coordinate(height=-1e-9),
        Coordinate(height=math.nan),
        Coordinate(height=61.0),
        Coordinate(adjustment=math.nan),
        Coordinate(adjustment=-61.0),
    ],
    ids=repr,
)
def test_unsound_coordinate_changes_nothing_and_is_not_decoded(theirs: Coordinate) -> None:
    """Neither moves a member, nor comes in as bytes."""
    keeper = CoordinateKeeper(Random(4))
    assert not keeper.observe(PEER, 0.02, theirs)
    assert (keeper.own, keeper.peer_count) == (Coordinate(), 0)
    with pytest.raises(MalformedMessage):
        Coordinate.decode(theirs.encode())


def test_median_rides_out_one_blip() -> None:
    """One round trip of a second among those of 20 ms moves nothing far."""
    steady, blipped = CoordinateKeeper(Random(5)), CoordinateKeeper(Random(5))
    there = Coordinate((0.3,) + (0.0,) * 7, error=0.1)
    for index in range(60):
        steady.observe(PEER, 0.02, there)
        blipped.observe(PEER, 1.0 if index == 50 else 0.02, there)
    assert blipped.own == steady.own


def test_long_waits_on_one_network_move_nobody() -> None:
    """Two of three may be of a busy host; a peer that is far three times in a row has moved away."""
    steady, busy = CoordinateKeeper(Random(5)), CoordinateKeeper(Random(5))
    for index in range(60):
        steady.observe(PEER, NEAR_S / 2, ORIGIN)
        busy.observe(PEER, 0.08 if index % 3 else NEAR_S / 2, ORIGIN)
    assert busy.own == steady.own
    for rtt_s in (NEAR_S / 2, 0.08, 0.08):
        busy.observe(PEER, rtt_s, ORIGIN)
    assert busy.own.distance_s(ORIGIN) < NEAR_S
    busy.observe(PEER, 0.08, ORIGIN)
    assert busy.own.distance_s(ORIGIN) > NEAR_S


def test_busy_hosts_on_one_network_tell_little() -> None:
    """Where one round trip in four waits for up to 60 ms, hardly anybody tells after the first minutes."""
    noise = Random(8)
    cloud = Cloud(20, lambda *_: 0.0006 if noise.random() > 0.25 else 0.12 * noise.random() ** 2, 5, hears_all=False)
    cloud.run(120)
    first = cloud.tell_count
    cloud.run(300)
    assert cloud.tell_count - first < 20 * 3


def test_round_trip_without_a_coordinate_only_joins_the_median() -> None:
    """A peer that has not said where it stands moves nobody, and its round trips count later."""
    keeper = CoordinateKeeper(Random(6))
    for rtt_s in (0.02, 0.02):
        assert not keeper.observe(PEER, rtt_s, None)
    assert keeper.own == Coordinate()
    there = Coordinate((0.02,) + (0.0,) * 7, height=0.0)
    assert keeper.observe(PEER, 5.0, there)
    assert keeper.own.distance_s(there) == pytest.approx(0.02, abs=0.001)


def test_peers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one measured longest ago goes; a member that is dropped too."""
    monkeypatch.setattr(vivaldi, "PEERS_MAX", 2)
    keeper = CoordinateKeeper(Random(7))
    for index in (1, 2, 1, 3):
        keeper.observe(_id(index), 0.02, None)
    assert keeper.peer_count == 2
    keeper.drop(_id(2))
    assert keeper.peer_count == 2, "2 went before"
    keeper.drop(_id(1))
    assert keeper.peer_count == 1


def test_two_members_at_one_point_are_pushed_apart() -> None:
    """All begin at the origin; the direction is drawn from the member's own chance, so a seed gives one course."""
    first, second, other = (CoordinateKeeper(Random(seed)) for seed in (8, 8, 9))
    for keeper in (first, second, other):
        assert keeper.observe(PEER, 0.1, Coordinate())
        assert keeper.own.distance_s(Coordinate()) > 0.01
    assert first.own == second.own != other.own


def test_gravity_pulls_towards_the_origin() -> None:
    """Where springs are at rest, a member that stands far out comes nearer to the origin, by little."""
    keeper = CoordinateKeeper(Random(10))
    out = Coordinate((9.0,) + (0.0,) * 7, error=0.01)
    for _ in range(200):
        keeper.observe(PEER, 0.1, out)
    settled = math.hypot(*keeper.own.vec)
    companion = Coordinate((9.0,) + (0.0,) * 7, error=ERROR_MAX)
    for _ in range(5):
        keeper.observe(PEER, keeper.own.distance_s(companion), companion)
    assert settled - 0.1 < math.hypot(*keeper.own.vec) < settled


@given(st.lists(st.tuples(st.integers(0, 5), any_floats, st.none() | any_coordinates), max_size=60), st.integers())
def test_own_coordinate_stays_sound(said: list[tuple[int, float, Coordinate | None]], seed: int) -> None:
    """Whatever is measured and said, the own coordinate is one that others take."""
    keeper = CoordinateKeeper(Random(seed))
    for peer, rtt_s, theirs in said:
        before = keeper.own
        moved = keeper.observe(_id(peer), rtt_s, theirs)
        assert moved == (keeper.own != before)
        assert Coordinate.decode(keeper.own.encode()) == keeper.own
        assert keeper.own.height >= HEIGHT_MIN_S
        assert math.isfinite(keeper.own.shift_s(before))
        assert keeper.peer_count <= 6


@given(coordinates)
def test_coordinate_decodes_to_itself(coordinate: Coordinate) -> None:
    """Bytes and back."""
    raw = coordinate.encode()
    assert len(raw) == COORDINATE_SIZE
    assert Coordinate.decode(raw) == coordinate


def test_coordinate_bytes_are_an_array_of_doubles() -> None:
    """The vector, error, adjustment, height, in network order."""
    coordinate = Coordinate(tuple(float(index) for index in range(8)), 0.5, -0.25, 0.125)
    fields = (*map(float, range(8)), 0.5, -0.25, 0.125)
    assert coordinate.encode() == b"\x9b" + b"".join(b"\xcb" + struct.pack(">d", field) for field in fields)


@given(st.binary(max_size=120) | st.binary(min_size=COORDINATE_SIZE, max_size=COORDINATE_SIZE))
def test_coordinate_decode_raises_malformed_alone(raw: bytes) -> None:
    """Any bytes are a sound coordinate or MalformedMessage."""
    _check_decode(raw)


@given(coordinates, st.integers(0, COORDINATE_SIZE - 1), st.integers(0, 255))
def test_coordinate_with_one_byte_changed(coordinate: Coordinate, position: int, byte: int) -> None:
    """One other byte makes another sound coordinate or MalformedMessage."""
    raw = bytearray(coordinate.encode())
    raw[position] = byte
    _check_decode(bytes(raw))


def _check_decode(raw: bytes) -> None:
    try:
        coordinate = Coordinate.decode(raw)
    except MalformedMessage:
        return
    assert coordinate.is_sound
    assert coordinate.encode() == raw


def test_coordinate_in_other_words_is_refused() -> None:
    """The same numbers in a wider head and a narrower float are as long, and not the same bytes."""
    raw = Coordinate((0.5,) * 8).encode()
    other = b"\xdd\x00\x00\x00\x0b" + b"\xca" + struct.pack(">f", 0.5) + raw[10:]
    assert len(other) == COORDINATE_SIZE
    with pytest.raises(MalformedMessage):
        Coordinate.decode(other)


@given(coordinates, coordinates)
def test_distance_is_symmetric(here: Coordinate, there: Coordinate) -> None:
    """Never below 0, and the same from both sides, to the last bit."""
    assert here.distance_s(there) == there.distance_s(here) >= 0.0
    assert here.shift_s(there) == there.shift_s(here) >= 0.0
    assert here.shift_s(here) == 0.0


@given(coordinates, coordinates, coordinates)
def test_shift_bounds_what_distances_change(before: Coordinate, after: Coordinate, other: Coordinate) -> None:
    """No distance to anybody changes by more than the shift, as long as adjustments do not turn it below 0."""
    plain = (Coordinate(one.vec, one.error, abs(one.adjustment), one.height) for one in (before, after, other))
    before, after, other = plain
    assert abs(before.distance_s(other) - after.distance_s(other)) <= before.shift_s(after) + 1e-9
