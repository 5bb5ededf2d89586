"""The database's shape, how it is opened, and how an older one is brought up to date.

The version is SQLite's `user_version`; `MIGRATIONS[n]` leads from version n to n + 1. A new table is a new
migration at the end; one that was released is never changed.
"""

import os
import sqlite3
from pathlib import Path

from node.store_error import StoreError, damage_sentence, sqlite_sentence

APPLICATION_ID = 0x53484F41
""" "SHOA": tells our database from another program's."""
BUSY_TIMEOUT_S = 2.0
"""A backup tool that reads the database may hold it for a moment."""

_CREATE = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
    "CREATE TABLE keyring (one INTEGER PRIMARY KEY CHECK (one = 1), blob BLOB NOT NULL)",
    """CREATE TABLE contacts (
        id BLOB PRIMARY KEY CHECK (length(id) = 16),
        public_key BLOB NOT NULL CHECK (length(public_key) = 32),
        name TEXT NOT NULL,
        host TEXT NOT NULL,
        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
        incarnation INTEGER NOT NULL CHECK (incarnation >= 0),
        last_seen REAL NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX contacts_by_age ON contacts (last_seen)",
    "CREATE TABLE seeds (position INTEGER PRIMARY KEY, address TEXT NOT NULL)",
    "CREATE TABLE servers (position INTEGER PRIMARY KEY, address TEXT NOT NULL)",
    "CREATE TABLE display_names (id BLOB PRIMARY KEY CHECK (length(id) = 16), name TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE tokens (
        hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL,
        last_used_at REAL
    ) WITHOUT ROWID""",
)

_REVOCATIONS = (
    """CREATE TABLE revocations (
        id BLOB PRIMARY KEY CHECK (length(id) = 16),
        version INTEGER NOT NULL CHECK (version >= 0),
        raw BLOB NOT NULL
    ) WITHOUT ROWID""",
    "DROP TABLE servers",  # the list that the HTTP dialects call servers is the seeds
)

_SERVICES = (
    """CREATE TABLE services (
        id TEXT PRIMARY KEY CHECK (typeof(id) = 'text'),
        definition BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE checks (
        id TEXT PRIMARY KEY CHECK (typeof(id) = 'text'),
        definition BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE check_states (
        check_id TEXT PRIMARY KEY CHECK (typeof(check_id) = 'text'),
        status TEXT NOT NULL,
        output TEXT NOT NULL CHECK (typeof(output) = 'text'),
        expires_at REAL NOT NULL CHECK (typeof(expires_at) = 'real')
    ) WITHOUT ROWID""",
    """CREATE TABLE maintenance (
        service_id TEXT PRIMARY KEY CHECK (typeof(service_id) = 'text'),
        reason TEXT NOT NULL CHECK (typeof(reason) = 'text')
    ) WITHOUT ROWID""",
)

_REGISTRATION_TOKENS = tuple(
    f"ALTER TABLE {table} ADD COLUMN token_id TEXT NOT NULL DEFAULT '' CHECK (typeof(token_id) = 'text')"
    for table in ("services", "checks", "maintenance")
)
"""The id, never the secret, of the token that each was registered with; empty: none was asked for."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (_CREATE, _REVOCATIONS, _SERVICES, _REGISTRATION_TOKENS)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database, made and brought up to date as needed, checked, in WAL mode, fsync at each commit.

    The connection may be used by one thread at a time, whichever it is.

    Raises:
        StoreError: damaged, another program's, of a newer version, read-only, held, or the disk is full.
    """
    connection = None
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives the files beside it the same mode
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        _prepare(connection, path)
    except sqlite3.Error as error:
        _close(connection)
        raise StoreError(sqlite_sentence(error, path)) from None
    except UnicodeDecodeError:  # SQLite quotes the damage it found
        _close(connection)
        raise StoreError(damage_sentence("its text cannot be read", path)) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror or error}") from None
    except StoreError:
        _close(connection)
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = _pragma(connection, "user_version")
    if _pragma(connection, "application_id") != APPLICATION_ID and _pragma(connection, "schema_version"):
        raise StoreError(f"{path} is another program's database: give another --data-dir")
    if version > len(MIGRATIONS):
        raise StoreError(f"{path} was written by a newer version of Shoal: run that version, or a newer one")
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(damage_sentence(found, path))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # `Store` lowers it for some commits: WAL stays whole all the same
    connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive's cache
    _migrate(connection, version)


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()
