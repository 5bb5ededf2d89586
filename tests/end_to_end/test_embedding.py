"""A program that embeds nodes: two of them in one Trio program, over real sockets and real disks."""

from pathlib import Path

import pytest
import trio

from node import Config, open_node
from node.new_key_file import write_key_file
from node.node import Node
from node.seeds import Outcast
from protocol.error import InvalidRequest
from protocol.status import Status

pytestmark = pytest.mark.end_to_end

DONE_WITHIN_S = 15.0
"""Longest wait for anything here: a test that hangs says where."""


def _config(directory: Path, name: str, **settings: object) -> Config:
    """Make the configuration of one node of the directory's cluster."""
    key_file = directory / "cluster.key"
    if not key_file.exists():
        write_key_file(key_file)
    chosen = {"bind": "127.0.0.1:0", "key_file": key_file, "data_dir": directory / name, **settings}
    return Config.local(name=name, **chosen)


async def _until_shown(node: Node, name: str, status: Status) -> None:
    """Follow the changes until a member has a status."""
    with trio.fail_after(DONE_WITHIN_S):
        if any(member.record.name == name and member.status is status for member in node.members()):
            return
        async for batch in node.changes():
            assert not batch.gap
            if any(entry.change.name == name and entry.change.status is status for entry in batch.entries):
                return


async def test_two_nodes_of_one_program_meet_change_and_part(tmp_path: Path) -> None:
    """join, changes, set_tags and leave work as the README shows them, and both blocks end."""
    async with open_node(_config(tmp_path, "a")) as a, open_node(_config(tmp_path, "b")) as b:
        assert (a.local.record.name, [m.record.name for m in a.members()]) == ("a", ["a"])
        with trio.fail_after(DONE_WITHIN_S):
            attempts = await b.join([str(a.address)])
        assert [attempt.peer for attempt in attempts] == [a.local.id]
        await _until_shown(a, "b", Status.ALIVE)
        assert {m.record.name for m in b.members(Status.ALIVE)} == {"a", "b"}

        seen = a.journal.index
        assert await b.set_tags({"role": "web"}) == {"role": "web"}
        with trio.fail_after(DONE_WITHIN_S):
            async for batch in a.changes(seen):
                if any(entry.change.kind.value == "member-update" for entry in batch.entries):
                    break
        shown = next(m for m in a.members() if m.record.name == "b")
        assert dict(shown.record.tags)["role"] == "web"

        with trio.fail_after(DONE_WITHIN_S):
            await b.leave()
        await _until_shown(a, "b", Status.LEFT)
        assert b.ending.is_set()
        assert b.is_leaving


async def test_seeds_of_the_configuration_are_joined(tmp_path: Path) -> None:
    """A node opened with `join` finds its cluster by itself, and with nothing but its data directory again."""
    async with open_node(_config(tmp_path, "a")) as a:
        async with open_node(_config(tmp_path, "b", join=[str(a.address)])) as b:
            await _until_shown(a, "b", Status.ALIVE)
            await _until_shown(b, "a", Status.ALIVE)
        async with open_node(_config(tmp_path, "b")) as b:
            await _until_shown(b, "a", Status.ALIVE)


async def test_outcast_ends_the_block(tmp_path: Path) -> None:
    """A node that every seed refuses for good ends with the reason."""
    async with open_node(_config(tmp_path, "a")) as a:
        (tmp_path / "elsewhere").mkdir()
        config = _config(tmp_path / "elsewhere", "b", join=[str(a.address)])
        with pytest.RaisesGroup(pytest.RaisesExc(Outcast, match="cluster key"), flatten_subgroups=True):
            with trio.fail_after(DONE_WITHIN_S):
                async with open_node(config):
                    await trio.sleep_forever()


async def test_reserved_and_oversize_tags_change_nothing(tmp_path: Path) -> None:
    """A refused change of tags leaves record and incarnation as they were."""
    async with open_node(_config(tmp_path, "a", tags={"role": "db"})) as node:
        before = node.local.record
        for wrong in ({"region": "x"}, {"dc": "x"}, {"k": "v" * 256}, {f"k{n}": "v" * 200 for n in range(5)}):
            with pytest.raises(InvalidRequest):
                await node.set_tags(wrong)
        with pytest.raises(InvalidRequest):
            await node.set_tags({}, ["dc"])
        assert node.local.record == before
        assert node.tags() == {"role": "db"}


async def test_changed_tags_outlive_the_process(tmp_path: Path) -> None:
    """What was set and deleted while a node ran goes before its configuration, in its next life too."""
    config = _config(tmp_path, "a", tags={"role": "db", "rack": "r1"})
    async with open_node(config) as node:
        await node.set_tags({"role": "web", "zone": "z1"}, ["rack"])
    async with open_node(config) as node:
        assert node.tags() == {"role": "web", "zone": "z1"}
        assert dict(node.local.record.tags)["zone"] == "z1"
        await node.configure_tags({"role": "cache", "rack": "r2", "new": "n"})
        assert node.tags() == {"role": "web", "zone": "z1", "new": "n"}


async def test_force_leave_of_nobody_is_told(tmp_path: Path) -> None:
    """A name that no member bears is answered with False."""
    async with open_node(_config(tmp_path, "a")) as node:
        assert await node.force_leave("nobody") is False


async def test_node_that_joins_its_own_address_has_joined(tmp_path: Path) -> None:
    """One's own address among the seeds is no error: all nodes may share one list."""
    async with open_node(_config(tmp_path, "a")) as node:
        (attempt,) = await node.join([str(node.address)])
        assert attempt.joined
        assert [m.record.name for m in node.members()] == ["a"]


async def test_join_of_what_is_no_address_says_so(tmp_path: Path) -> None:
    """Each address is answered in its place, with one sentence for each that failed."""
    async with open_node(_config(tmp_path, "a")) as node:
        bad, own = await node.join(["127.0.0.1:notaport", str(node.address)])
        assert not bad.joined
        assert "notaport" in bad.reason
        assert own.joined
