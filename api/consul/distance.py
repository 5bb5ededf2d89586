"""How far two nodes are apart, by their coordinates: Serf's `Coordinate.DistanceTo`."""

from collections.abc import Callable
from math import dist, inf

from api.catalog_view import CatalogNode, CatalogView, Coordinate


def distance_s(one: Coordinate, other: Coordinate) -> float:
    """Estimate a round trip in seconds: the vectors' distance and both heights, then adjusted unless that is negative.

    Coordinates of different dimensions have no distance: infinite.
    """
    if len(one[0]) != len(other[0]):
        return inf
    plain = dist(one[0], other[0]) + one[3] + other[3]
    adjusted = plain + (one[2] + other[2])  # in this order it is the same both ways
    return adjusted if adjusted > 0.0 else max(0.0, plain)


def distance_from(catalog: CatalogView, name: str) -> Callable[[CatalogNode], float] | None:
    """Give what measures from a node of this name; None: it is unknown, or nobody knows where it is."""
    source = catalog.node(name)
    if source is None or source.coordinate is None:
        return None
    own_id, place = source.member_id, source.coordinate

    def measure(node: CatalogNode) -> float:
        if node.member_id == own_id:  # its heights count twice, and adjustments may put another below that
            return 0.0
        return inf if node.coordinate is None else distance_s(place, node.coordinate)

    return measure
