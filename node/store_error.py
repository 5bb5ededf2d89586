"""What can be wrong with the data directory, each in one sentence that a person can act on."""

import errno
import sqlite3
from pathlib import Path

TEXT_LENGTH_MAX = 200
"""Of what SQLite says: enough to search for."""


class StoreError(Exception):
    """State on disk cannot be read or written; what was acknowledged before is untouched."""


def os_sentence(error: OSError, path: Path, verb: str) -> str:
    """Say why a path cannot be `verb` ("read", "written")."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path} cannot be {verb}: the disk is full"
    return f"{path} cannot be {verb}: {error.strerror or error}"


def sqlite_sentence(error: sqlite3.Error, path: Path) -> str:
    """Say what is wrong with a database, by SQLite's primary result code."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    return _SENTENCES.get(primary, "{path} cannot be used: {error}").format(path=path, error=_one_line(str(error)))


def damage_sentence(found: str, path: Path) -> str:
    """Say that a database is damaged, with the last line of what the check found."""
    return _DAMAGED.format(path=path, error=_one_line((found.splitlines() or [""])[-1]))


def _one_line(text: str) -> str:
    """SQLite quotes the statements it cannot read, line breaks and all."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:TEXT_LENGTH_MAX]


_DAMAGED = "{path} is damaged ({error}): put a copy back, or move it away and start again with --join"
_SENTENCES: dict[int | None, str] = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: "{path} cannot be written: the disk is full",
    sqlite3.SQLITE_IOERR: "{path} cannot be read or written: {error}; the disk may be full or failing",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: it, or its directory, is read-only for this user",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened: this user may not read or make it",
    sqlite3.SQLITE_PERM: "{path} cannot be opened: this user may not read or make it",
    sqlite3.SQLITE_BUSY: "{path} is held by another program: end that one first",
}
