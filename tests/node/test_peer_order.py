"""Eight requests about one peer at once are answered as if they had come one after the other, whatever they are."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from random import Random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from node.config import Config
from node.node import Node
from node.open import bring_up
from tests.node.parts import Parts
from tests.node.peer_order import Done, Kind, Place, StagedPeer, World, answers, is_explained

AT_ONCE = 8
SAMPLES = int(os.environ.get("SHOAL_PEER_ORDERS", "150"))
"""Mixtures of all kinds tried per beginning; six thousand take some ten minutes."""
PLAIN = (Kind.POST, Kind.PUT, Kind.DELETE)
PACES = (1, 4, 16)
"""How far the steps of handshakes and of the disk lie apart."""
BEGINNINGS = (World(Place.MEMBER), World(Place.MEMBER, "old note"), World(Place.OUT), World(Place.AWAY))


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that is alone."""
    async with bring_up(Config.local(name="a", data_dir=tmp_path, bind="127.0.0.1:0")) as node:
        yield node


def mixtures(seed: int) -> Iterator[list[Kind]]:
    """Compose eight requests: all mixtures of POST, PUT and DELETE, then samples of all kinds."""
    rng = Random(seed)
    for plain in combinations_with_replacement(PLAIN, AT_ONCE):
        yield rng.sample(plain, AT_ONCE)
    for _ in range(SAMPLES):
        yield rng.choices(list(Kind), k=AT_ONCE)


@pytest.mark.parametrize("begin", BEGINNINGS, ids=lambda world: f"{world.place.value} {world.note}".strip())
async def test_requests_about_one_peer_are_answered_as_in_some_order(
    node: Node, begin: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each status, the place of the peer in the end, and the note about it in memory and on the disk."""
    rng = Random(1)
    record = Parts("b", 1, node.driver.keyring).engine.local.record
    peer = StagedPeer(node, record, rng, monkeypatch)
    for number, kinds in enumerate(mixtures(2)):
        peer.pace = PACES[number % len(PACES)]
        with trio.fail_after(30):
            history, end = await peer.run(begin, kinds)
        assert is_explained(begin, history, end), (
            f"mixture {number}: no order gives {[str(done) for done in history]} and {end} from {begin}"
        )
    assert len(node.peers.arrivals) == 0
    assert len(node.peers.inviter._turns) == 0


# --- the model itself -------------------------------------------------------------------------------


@given(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(list(Kind)), max_size=AT_ONCE))
def test_model_explains_what_came_one_by_one(begin: World, kinds: Sequence[Kind]) -> None:
    """A history in order is explained by that order, and by no other end."""
    world, history = begin, []
    for number, kind in enumerate(kinds):
        status, world = answers(world, kind, f"note {number}")[0]
        history.append(Done(kind, f"note {number}", 2 * number, 2 * number + 1, status))
    assert is_explained(begin, history, world)
    assert not is_explained(begin, history, World(world.place, "another note"))


@pytest.mark.parametrize(
    ("begin", "said", "end"),
    [
        (Place.OUT, ((Kind.POST, 201), (Kind.POST, 422)), Place.MEMBER),
        (Place.OUT, ((Kind.POST, 201), (Kind.POST, 201)), Place.MEMBER),
        (Place.MEMBER, ((Kind.DELETE, 200), (Kind.DELETE, 200)), Place.OUT),
        (Place.MEMBER, ((Kind.DELETE, 200), (Kind.POST, 409)), Place.MEMBER),
        (Place.OUT, ((Kind.DELETE, 200), (Kind.POST, 422)), Place.OUT),
        (Place.OUT, ((Kind.PUT, 200),), Place.OUT),
    ],
)
def test_model_rejects_what_no_order_gives(begin: Place, said: Sequence[tuple[Kind, int]], end: Place) -> None:
    """Though all of it overlapped."""
    history = [Done(kind, "", number, 100, status) for number, (kind, status) in enumerate(said)]
    assert not is_explained(World(begin), history, World(end))
