"""One agent per data directory: the directory itself, and the lock that keeps a second agent out."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from node.store_error import StoreError, os_sentence

LOCK_FILE_NAME = "lock"
PID_LENGTH_MAX = 20


def prepare_directory(path: Path) -> None:
    """Make the data directory, with mode 0700; one that exists keeps its mode.

    A directory that someone made is not tightened: --data-dir may name one that others use too, and all
    that is put there is 0600.

    Raises:
        StoreError: it cannot be made, is not a directory, or any user may replace files in it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        mode = path.stat().st_mode
    except OSError as error:
        raise StoreError(os_sentence(error, path, "made")) from None
    if not path.is_dir():
        raise StoreError(f"{path} is not a directory")
    if mode & 0o1002 == 0o002:  # writable by all, and not sticky
        raise StoreError(f"any user can replace files in {path}: run chmod 700 {path}")


class DirectoryLock:
    """An flock on a file in the data directory: held until released, or until the process is gone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, directory: Path) -> "DirectoryLock":
        """Take the lock and write this process's id into it.

        Raises:
            StoreError: another living process has it, or the file cannot be written.
        """
        path = directory / LOCK_FILE_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(os_sentence(error, path, "written")) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        except BlockingIOError:
            holder = os.read(descriptor, PID_LENGTH_MAX).decode("ascii", errors="replace")
            os.close(descriptor)
            by = f" (process {holder})" if holder.isdecimal() else ""
            raise StoreError(f"{directory} is in use by another agent{by}: give this one its own --data-dir") from None
        except OSError as error:
            os.close(descriptor)
            raise StoreError(os_sentence(error, path, "locked")) from None
        return cls(descriptor)

    def release(self) -> None:
        """Let the next agent in; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
