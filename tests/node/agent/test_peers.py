"""What the façade sees of peers: words that are too old, and a list that is another once something on it is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.peer_view import PeersView
from node.agent.peers import AgentPeers
from node.config import Config
from node.node import Node
from node.open import bring_up
from protocol.error import InvalidRequest
from protocol.ulid import MemberId, format_ulid

SOMEBODY = MemberId(b"\1\x8b" + b"\5" * 14)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that is alone."""
    async with bring_up(Config.local(name="n1", data_dir=tmp_path, bind="127.0.0.1:0")) as node:
        yield node


async def test_word_that_is_older_than_what_is_held_is_refused(node: Node) -> None:
    """It says so, and changes nothing; the one that is held may be given again."""
    peers = AgentPeers(node)
    older = await node.peers.revoke(SOMEBODY, revoked=False)
    held = await node.peers.revoke(SOMEBODY, revoked=True)
    with pytest.raises(InvalidRequest, match=f"older than what is held about {format_ulid(SOMEBODY)}"):
        await peers.take_statement(older.raw)
    assert (await peers.take_statement(held.raw)).version == held.version
    assert node._state.store.load_revocations() == [held.raw]


async def test_version_of_the_list_changes_with_names(node: Node) -> None:
    """With this node's own name as with its notes; asking changes nothing."""
    peers: PeersView = AgentPeers(node)
    seen = [peers.version]
    for id, name in ((node.local.id, "Own"), (SOMEBODY, "Note"), (SOMEBODY, "")):
        await node.peers.rename(id, name)
        peers.list()
        assert peers.version == peers.version
        seen.append(peers.version)
    assert len(set(seen)) == 4
