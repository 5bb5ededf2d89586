"""What the disk keeps of words about who is out, and of a node's own record, where two things meet."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

import node.open
import node.peer_keeper
from node import Config, open_node
from node.node import Node
from node.store import Store
from protocol.error import InvalidRequest
from protocol.ulid import MemberId

pytestmark = pytest.mark.end_to_end

SOMEBODY = MemberId(bytes(range(16)))
DONE_WITHIN_S = 15.0
DAY_S = 86_400
SPREAD_WITHIN_S = 3.0


def config(directory: Path) -> Config:
    """Make the configuration of a node that is alone."""
    return Config.local(name="a", bind="127.0.0.1:0", data_dir=directory / "a")


async def test_old_word_that_is_given_again_does_not_replace_the_newer_one_on_disk(tmp_path: Path) -> None:
    """Put out, taken in, put out: whoever kept the second word must not undo the third at the next start."""
    async with open_node(config(tmp_path)) as me:
        await me.peers.revoke(SOMEBODY, revoked=True)
        taken_in = await me.peers.revoke(SOMEBODY, revoked=False)
        out_again = await me.peers.revoke(SOMEBODY, revoked=True)
        assert await me.peers.take_statement(taken_in.raw) == out_again
    async with open_node(config(tmp_path)) as me:
        assert me.membership.revocations.bars(SOMEBODY)


async def test_start_with_a_clock_that_is_behind_forgets_nobody_who_is_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without a battery begins in the past: what this node itself has signed and stored still counts."""
    async with open_node(config(tmp_path)) as me:
        await me.peers.revoke(SOMEBODY, revoked=True)
    monkeypatch.setattr(node.open, "_unix_ms", lambda: int((time.time() - 30 * DAY_S) * 1000))
    async with open_node(config(tmp_path)) as me:
        assert me.membership.revocations.bars(SOMEBODY)


async def test_word_of_a_node_whose_clock_is_ahead_is_refused_or_heeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 {"deleted": true} promises the whole cluster: a word that all others drop for its date must not be given."""
    ahead_ms = 2 * DAY_S * 1000
    first, unix_ms = config(tmp_path), node.open._unix_ms
    monkeypatch.setattr(node.open, "_unix_ms", lambda: unix_ms() + ahead_ms)
    ahead = SimpleNamespace(time_ns=lambda: time.time_ns() + ahead_ms * 1_000_000)
    monkeypatch.setattr(node.peer_keeper, "time", ahead)
    async with open_node(first) as me:
        monkeypatch.setattr(node.open, "_unix_ms", unix_ms)
        second = first.replace(name="b", data_dir=tmp_path / "b", key_file=first.data_dir / "cluster.key")
        async with open_node(second) as other:
            assert (await other.join([str(me.address)]))[0].joined
            try:
                await me.peers.revoke(SOMEBODY, revoked=True)
            except InvalidRequest:
                return
            with trio.move_on_after(SPREAD_WITHIN_S):
                while not other.membership.revocations.bars(SOMEBODY):
                    await trio.sleep(0.05)
            assert other.membership.revocations.bars(SOMEBODY)


async def test_name_and_tags_that_fit_one_by_one_do_not_keep_the_node_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are checked against the record as it is, while the other is on its way to the disk."""
    saves = (Store.save_tag_changes, Store.save_own_display_name)

    async def save_tags_slowly(store: Store, changes: dict[str, str | None]) -> None:
        await trio.sleep(0.1)
        await saves[0](store, changes)

    async def save_name_slowly(store: Store, name: str) -> None:
        await trio.sleep(0.1)
        await saves[1](store, name)

    monkeypatch.setattr(Store, "save_tag_changes", save_tags_slowly)
    monkeypatch.setattr(Store, "save_own_display_name", save_name_slowly)
    refused: list[InvalidRequest] = []

    async with open_node(config(tmp_path)) as me:
        tags: dict[str, str] = {}
        while _fits(me, {**tags, f"t{len(tags):02}": "x" * 20}):
            tags[f"t{len(tags):02}"] = "x" * 20

        async def rename() -> None:
            try:
                await me.peers.rename(me.local.id, "n" * 120)
            except InvalidRequest as wrong:
                refused.append(wrong)

        async def tag() -> None:
            try:
                await me.set_tags(tags)
            except InvalidRequest as wrong:
                refused.append(wrong)

        with trio.fail_after(DONE_WITHIN_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(rename)
                nursery.start_soon(tag)
        assert len(refused) == 1  # one of them does not fit beside the other
    async with open_node(config(tmp_path)) as me:
        assert me.local.record.name == "a"


def _fits(me: Node, tags: dict[str, str]) -> bool:
    try:
        me.engine.check_tags(tags, ())
    except InvalidRequest:
        return False
    return True
