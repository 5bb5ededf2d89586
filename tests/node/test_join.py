"""Joining through many addresses: how many at once, what each comes to, and what it does to the seeds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from node.config import Config
from node.node import JOINS_AT_ONCE_MAX, Node
from node.open import bring_up
from node.seeds import Attempt
from protocol.address import Address
from protocol.ulid import MemberId


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that is alone."""
    async with bring_up(Config.local(name="n1", data_dir=tmp_path, bind="127.0.0.1:0")) as node:
        yield node


async def test_join_tries_some_addresses_at_a_time(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in its turn; those whose turn did not come are told apart from those that did not answer."""
    tried: list[Address] = []

    async def join_address(address: Address) -> Attempt:
        tried.append(address)
        if address.port > 2:
            await trio.sleep_forever()
        return Attempt(peer=MemberId(bytes(16)))

    monkeypatch.setattr(node, "_join_address", join_address)
    attempts = await node.join([f"127.0.0.1:{port}" for port in range(1, 65)], timeout_s=0.3)
    assert sorted(address.port for address in tried) == list(range(1, JOINS_AT_ONCE_MAX + 3))
    assert [attempt.joined for attempt in attempts] == [True, True] + [False] * 62
    assert attempts[2].reason == "127.0.0.1:3 did not answer within 0.3 s"
    assert attempts[63].reason == "127.0.0.1:64 was not tried within 0.3 s"


async def test_join_that_resolves_nothing_leaves_the_seeds_at_rest(node: Node) -> None:
    """A node that left stays out until a join comes as far as an address."""
    await node.leave(stay=True)
    await node.join(["nobody.invalid:1"])
    assert (node.is_leaving, node.seeds.resting) == (True, True)
    await node.join(["127.0.0.1:1"])
    assert (node.is_leaving, node.seeds.resting) == (False, False)
