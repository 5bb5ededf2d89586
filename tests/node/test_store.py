"""What a store keeps, in which order, under which bounds, and beside which disk errors."""

import math
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from node import store as store_module
from node.store import ADDRESSES_MAX, DATABASE_NAME, OwnState, Store, StoredToken
from node.store_error import StoreError
from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.swim.effect import Contact
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open a store in a directory of its own."""
    with Store.open(tmp_path / "data") as opened:
        yield opened


def _id(number: int) -> MemberId:
    return MemberId(number.to_bytes(16, "big"))


def _contact(number: int, incarnation: int = 1) -> Contact:
    address = Address("10.0.0.1" if number % 2 else "fd00::1", 1000 + number)
    return Contact(_id(number), bytes([number % 256]) * 32, f"n{number}", address, incarnation)


def _reopened(store: Store) -> Store:
    store.close()
    return Store.open(store._path.parent)


async def test_store_gives_back_all_it_was_given(store: Store) -> None:
    """Each kind of state is the same after a close and an open."""
    token = StoredToken(b"h" * 32, "ci", ("peers.read", "admin"), 5.0, 9.0)
    await store.save_reserve(2**62)
    await store.save_left(True)
    await store.save_record(b"record")
    await store.save_keyring(b"old")
    await store.save_keyring(b"keyring")
    await store.save_contacts([(_contact(1), 20.0), (_contact(2), 10.0), (_contact(3), 30.0)], [_id(3), _id(9)])
    await store.save_contact(_contact(1, 7), 5.0)
    await store.save_seeds(["b:1", "a:2", "b:1"])
    await store.save_display_name(_id(1), "Fisch \N{FISH}")
    await store.save_display_name(_id(2), "gone")
    await store.save_display_name(_id(2), "")
    await store.save_token(token)
    await store.save_token(StoredToken(b"i" * 32, "", (), 6.0))
    await store.touch_tokens({token.hash: 8.0, b"n" * 32: 9.0})
    await store.delete_token(b"i" * 32)

    with _reopened(store) as again:
        assert again.load_own() == OwnState(2**62, True, b"record")
        assert again.load_keyring() == b"keyring"
        assert again.load_contacts() == [_contact(1, 7), _contact(2)]
        assert again.load_seeds() == ["b:1", "a:2", "b:1"]
        assert again.load_display_names() == {_id(1): "Fisch \N{FISH}"}
        assert again.load_tokens() == [StoredToken(b"h" * 32, "ci", ("peers.read", "admin"), 5.0, 9.0, 8.0)]


def test_store_of_a_first_start_is_empty(store: Store) -> None:
    """Nothing is known, and nothing is an error."""
    assert store.load_own() == OwnState(0, False, None)
    assert store.load_keyring() is None
    assert not any((store.load_contacts(), store.load_seeds(), store.load_revocations(), store.load_tokens()))
    assert store.load_display_names() == {}


def test_store_files_are_the_owners_alone(store: Store) -> None:
    """The directory it makes has mode 0700, every file in it 0600, whatever the umask."""
    directory = store._path.parent
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in directory.iterdir()} == dict.fromkeys(
        ("lock", DATABASE_NAME, DATABASE_NAME + "-wal", DATABASE_NAME + "-shm"), 0o600
    )


async def test_store_writes_off_the_trio_thread_and_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves that wait while one is written share one transaction, in the order of the calls."""
    trio_thread = threading.get_ident()
    written: list[int] = []
    commit = store._commit

    def counted(batch: Any) -> None:
        assert threading.get_ident() != trio_thread
        written.append(len(batch.statements))
        commit(batch)

    monkeypatch.setattr(store, "_commit", counted)
    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(store.save_contact, _contact(number), float(number))
    assert sum(written) == 50
    assert len(written) <= 2
    assert store.load_contacts() == [_contact(number) for number in range(50)]


async def test_store_keeps_the_newest_word_about_an_id(store: Store) -> None:
    """In whatever order they are written; of two of one version the later."""
    words = {
        version: Revocation(raw=raw, issuer=_id(1), issuer_key=b"k" * 32, subject=_id(2), version=version, revoked=True)
        for version, raw in ((5, b"five"), (6, b"six"))
    }
    await store.save_revocations([words[6]])
    await store.save_revocations([words[5]])
    assert store.load_revocations() == [b"six"]
    await store.save_revocations([replace(words[6], raw=b"other six")])
    assert store.load_revocations() == [b"other six"]


async def test_store_cancelled_save_is_on_the_disk_all_the_same(store: Store) -> None:
    """A caller that gave up never leaves half a change, nor takes others' changes with it."""
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.save_reserve(5)
    assert scope.cancelled_caught
    assert store.load_own().reserve == 5


async def test_store_full_disk_keeps_what_was_there(store: Store) -> None:
    """A save that does not fit is refused whole in a sentence; later ones work again."""
    await store.save_seeds(["kept:1"])
    connection = store._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="cannot be written: the disk is full"):
        await store.save_seeds(["x" * 9000, "y" * 9000])
    connection.execute("PRAGMA max_page_count = 1000000")
    assert store.load_seeds() == ["kept:1"]
    await store.save_seeds(["new:1"])
    assert store.load_seeds() == ["new:1"]


