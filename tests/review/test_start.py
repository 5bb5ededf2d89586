"""The first moment of a node."""

from pathlib import Path

import pytest
import trio

from node import Config, open_node

pytestmark = pytest.mark.end_to_end


async def test_node_can_dial_from_the_first_moment(tmp_path: Path) -> None:
    """A join made before any task had its turn said that too many streams were being dialled, now and then."""
    async with open_node(Config.local(name="a", bind="127.0.0.1:0", data_dir=tmp_path / "a")) as node:
        assert node.streams._nursery is not None
        with trio.fail_after(10.0):
            (attempt,) = await node.join(["127.0.0.1:1"])
        assert "refused" in attempt.reason
