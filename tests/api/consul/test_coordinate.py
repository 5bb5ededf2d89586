"""The coordinate routes: the nodes' places, from which `consul rtt` estimates round trips."""

import pytest

from tests.api.asker import ask_app, ask_consul, make_consul_app
from tests.api.fake_catalog import FIRST_INDEX, place
from tests.api.fake_view import FakeView

N1 = {"Vec": [0.0] * 8, "Error": 1.5, "Adjustment": 0.0, "Height": 0.0}
N2 = {"Vec": [0.5] + [0.0] * 7, "Error": 1.5, "Adjustment": 0.001, "Height": 0.002}


def _placed() -> FakeView:
    """Return four nodes: n3 has no place, n4 is in dc2."""
    view = FakeView(4)
    view.change_member(4, datacenter="dc2")
    view.catalog.coordinates |= {"n2": place(0.5, 0.002, 0.001), "n4": place(0.0)}
    return view


async def test_nodes_with_their_places() -> None:
    """Those that have one, by name, in the one segment that there is; of another data centre if it is named."""
    answer = await ask_consul(_placed(), "GET", "/v1/coordinate/nodes")
    assert answer.json == [
        {"Node": "n1", "Segment": "", "Coord": N1},
        {"Node": "n2", "Segment": "", "Coord": N2},
    ]
    assert int(answer.headers["x-consul-index"]) >= FIRST_INDEX
    elsewhere = (await ask_consul(_placed(), "GET", "/v1/coordinate/nodes?dc=dc2")).json
    assert [one["Node"] for one in elsewhere] == ["n4"]


async def test_one_node_with_its_place() -> None:
    """A list of one."""
    answer = await ask_consul(_placed(), "GET", "/v1/coordinate/node/n2")
    assert answer.json == [{"Node": "n2", "Segment": "", "Coord": N2}]


@pytest.mark.parametrize("path", ["nobody", "n3", "n4", "", "n2?segment=x", "n2?dc=dc2"])
async def test_node_without_a_place(path: str) -> None:
    """Unknown, never measured, elsewhere, or in a segment that there is not: 404 without a word, with an index."""
    answer = await ask_consul(_placed(), "GET", f"/v1/coordinate/node/{path}")
    assert (answer.status, answer.body) == (404, b"")
    assert int(answer.headers["x-consul-index"]) > 0


@pytest.mark.parametrize(
    ("query", "count"),
    [
        *(("segment=", 2), ("segment=x", 0), ("near=n2", 2), ("near=nobody", 2)),
        *(("filter=((", 2), ("node-meta=rack:r9", 2), ("stale", 2), ("pretty", 2)),
    ],
)
async def test_parameters_of_nodes(query: str, count: int) -> None:
    """The segment counts; what chooses and sorts elsewhere is let pass, as in a Consul."""
    answer = await ask_consul(_placed(), "GET", f"/v1/coordinate/nodes?{query}")
    assert (answer.status, [one["Node"] for one in answer.json]) == (200, ["n1", "n2"][:count])


@pytest.mark.parametrize("path", ["nodes", "node/n2"])
@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("dc=dc9", 500, "No path to datacenter"),
        ("index=x", 400, "Invalid index"),
        ("wait=x", 400, "Invalid wait time"),
        ("stale&consistent", 400, "Cannot specify ?stale with ?consistent, conflicting semantics."),
    ],
)
async def test_bad_options(path: str, query: str, status: int, sentence: str) -> None:
    """They are refused as on every list."""
    answer = await ask_consul(_placed(), "GET", f"/v1/coordinate/{path}?{query}")
    assert (answer.status, answer.text) == (status, sentence)


async def test_data_centres() -> None:
    """Each with the places of its nodes, this node's own first; whatever is asked for besides."""
    for query in ("", "?dc=dc9", "?stale&consistent"):
        answer = await ask_consul(_placed(), "GET", f"/v1/coordinate/datacenters{query}")
        assert [(one["Datacenter"], one["AreaID"]) for one in answer.json] == [("dc1", "wan"), ("dc2", "wan")]
        assert [[place["Node"] for place in one["Coordinates"]] for one in answer.json] == [["n1", "n2"], ["n4"]]


async def test_nobody_measures() -> None:
    """Where coordinates are off nobody has a place."""
    view = FakeView()
    view.catalog.coordinates.clear()
    assert (await ask_consul(view, "GET", "/v1/coordinate/nodes")).json == []
    answer = (await ask_consul(view, "GET", "/v1/coordinate/datacenters")).json
    assert answer == [{"Datacenter": "dc1", "AreaID": "wan", "Coordinates": []}]


async def test_places_are_never_stale() -> None:
    """A place moves without a new index, and is shown as it is."""
    view = _placed()
    app = make_consul_app(view)
    first = await ask_app(app, "GET", "/v1/coordinate/node/n1")
    view.catalog.coordinates["n1"] = place(0.25)
    assert (await ask_app(app, "GET", "/v1/coordinate/node/n1")).json != first.json


@pytest.mark.parametrize("path", ["datacenters", "nodes", "node/n1"])
async def test_places_are_not_written(path: str) -> None:
    """405, with the one method that there is."""
    answer = await ask_consul(_placed(), "PUT", f"/v1/coordinate/{path}")
    assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS,GET")
