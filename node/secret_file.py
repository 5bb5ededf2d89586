"""Small secret files in the data directory: the node's identity and the admin token.

Each has mode 0600 and is written whole or not at all: to a neighbour file, to the disk, then renamed.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from node.store_error import StoreError, os_sentence
from protocol.error import MalformedMessage
from protocol.security.identity import Identity

IDENTITY_FILE_NAME = "identity.key"
ADMIN_TOKEN_FILE_NAME = "admin.token"
ADMIN_TOKEN_SIZE = 32
"""Bytes of chance in a token; twice as many hex letters."""
SECRET_SIZE_MAX = 4096
"""An identity has 56 bytes and a token 64 letters; what is larger is another file."""

_ADMIN_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")
"""An operator may put a token of another make there: too short a one could be guessed."""


def read_secret(path: Path) -> bytes | None:
    """Read a secret file; None where there is none.

    Raises:
        StoreError: unreadable, larger than 4096 bytes, or open to other users.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise StoreError(f"{path} is open to other users: run chmod 600 {path}")
            data = file.read(SECRET_SIZE_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(os_sentence(error, path, "read")) from None
    if len(data) > SECRET_SIZE_MAX:
        raise StoreError(f"{path} is larger than {SECRET_SIZE_MAX} bytes: it is not one of ours")
    return data


def write_secret(path: Path, data: bytes) -> None:
    """Write a secret file so that after any crash the old content or the new one is there.

    Raises:
        StoreError: the disk is full, or the directory cannot be written; the old content stays.
    """
    draft = path.with_name(path.name + ".new")
    try:
        with suppress(FileNotFoundError):
            draft.unlink()  # left by a crash
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StoreError(os_sentence(error, path, "written")) from None


def sync_directory(directory: Path) -> None:
    """Bring a directory's entries to the disk, so that a rename in it survives a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_identity(data_dir: Path, now_ms: int, entropy: Callable[[int], bytes]) -> Identity:
    """Read the node's identity, or make one at the first start; `now_ms` is unix time, for a new id.

    The store of the same directory must be open: its lock keeps two agents from making two identities.

    Raises:
        StoreError: the file is unreadable, damaged or open to others, or cannot be written.
    """
    path = data_dir / IDENTITY_FILE_NAME
    blob = read_secret(path)
    if blob is None:
        identity = Identity.generate(now_ms, entropy)
        write_secret(path, identity.to_bytes())
        return identity
    try:
        return Identity.from_bytes(blob)
    except MalformedMessage as wrong:
        raise StoreError(f"{path}: {wrong}; put a copy back, or move the file away to start as a new member") from None


def read_admin_token(data_dir: Path) -> str | None:
    """Read the admin token; None where there is no file.

    Raises:
        StoreError: the file is unreadable, holds no token, or is open to others.
    """
    path = data_dir / ADMIN_TOKEN_FILE_NAME
    held = read_secret(path)
    if held is None:
        return None
    token = held.decode("ascii", errors="replace").strip()
    if not _ADMIN_TOKEN.fullmatch(token):
        raise StoreError(f"{path} holds no token: move it away, and the next start makes a new one")
    return token


def make_admin_token(data_dir: Path, entropy: Callable[[int], bytes]) -> str:
    """Write a fresh admin token: 64 hex letters.

    Raises:
        StoreError: as `write_secret`.
    """
    token = entropy(ADMIN_TOKEN_SIZE).hex()
    write_secret(data_dir / ADMIN_TOKEN_FILE_NAME, token.encode() + b"\n")
    return token


def set_aside(path: Path) -> bool:
    """Take a secret file out of its place, so that a start no longer finds it; False: there is none.

    `put_back` undoes it. A rename needs no room, so a full disk does not stop it half-way.

    Raises:
        StoreError: the directory cannot be written; the file stays.
    """
    try:
        path.rename(_aside(path))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(os_sentence(error, path, "removed")) from None
    try:
        sync_directory(path.parent)
    except OSError as error:
        put_back(path)
        raise StoreError(os_sentence(error, path, "removed")) from None
    return True


def put_back(path: Path) -> None:
    """Undo `set_aside`, as far as the disk lets it."""
    with suppress(OSError):
        _aside(path).rename(path)
        sync_directory(path.parent)


def drop_aside(path: Path) -> None:
    """Delete what was set aside, also by a process that did not live to do it."""
    with suppress(OSError):
        _aside(path).unlink()


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".gone")
