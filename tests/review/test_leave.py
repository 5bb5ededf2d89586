"""A leave that meets a second one, a join, or the quiet retries of a seed that is down."""

from pathlib import Path

import pytest
import trio
import trio.testing

from node import Config, open_node
from node.seeds import Attempt, SeedKeeper
from node.state import open_state
from node.store import Store
from protocol.address import Address
from protocol.swim.effect import LeaveEnded
from tests.protocol.swim.bench import ME, PEER, advance, only, started

pytestmark = pytest.mark.end_to_end

DONE_WITHIN_S = 15.0
NOBODY = Address("127.0.0.1", 1)


def config(directory: Path, name: str = "a") -> Config:
    """Make the configuration of a node that is alone."""
    return Config.local(name=name, bind="127.0.0.1:0", data_dir=directory / name)


async def test_leave_asked_twice_at_once_ends_for_both(tmp_path: Path) -> None:
    """A Ctrl-C while `shoal leave` is under way: neither waits for ever."""
    first, second = config(tmp_path, "a"), config(tmp_path, "b")
    async with open_node(first) as a:
        key_file = first.data_dir / "cluster.key"
        async with open_node(second.replace(key_file=key_file)) as b:
            (attempt,) = await b.join([str(a.address)])
            assert attempt.joined
            with trio.fail_after(DONE_WITHIN_S):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(b.leave)
                    nursery.start_soon(b.leave)
            assert b.is_leaving


def test_leave_that_a_join_undoes_is_over() -> None:
    """Whoever waits for the end of the leave is told."""
    engine = started(ME, None, PEER.record(5))
    assert only(LeaveEnded, engine.leave(1.0)) == []
    _, effects = engine.join(1.1, NOBODY)
    assert len(only(LeaveEnded, effects)) == 1
    assert only(LeaveEnded, advance(engine, 20.0)) == []


async def test_seeds_do_not_bring_back_a_node_that_left(tmp_path: Path) -> None:
    """A seed that is down is not tried on the quiet after `leave --stay`; an explicit join is."""
    async with open_node(config(tmp_path)) as node:
        await node.replace_seeds([str(NOBODY)])
        with trio.fail_after(DONE_WITHIN_S):
            await node.leave(stay=True)
            assert await node.seeds._settle(str(NOBODY))
            assert node.is_leaving
            await node.join([str(NOBODY)])
        assert not node.is_leaving


async def test_seed_that_was_being_tried_when_the_node_left_is_let_go(autojump_clock: trio.testing.MockClock) -> None:
    """The next address of the same name is not dialled either."""
    dialled: list[Address] = []

    async def resolve(_: str) -> list[Address]:
        return [NOBODY, Address("127.0.0.2", 1)]

    async def join(address: Address) -> Attempt:
        dialled.append(address)
        keeper.resting = True
        return Attempt(reason="no answer")

    keeper = SeedKeeper(resolve, join, lambda _: False, lambda: False)
    keeper.replace(["seed"])
    assert await keeper._round()
    assert dialled == [NOBODY]


async def test_join_that_was_answered_outlives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that had left and joined again does not find on its disk that it is out, however slow that is."""
    save = Store.save_left

    async def save_slowly(store: Store, left: bool) -> None:
        await trio.sleep(0.5)
        await save(store, left)

    monkeypatch.setattr(Store, "save_left", save_slowly)
    first, second = config(tmp_path, "a"), config(tmp_path, "b")
    async with open_node(first) as a:
        key_file = first.data_dir / "cluster.key"
        async with open_node(second.replace(key_file=key_file)) as b:
            await b.leave(stay=True)
            assert b._state.store.load_own().left
            with trio.fail_after(DONE_WITHIN_S):
                await b.join([str(a.address)])
            assert not b._state.store.load_own().left


async def test_key_file_is_written_although_the_writer_was_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the database and the key file beside it, the end of the node changes nothing."""
    state = await open_state(config(tmp_path))
    key_file = config(tmp_path).data_dir / "cluster.key"
    key_file.unlink()
    save = Store.save_keyring

    async def save_and_stop(store: Store, blob: bytes) -> None:
        await save(store, blob)
        scope.cancel()
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(Store, "save_keyring", save_and_stop)
    state.put_keyring(state.keyring)
    with trio.CancelScope() as scope:
        await state.write()
    monkeypatch.undo()
    await state.aclose()
    assert key_file.exists()
