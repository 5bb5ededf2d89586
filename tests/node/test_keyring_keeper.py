"""Rotating the keys: who has shown which, what is refused until when, and what is on disk before an answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from node.config import Config
from node.keyring_keeper import ASK_PAUSE_S, KeyringKeeper, parse_key_id
from node.state import KEY_FILE_NAME, State, open_state
from protocol.error import InvalidRequest
from protocol.security.key_file import parse_key_file
from tests.node.parts import Parts


class Kept:
    """A node's keeper with its state on disk, and a second member that shows what a test lets it show."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.a = Parts("a", 1)
        self.b = Parts("b", 2, self.a.keyring)
        self.a.meet(self.b)
        self.b.meet(self.a)
        self.keeper = KeyringKeeper(self.a.driver, state)
        self.a.datagrams.sent.clear()

    def exchange(self) -> None:
        """Let both hear what the other has sent, until neither has more to say."""
        for _ in range(10):
            if not self.a.deliver(self.b) + self.b.deliver(self.a):
                return


@pytest.fixture
async def kept(tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Kept]:
    """Give a keeper whose state is written behind its back."""
    state = await open_state(Config.local(name="a", data_dir=tmp_path))
    nursery.start_soon(state.run)
    yield Kept(state)
    nursery.cancel_scope.cancel()
    with trio.CancelScope(shield=True):
        await state.aclose()


async def test_added_key_is_on_disk_and_told(kept: Kept, tmp_path: Path) -> None:
    """Add answers when key file and database hold the key; the old one stays in use."""
    old = kept.keeper.keyring.primary
    added = await kept.keeper.add()
    assert added in parse_key_file((tmp_path / KEY_FILE_NAME).read_text()).key_ids
    assert kept.keeper.keyring.primary == old
    assert kept.keeper.keyring.newest_key_id == added


async def test_key_is_refused_until_every_live_member_has_shown_it(kept: Kept) -> None:
    """Use names who has not shown the key, and asks it; once it has shown it, use is taken."""
    added = await kept.keeper.add(bytes(range(32)))
    with pytest.raises(InvalidRequest, match=r"1 of 2 live members have not shown .* \(b\)"):
        await kept.keeper.use(added)
    assert kept.a.datagrams.sent, "it was asked"
    kept.b.keyring.merge(kept.a.keyring)
    kept.exchange()
    assert kept.keeper.not_shown_by(added) == []
    await kept.keeper.use(added)
    assert kept.keeper.keyring.primary == added


async def test_force_uses_a_key_that_was_not_shown(kept: Kept) -> None:
    """An operator who knows better goes on."""
    added = await kept.keeper.add()
    await kept.keeper.use(added, force=True)
    assert kept.keeper.keyring.primary == added


async def test_key_that_is_not_held_is_refused(kept: Kept) -> None:
    """A mistyped id changes nothing."""
    with pytest.raises(InvalidRequest, match="no key deadbeef is held"):
        await kept.keeper.use(bytes.fromhex("deadbeef"))
    with pytest.raises(InvalidRequest):
        await kept.keeper.retire(bytes.fromhex("deadbeef"))


async def test_key_in_use_is_not_retired(kept: Kept, tmp_path: Path) -> None:
    """The key that all seal with stays; another goes, from the disk too."""
    first = kept.keeper.keyring.primary
    added = await kept.keeper.add()
    with pytest.raises(InvalidRequest):
        await kept.keeper.retire(first)
    await kept.keeper.use(added, force=True)
    await kept.keeper.retire(first)
    assert kept.keeper.keyring.key_ids == (added,)
    assert parse_key_file((tmp_path / KEY_FILE_NAME).read_text()).key_ids == (added,)


async def test_shown_key_stands_for_the_older_ones(kept: Kept) -> None:
    """Who shows the newest key holds those that were added before it."""
    first = kept.keeper.keyring.primary
    second = await kept.keeper.add()
    third = await kept.keeper.add()
    kept.b.keyring.merge(kept.a.keyring)
    kept.keeper.ask([kept.b.identity.id])
    kept.exchange()
    for key_id in (first, second, third):
        assert len(kept.keeper.shown_by(key_id)) == 2


async def test_missing_members_are_asked_until_they_have_shown_it(
    kept: Kept, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """After an add the keeper asks on its own, and stops once all have shown the key."""
    nursery.start_soon(kept.keeper.run)
    added = await kept.keeper.add()
    await trio.sleep(3 * ASK_PAUSE_S)
    assert kept.a.datagrams.sent
    kept.b.keyring.merge(kept.a.keyring)
    kept.exchange()
    assert kept.keeper.not_shown_by(added) == []
    await trio.sleep(2 * ASK_PAUSE_S)
    kept.a.datagrams.sent.clear()
    await trio.sleep(20 * ASK_PAUSE_S)
    assert kept.a.datagrams.sent == []


@pytest.mark.parametrize("text", ["", "0011223", "001122334", "0011223x", "00112233 4"])
def test_what_is_no_key_id_is_refused(text: str) -> None:
    """Eight hex letters, and nothing else."""
    with pytest.raises(InvalidRequest, match="is no key id"):
        parse_key_id(text)
    assert parse_key_id("0011aaFF") == bytes.fromhex("0011aaff")
