"""What a node holds on disk: made at the first start, queued and flushed, kept through refused writes."""

import logging
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from node.config import Config
from node.new_key_file import write_key_file
from node.state import KEY_FILE_NAME, State, open_state
from node.store import Store
from node.store_error import StoreError
from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.security.key_file import parse_key_file
from protocol.swim.effect import Contact, ForgetContact, PersistContact, PersistPresence, PersistReserve
from protocol.swim.local import RESERVE_STEP
from protocol.ulid import MemberId


def _contact(number: int, incarnation: int = 1) -> Contact:
    return Contact(MemberId(bytes(15) + bytes((number,))), bytes(32), f"n{number}", Address("10.0.0.1", 7), incarnation)


async def _opened(directory: Path, **settings: object) -> State:
    return await open_state(Config.local(name="n1", data_dir=directory, **settings))


async def test_first_start_makes_what_is_not_there(tmp_path: Path) -> None:
    """Identity, token, keyring and key file are made once; the second start finds the same."""
    state = await _opened(tmp_path / "d")
    made = (state.identity.id, state.tokens.list(), state.keyring.cluster_id)
    assert (state.reserve, state.left, list(state.contacts), state.seeds) == (0, False, [], [])
    written = parse_key_file((tmp_path / "d" / KEY_FILE_NAME).read_text())
    assert written.cluster_id == state.keyring.cluster_id
    await state.aclose()
    again = await _opened(tmp_path / "d")
    assert (again.identity.id, again.tokens.list(), again.keyring.cluster_id) == made
    await again.aclose()


async def test_what_was_flushed_is_there_after_a_kill(tmp_path: Path, nursery: trio.Nursery) -> None:
    """What flush returned from is found by the next start; the newer word about a thing replaced the older."""
    state = await _opened(tmp_path / "d")
    nursery.start_soon(state.run)
    await state.reserve_incarnation(5)
    state.put(PersistPresence(True))
    state.put(PersistPresence(False))
    state.put(PersistReserve(9_000_000))
    for contact in (_contact(1), _contact(2), _contact(1, incarnation=5)):
        state.put(PersistContact(contact))
    state.put(ForgetContact(_contact(2).id))
    await state.save_seeds(["a:1", "b:2"])
    await state.flush()
    nursery.cancel_scope.cancel()
    state.store.close()
    with Store.open(tmp_path / "d") as store:
        assert store.load_own().reserve == 9_000_000
        assert store.load_own().left is False
        assert [contact.incarnation for contact in store.load_contacts()] == [5]
        assert store.load_seeds() == ["a:1", "b:2"]


async def test_reserve_lies_a_step_ahead(tmp_path: Path) -> None:
    """A start reserves what it may use before anything is sent."""
    state = await _opened(tmp_path / "d")
    await state.reserve_incarnation(1_000)
    await state.aclose()
    again = await _opened(tmp_path / "d")
    assert again.reserve == 1_000 + RESERVE_STEP
    await again.aclose()


async def test_close_writes_what_is_queued(tmp_path: Path) -> None:
    """A stop without a flush loses nothing that was queued."""
    state = await _opened(tmp_path / "d")
    state.put(PersistPresence(True))
    await state.aclose()
    again = await _opened(tmp_path / "d")
    assert again.left is True
    await again.aclose()


async def test_refused_write_is_said_once_and_made_later(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk fails who waits for it, is said once, tried again, and nothing queued is lost."""
    state = await _opened(tmp_path / "d")
    real = state.store.save_contacts
    refusals = 0

    async def refuse(*arguments: object) -> None:
        nonlocal refusals
        refusals += 1
        raise StoreError("the disk is full")

    state.store.save_contacts = refuse  # type: ignore[method-assign, assignment]
    nursery.start_soon(state.run)
    state.put(PersistContact(_contact(1)))
    with pytest.raises(StoreError, match="the disk is full"):
        await state.flush()
    await trio.sleep(60)
    assert refusals > 5
    with caplog.at_level(logging.INFO):
        state.put(PersistContact(_contact(2)))
        state.store.save_contacts = real  # type: ignore[method-assign]
        while state.failure:
            await trio.sleep(1)
    assert "state is stored again" in caplog.text
    assert caplog.text.count("state cannot be stored") <= 1
    nursery.cancel_scope.cancel()
    assert {contact.name for contact in state.store.load_contacts()} == {"n1", "n2"}
    with trio.CancelScope(shield=True):
        await state.aclose()


async def test_key_file_brings_its_keys_and_cluster(tmp_path: Path) -> None:
    """A given key file is taken at the first start, merged at later ones, and another cluster's is refused."""
    key_file, other = tmp_path / "cluster.key", tmp_path / "other.key"
    write_key_file(key_file)
    write_key_file(other)
    state = await _opened(tmp_path / "d", key_file=key_file)
    assert state.keyring.cluster_id == parse_key_file(key_file.read_text()).cluster_id
    added = state.keyring.add(bytes(range(32)), 1_900_000_000_000)
    state.put_keyring(state.keyring)
    await state.aclose()

    again = await _opened(tmp_path / "d", key_file=key_file)
    assert added in again.keyring.key_ids, "the older file takes nothing away"
    assert added in parse_key_file((tmp_path / "d" / KEY_FILE_NAME).read_text()).key_ids
    await again.aclose()
    with pytest.raises(InvalidRequest, match="belongs to cluster"):
        await _opened(tmp_path / "d", key_file=other)
    once_more = await _opened(tmp_path / "d")
    await once_more.aclose()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"x" * 100_000, b"shoal-key-file: 1\ncheck: 00\n"])
async def test_bad_key_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    """What is no key file is named, and the data directory can be used afterwards."""
    bad = tmp_path / "bad.key"
    bad.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"bad\.key"):
        await _opened(tmp_path / "d", key_file=bad)
    state = await _opened(tmp_path / "d")
    await state.aclose()


async def test_second_opening_is_refused(tmp_path: Path) -> None:
    """One data directory serves one node at a time."""
    state = await _opened(tmp_path / "d")
    with pytest.raises(StoreError, match="in use"):
        await _opened(tmp_path / "d")
    await state.aclose()
