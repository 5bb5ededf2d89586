"""A store whose process is killed, whose files are garbage, or whose directory is not its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.store import DATABASE_NAME, Store, StoredToken
from node.store_error import StoreError
from protocol.address import Address
from protocol.swim.effect import Contact
from protocol.ulid import MemberId

KILLS = 4
ACKNOWLEDGED_BEFORE_KILL = 25

WRITER = """
import sys, trio
from pathlib import Path
from node.store import Store
from protocol.address import Address
from protocol.swim.effect import Contact

async def write():
    store = Store.open(Path(sys.argv[1]))
    number = store.load_own().reserve
    while True:
        number += 1
        contact = Contact(number.to_bytes(16, "big"), b"k" * 32, "n", Address("10.0.0.1", 1), number)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.save_contact, contact, float(number))
            nursery.start_soon(store.save_reserve, number)
        print(number, flush=True)

trio.run(write)
"""


def test_store_killed_writer_loses_nothing_it_was_told_is_kept(tmp_path: Path) -> None:
    """A kill -9 in the middle of writes, again and again: all that was acknowledged is there, and nothing torn."""
    acknowledged = 0
    for round_number in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        ) as writer:
            assert writer.stdout is not None
            for _ in range(ACKNOWLEDGED_BEFORE_KILL + round_number):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            said = writer.stdout.read().split()
            acknowledged = int(said[-1]) if said and said[-1].isdigit() else acknowledged
        with Store.open(tmp_path) as store:
            reserve, contacts = store.load_own().reserve, store.load_contacts()
        assert reserve >= acknowledged >= ACKNOWLEDGED_BEFORE_KILL
        numbers = {contact.incarnation for contact in contacts}
        assert set(range(1, acknowledged + 1)) <= numbers
        assert len(contacts) - reserve in (-1, 0, 1)


@pytest.mark.parametrize("garbage", [b"not a database at all", b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 8192])
def test_store_of_garbage_says_so(garbage: bytes, tmp_path: Path) -> None:
    """A file that is no database is refused in one sentence that names it and the remedy, and is left alone."""
    (tmp_path / DATABASE_NAME).write_bytes(garbage)
    with pytest.raises(StoreError, match=r"state\.db is damaged .*start again with --join") as refused:
        Store.open(tmp_path)
    assert "\n" not in str(refused.value)
    assert (tmp_path / DATABASE_NAME).read_bytes() == garbage


class Image(bytes):
    """A database's bytes; a failing example shows its size, not all of it."""

    def __repr__(self) -> str:
        return f"<database of {len(self)} bytes>"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Give the bytes of a database with something in every table."""

    async def fill(store: Store) -> None:
        contact = Contact(MemberId(b"i" * 16), b"k" * 32, "n", Address("10.0.0.1", 1), 1)
        await store.save_reserve(1000)
        await store.save_left(False)
        await store.save_record(b"r" * 300)
        await store.save_keyring(b"k" * 100)
        await store.save_contact(contact, 1.0)
        await store.save_seeds(["a:1"])
        await store.save_display_name(contact.id, "name")
        await store.save_token(StoredToken(b"h" * 32, "t", ("admin",), 1.0))

    directory = tmp_path_factory.mktemp("healthy")
    with Store.open(directory) as store:
        trio.run(fill, store)
    return Image((directory / DATABASE_NAME).read_bytes())


@settings(max_examples=60)
@given(where=st.integers(0, 10**6), junk=st.binary(min_size=1, max_size=600))
@example(where=104, junk=b"\x01\x00\x00\x00\r")  # SQLite quoted a statement of several lines
@example(where=3132, junk=b"\x80")  # the sentence of SQLite's own check was not UTF-8
def test_store_with_overwritten_bytes_opens_or_says_so(
    where: int, junk: bytes, healthy: Image, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever bytes a disk mixes up, only StoreError comes out, in one line, and the lock is let go."""
    directory = tmp_path_factory.mktemp("damaged")
    start = where % len(healthy)
    raw = healthy[:start] + junk[: len(healthy) - start] + healthy[start + len(junk) :]
    (directory / DATABASE_NAME).write_bytes(raw)
    for _ in range(2):
        said = _open_and_load(directory)
        assert "\n" not in said
        assert "another agent" not in said


def _open_and_load(directory: Path) -> str:
    try:
        with Store.open(directory) as store:
            loads: list[Callable[[], object]] = [
                store.load_own, store.load_keyring, store.load_contacts, store.load_seeds, store.load_revocations,
                store.load_display_names, store.load_display_name, store.load_tokens, store.load_license,
            ]  # fmt: skip
            for load in loads:
                load()
    except StoreError as error:
        return str(error)
    return ""


def test_store_directory_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    """A file in the directory's place, or a parent that is a file."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is not a directory"):
        Store.open(tmp_path / "file")
    with pytest.raises(StoreError, match=r"cannot be made: .+"):
        Store.open(tmp_path / "file" / "data")


def test_store_directory_that_anyone_may_write_is_refused(tmp_path: Path) -> None:
    """Where any user can replace the files there is no trust in them; a sticky directory is fine."""
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(StoreError, match="chmod 700"):
        Store.open(open_to_all)
    open_to_all.chmod(0o1777)
    Store.open(open_to_all).close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_store_directory_of_another_user_is_a_sentence(tmp_path: Path) -> None:
    """What this user may not write is refused in words."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        Store.open(closed)
