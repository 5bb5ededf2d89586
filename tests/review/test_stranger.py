"""What one without the cluster's key can keep a node from."""

from pathlib import Path

import pytest
import trio

from node import Config, open_node
from node.stream_server import ACCEPTED_MAX
from protocol.wire.message import Claim, Packet
from tests.protocol.wire.sample import author

pytestmark = pytest.mark.end_to_end

DONE_WITHIN_S = 15.0


async def test_stranger_who_holds_every_stream_open_keeps_nobody_out(tmp_path: Path) -> None:
    """Silent connections give their places to whoever comes next; a member proves itself before its turn comes."""
    first = Config.local(name="a", bind="127.0.0.1:0", data_dir=tmp_path / "a")
    async with open_node(first) as a, trio.open_nursery() as nursery:
        host, port = a.address

        async def hold() -> None:
            stream = await trio.open_tcp_stream(host, port)
            async with stream:
                await stream.receive_some()
                await trio.sleep_forever()

        for _ in range(ACCEPTED_MAX + 8):
            nursery.start_soon(hold)
        with trio.fail_after(DONE_WITHIN_S):
            while a.streams.handshakes["displaced"] < 8:  # no event tells of a stranger
                await trio.sleep(0.01)
        second = Config.local(
            name="b", bind="127.0.0.1:0", data_dir=tmp_path / "b", key_file=tmp_path / "a" / "cluster.key"
        )
        async with open_node(second) as b:
            with trio.fail_after(DONE_WITHIN_S):
                (attempt,) = await b.join([str(a.address)])
            assert attempt.peer == a.local.id
        nursery.cancel_scope.cancel()


async def test_node_that_is_cut_off_does_not_exit_because_strangers_refuse_it(tmp_path: Path) -> None:
    """Its only other member failed, and another cluster answers at the seed's address: it waits for the first."""
    async with open_node(Config.local(name="a", bind="127.0.0.1:0", data_dir=tmp_path / "a")) as node:
        assert not node._knows_members()
        record = author(2).record()
        node.driver.perform(node.engine.handle_packet(node.driver.now, record.id, Packet((), (Claim(record),))))
        member = node.membership.get(record.id)
        assert member is not None
        node.membership.mark_failed(node.driver.now, member)
        assert node.membership.live_count == 1
        assert node._knows_members()
