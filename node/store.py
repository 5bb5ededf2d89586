"""What a node remembers between two runs: one SQLite database, written off the Trio thread.

`load_*` is for the start and answers from the disk. `save_*` returns when the change is on the disk: after
that no kill -9 and no power cut takes it back. (States of TTL checks are saved without an fsync, for they change often
and are good for seconds: a power cut may take them.) Saves are applied in the order in which they were called; those
that wait while one is being written are written together, with one fsync for all.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trio

from node.store_error import StoreError, damage_sentence, sqlite_sentence
from node.store_lock import DirectoryLock, prepare_directory
from node.store_schema import connect
from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.swim.address_book import CONTACTS_MAX
from protocol.swim.effect import Contact
from protocol.swim.revocations import REVOCATIONS_MAX
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation

DATABASE_NAME = "state.db"
ADDRESSES_MAX = 256
"""Seeds: far beyond what a node dials at a start."""
DISPLAY_NAMES_MAX = CONTACTS_MAX
TOKENS_MAX = 256
"""Each is compared at each request that needs one, without an early end, so the table must stay small."""
TRIM_EVERY = 1_024
"""Contacts saved between two looks at how many there are: the look reads the whole index."""

Statement = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class OwnState:
    """What the node knows of its former self."""

    reserve: int = 0
    """Incarnations below this may have been used; 0 at the first start."""
    left: bool = False
    """It left of its own will: it stays out unless told to return."""
    record: bytes | None = None
    """Its last signed record, raw."""
    tag_changes: Mapping[str, str | None] = field(default_factory=dict)
    """Tags set while it ran, and deleted ones as None: they go before the configuration's."""


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as it is kept: never the token itself. Times are unix seconds."""

    hash: bytes
    """32 bytes."""
    name: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None


@dataclass(slots=True)
class _Batch:
    """Statements that go to the disk together, and what became of them."""

    statements: list[Statement] = field(default_factory=list)
    is_synced: bool = False
    """One of them is to outlive a power cut."""
    done: bool = False
    failure: str = ""


class Store:
    """The open database of one data directory, locked against other agents. Made by `open`."""

    def __init__(self, path: Path, lock: DirectoryLock, connection: sqlite3.Connection) -> None:
        self._path = path
        self._lock = lock
        self._connection = connection
        self._in_use = threading.Lock()  # between the Trio thread, which loads, and the writing one
        self._turn = trio.Lock()
        self._limiter = trio.CapacityLimiter(1)
        self._waiting = _Batch()
        self._closed = False
        self._contacts_saved = 0

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """Lock a data directory, made if need be, and open its database. Blocks for some fsyncs.

        Raises:
            StoreError: in use by another agent, damaged, unreadable, from a newer version, or a full disk;
                nothing is left locked.
        """
        prepare_directory(data_dir)
        lock = DirectoryLock.acquire(data_dir)
        try:
            connection = connect(data_dir / DATABASE_NAME)
        except BaseException:
            lock.release()
            raise
        return cls(data_dir / DATABASE_NAME, lock, connection)

    def close(self) -> None:
        """Write what still waits, close, and let the next agent in. A second call does nothing.

        Raises:
            StoreError: what still waited could not be written; it is closed all the same.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._waiting.statements:
                self._commit(self._waiting)
        finally:
            with self._in_use:
                self._connection.close()
            self._lock.release()
        if self._waiting.failure:
            raise StoreError(self._waiting.failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The database's file."""
        return self._path

    # --- the node itself ------------------------------------------------------------------------

    def load_own(self) -> OwnState:
        """Read what the node knows of its former self."""
        rows = dict(self._read("SELECT key, value FROM meta"))
        reserve, left, record = rows.get("reserve", 0), rows.get("left", 0), rows.get("record")
        if not (isinstance(reserve, int) and reserve >= 0 and left in (0, 1) and isinstance(record, bytes | None)):
            raise StoreError(damage_sentence("meta holds values that were never written", self._path))
        return OwnState(reserve, bool(left), record, self._read_tag_changes(rows.get("tags", b"{}")))

    def _read_tag_changes(self, stored: object) -> dict[str, str | None]:
        try:
            changes = json.loads(stored) if isinstance(stored, bytes) else None
        except ValueError:
            changes = None
        if not isinstance(changes, dict) or not all(isinstance(value, str | None) for value in changes.values()):
            raise StoreError(damage_sentence("meta holds values that were never written", self._path))
        return changes

    async def save_reserve(self, incarnation: int) -> None:
        """Keep that incarnations below this one may have been used."""
        await self._save_meta("reserve", incarnation)

    async def save_left(self, left: bool) -> None:
        """Keep whether the node left of its own will."""
        await self._save_meta("left", int(left))

    def load_display_name(self) -> str | None:
        """Read the display name that was given to this node while it ran; None: none was."""
        rows = self._read("SELECT value FROM meta WHERE key = 'display_name'")
        if rows and not isinstance(rows[0][0], str):
            raise StoreError(damage_sentence("meta holds values that were never written", self._path))
        return rows[0][0] if rows else None

    async def save_own_display_name(self, name: str) -> None:
        """Keep the display name that was given to this node while it ran."""
        await self._save(("INSERT OR REPLACE INTO meta VALUES ('display_name', ?)", (name,)))

    async def save_tag_changes(self, changes: Mapping[str, str | None]) -> None:
        """Keep which tags were set or (None) deleted while the node ran, in place of those held."""
        await self._save_meta("tags", json.dumps(dict(changes), ensure_ascii=False).encode())

    async def save_record(self, raw: bytes) -> None:
        """Keep the node's latest signed record."""
        await self._save_meta("record", raw)

    def load_license(self) -> str | None:
        """Read the license's renewal that was applied while the node ran; None: there was none."""
        rows = self._read("SELECT value FROM meta WHERE key = 'license'")
        try:
            return rows[0][0].decode() if rows else None
        except (AttributeError, UnicodeDecodeError):
            raise StoreError(damage_sentence("meta holds values that were never written", self._path)) from None

    async def save_license(self, text: str) -> None:
        """Keep a renewal of the license, given as the text of its file."""
        await self._save_meta("license", text.encode())

    async def _save_meta(self, key: str, value: int | bytes) -> None:
        await self._save(("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value)))

    def load_keyring(self) -> bytes | None:
        """Read the keyring's blob; None at the first start."""
        rows = self._read("SELECT blob FROM keyring")
        return rows[0][0] if rows else None

    async def save_keyring(self, blob: bytes) -> None:
        """Keep the keyring."""
        await self._save(("INSERT OR REPLACE INTO keyring VALUES (1, ?)", (blob,)))

    # --- whom it knows --------------------------------------------------------------------------

    def load_contacts(self) -> list[Contact]:
        """Read the address book, whoever was silent longest first."""
        rows = self._read(
            "SELECT id, public_key, name, host, port, incarnation FROM contacts ORDER BY last_seen DESC LIMIT ?",
            (CONTACTS_MAX,),
        )
        return [
            Contact(MemberId(id_), public_key, name, Address(host, port), incarnation)
            for id_, public_key, name, host, port, incarnation in reversed(rows)
        ]

    async def save_contacts(self, kept: Iterable[tuple[Contact, float]], forgotten: Iterable[MemberId] = ()) -> None:
        """Keep contacts, each with when it was last heard of (unix seconds), and drop others; all or none."""
        kept = list(kept)
        statements: list[Statement] = [
            (
                "INSERT OR REPLACE INTO contacts VALUES (?, ?, ?, ?, ?, ?, ?)",
                (at.id, at.public_key, at.name, at.address.host, at.address.port, at.incarnation, last_seen),
            )
            for at, last_seen in kept
        ]
        statements += [("DELETE FROM contacts WHERE id = ?", (id_,)) for id_ in forgotten]
        self._contacts_saved += len(kept)
        if self._contacts_saved >= TRIM_EVERY:
            self._contacts_saved = 0
            statements.append(_TRIM_CONTACTS)
        await self._save(*statements)

    async def save_contact(self, contact: Contact, last_seen: float) -> None:
        """Keep one contact; unix seconds."""
        await self.save_contacts([(contact, last_seen)])

    async def forget_contact(self, id: MemberId) -> None:
        """Drop a contact; one that is not there is no error."""
        await self.save_contacts([], [id])

    def load_seeds(self) -> list[str]:
        """Read the addresses this node joined through, in their order."""
        return [address for (address,) in self._read("SELECT address FROM seeds ORDER BY position")]

    async def save_seeds(self, addresses: Sequence[str]) -> None:
        """Keep the seeds in place of those held.

        Raises:
            InvalidRequest: more than 256.
        """
        await self._save(*_replace_addresses("seeds", addresses))

    def load_revocations(self) -> list[bytes]:
        """Read the signed words about who is out, raw."""
        return [raw for (raw,) in self._read("SELECT raw FROM revocations ORDER BY id")]

    async def save_revocations(self, revocations: Iterable[Revocation]) -> None:
        """Keep words about some ids; none takes the place of one of a larger version."""
        await self._save(
            *((_KEEP_REVOCATION, (word.subject, word.version, word.raw)) for word in revocations), _TRIM_REVOCATIONS
        )

    def load_display_names(self) -> dict[MemberId, str]:
        """Read this node's own notes of how peers are called."""
        return {MemberId(id_): name for id_, name in self._read("SELECT id, name FROM display_names")}

    async def drop_display_names(self, ids: Iterable[MemberId]) -> None:
        """Drop the notes about some peers; one that is not there is no error."""
        await self._save(*(("DELETE FROM display_names WHERE id = ?", (id,)) for id in ids))

    async def save_display_name(self, id: MemberId, name: str) -> None:
        """Keep a note of how a peer is called; an empty one drops it.

        Raises:
            InvalidRequest: a new one beyond 32,768.
        """
        if not name:
            await self._save(("DELETE FROM display_names WHERE id = ?", (id,)))
            return
        await self._check_room("display_names", "id", id, DISPLAY_NAMES_MAX)
        await self._save(("INSERT OR REPLACE INTO display_names VALUES (?, ?)", (id, name)))

    # --- who may call it ------------------------------------------------------------------------

    def load_tokens(self) -> list[StoredToken]:
        """Read all tokens, the oldest first."""
        rows = self._read(
            "SELECT hash, name, scopes, created_at, expires_at, last_used_at FROM tokens ORDER BY created_at, hash"
        )
        return [
            StoredToken(hash_, name, tuple(scopes.split()), created_at, expires_at, last_used_at)
            for hash_, name, scopes, created_at, expires_at, last_used_at in rows
        ]

    async def save_token(self, token: StoredToken) -> None:
        """Keep a token, replacing one of the same hash.

        Raises:
            InvalidRequest: a new one beyond 256, or a scope with a space in it.
        """
        if any(len(scope.split()) != 1 for scope in token.scopes):
            raise InvalidRequest("a scope is one word")
        await self._check_room("tokens", "hash", token.hash, TOKENS_MAX)
        row = (token.hash, token.name, " ".join(token.scopes), token.created_at, token.expires_at, token.last_used_at)
        await self._save(("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?, ?)", row))

    async def touch_tokens(self, used_at: Mapping[bytes, float]) -> None:
        """Keep when tokens, by their hashes, were last used; unix seconds. One that is not there is no error."""
        await self._save(
            *(("UPDATE tokens SET last_used_at = ? WHERE hash = ?", (at, hash)) for hash, at in used_at.items())
        )

    async def delete_token(self, hash: bytes) -> None:
        """Drop a token; one that is not there is no error."""
        await self._save(("DELETE FROM tokens WHERE hash = ?", (hash,)))

    # --- the disk -------------------------------------------------------------------------------

    def _read(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        if self._closed:
            raise StoreError(f"{self._path} is closed")
        try:
            with self._in_use:
                return self._connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise StoreError(sqlite_sentence(error, self._path)) from None

    async def _check_room(self, table: str, key: str, value: bytes, rows_max: int) -> None:
        query = f"SELECT (SELECT count(*) FROM {table}), EXISTS (SELECT 1 FROM {table} WHERE {key} = ?)"
        rows = await trio.to_thread.run_sync(self._read, query, (value,), limiter=self._limiter)
        count, known = rows[0]
        if count >= rows_max and not known:
            raise InvalidRequest(f"{rows_max} {table.replace('_', ' ')} are held, no more is taken")

    async def _save(self, *statements: Statement) -> None:
        """Have statements on the disk, all or none; a caller that is cancelled meanwhile still has them there.

        Raises:
            StoreError: the disk is full or failing; nothing of this save is kept, nor of those written with it.
        """
        self._waiting.is_synced = True
        await self._save_unsynced(*statements)

    async def _save_unsynced(self, *statements: Statement) -> None:
        """Have statements in the kernel's hands: a kill -9 takes nothing of them, a power cut may; else as `_save`.

        Raises:
            StoreError: as `_save`.
        """
        if self._closed:
            raise StoreError(f"{self._path} is closed")
        batch = self._waiting
        batch.statements.extend(statements)
        with trio.CancelScope(shield=True):
            async with self._turn:
                if not batch.done:
                    self._waiting = _Batch()
                    await trio.to_thread.run_sync(self._commit, batch, limiter=self._limiter)
        if batch.failure:
            raise StoreError(batch.failure)
        await trio.lowlevel.checkpoint_if_cancelled()

    def _commit(self, batch: _Batch) -> None:
        """Write a batch in one transaction; runs in the writing thread."""
        with self._in_use:
            batch.failure = f"{self._path} was not written"  # for those that wait beside a value SQLite cannot hold
            try:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if batch.is_synced else 'NORMAL'}")
                self._connection.execute("BEGIN IMMEDIATE")
                for query, parameters in batch.statements:
                    self._connection.execute(query, parameters)
                self._connection.execute("COMMIT")
                batch.failure = ""
            except sqlite3.Error as error:
                batch.failure = sqlite_sentence(error, self._path)
            finally:
                batch.done = True
                if batch.failure:
                    self._roll_back()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # after some errors SQLite has done it by itself
            self._connection.execute("ROLLBACK")


_KEEP_REVOCATION = (
    "INSERT INTO revocations VALUES (?, ?, ?) ON CONFLICT (id) "
    "DO UPDATE SET version = excluded.version, raw = excluded.raw WHERE excluded.version >= version"
)
_TRIM_REVOCATIONS: Statement = (
    "DELETE FROM revocations WHERE id IN (SELECT id FROM revocations ORDER BY version DESC LIMIT -1 OFFSET ?)",
    (REVOCATIONS_MAX,),
)
_TRIM_CONTACTS: Statement = (
    "DELETE FROM contacts WHERE id IN (SELECT id FROM contacts ORDER BY last_seen DESC LIMIT -1 OFFSET ?)",
    (CONTACTS_MAX,),
)
"""Drops whoever was silent longest beyond the bound; the engine's own book is bounded alike."""


def _replace_addresses(table: str, addresses: Sequence[str]) -> list[Statement]:
    if len(addresses) > ADDRESSES_MAX:
        raise InvalidRequest(f"{len(addresses)} {table}, at most {ADDRESSES_MAX}")
    return [
        (f"DELETE FROM {table}", ()),
        *((f"INSERT INTO {table} VALUES (?, ?)", row) for row in enumerate(addresses)),
    ]