async def test_store_value_that_no_database_holds_fails_for_all_beside_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody whose change was rolled back is told that it is on the disk."""
    told: list[str] = []

    async def save(number: int) -> None:
        try:
            await store.save_reserve(number)
        except (StoreError, OverflowError) as error:
            told.append(type(error).__name__)

    async with store._turn:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(save, 7)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(save, 2**70)
            await trio.testing.wait_all_tasks_blocked()
            store._turn.release()
        await store._turn.acquire()
    assert sorted(told) == ["OverflowError", "StoreError"]
    assert store.load_own().reserve == 0


async def test_store_bounds_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contacts beyond the bound go by age; tokens, names and addresses beyond theirs are refused."""
    monkeypatch.setattr(store_module, "TRIM_EVERY", 10)
    monkeypatch.setattr(store_module, "_TRIM_CONTACTS", (store_module._TRIM_CONTACTS[0], (4,)))
    monkeypatch.setattr(store_module, "TOKENS_MAX", 1)
    monkeypatch.setattr(store_module, "DISPLAY_NAMES_MAX", 1)
    await store.save_contacts([(_contact(number), float(number)) for number in range(10)])
    assert [contact.id for contact in store.load_contacts()] == [_id(number) for number in range(6, 10)]

    await store.save_token(StoredToken(b"a" * 32, "a", (), math.pi))
    await store.save_token(StoredToken(b"a" * 32, "b", (), math.pi))
    await store.save_display_name(_id(1), "one")
    await store.save_display_name(_id(1), "uno")
    refused: list[Callable[[], Awaitable[None]]] = [
        lambda: store.save_token(StoredToken(b"b" * 32, "b", (), 1.0)),
        lambda: store.save_token(StoredToken(b"a" * 32, "b", ("two words",), 1.0)),
        lambda: store.save_display_name(_id(2), "two"),
        lambda: store.save_seeds(["a:1"] * (ADDRESSES_MAX + 1)),
    ]
    for save in refused:
        with pytest.raises(InvalidRequest):
            await save()
    assert [token.name for token in store.load_tokens()] == ["b"]
    assert store.load_display_names() == {_id(1): "uno"}


async def test_store_closed_refuses_and_closes_once(store: Store) -> None:
    """After the close there is a sentence, and a second close is nothing."""
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        await store.save_reserve(1)
    with pytest.raises(StoreError, match="is closed"):
        store.load_seeds()


def test_store_lets_one_agent_in(store: Store) -> None:
    """A second agent is told which process has the directory; after the close it gets in."""
    directory = store._path.parent
    with pytest.raises(StoreError, match=rf"in use by another agent \(process {os.getpid()}\): .*--data-dir"):
        Store.open(directory)
    store.close()
    Store.open(directory).close()


def test_store_of_a_newer_version_is_not_touched(store: Store) -> None:
    """A database that a newer version wrote is refused, and the lock let go."""
    store.close()
    with sqlite3.connect(store._path) as connection:
        connection.execute("PRAGMA user_version = 99")
    for _ in range(2):
        with pytest.raises(StoreError, match="newer version"):
            Store.open(store._path.parent)


def test_store_of_another_program_is_not_touched(tmp_path: Path) -> None:
    """Another program's database in the directory is neither used nor changed."""
    with sqlite3.connect(tmp_path / DATABASE_NAME) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = (tmp_path / DATABASE_NAME).read_bytes()
    with pytest.raises(StoreError, match="another program's database"):
        Store.open(tmp_path)
    assert (tmp_path / DATABASE_NAME).read_bytes() == before


@pytest.mark.parametrize("version", [1, 2])
async def test_store_migrates_from_each_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    """A new migration is applied once to an old database, and what it held is still there."""
    from node import store_schema

    every = store_schema.MIGRATIONS
    monkeypatch.setattr(store_schema, "MIGRATIONS", every[:version])
    with Store.open(tmp_path) as old:
        await old.save_reserve(3)
    monkeypatch.setattr(store_schema, "MIGRATIONS", every)
    added = (*store_schema.MIGRATIONS, ("CREATE TABLE later (x)", "INSERT INTO later VALUES (1)"))
    monkeypatch.setattr(store_schema, "MIGRATIONS", added)
    for _ in range(2):
        with Store.open(tmp_path) as new:
            assert new.load_own().reserve == 3
            assert new._read("SELECT count(*) FROM later") == [(1,)]
            assert new._read("PRAGMA user_version") == [(len(added),)]
            assert new.load_revocations() == []


def test_store_failed_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails half-way leaves the version and the tables as they were."""
    from node import store_schema

    Store.open(tmp_path).close()
    held = store_schema.MIGRATIONS
    monkeypatch.setattr(store_schema, "MIGRATIONS", (*held, ("CREATE TABLE later (x)", "no SQL")))
    with pytest.raises(StoreError):
        Store.open(tmp_path)
    monkeypatch.setattr(store_schema, "MIGRATIONS", held)
    with Store.open(tmp_path) as store:
        assert store._read("SELECT name FROM sqlite_master WHERE name = 'later'") == []
