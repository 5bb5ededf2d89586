"""A data directory with tokens, and nodes that live in it one after the other."""

import os
from pathlib import Path
from typing import Any

from node.secret_file import ADMIN_TOKEN_FILE_NAME
from node.store import Store, StoredToken
from node.token_keeper import TokenKeeper, open_tokens

START = 1_700_000_000.0


class Clock:
    """Unix seconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class House:
    """A data directory whose node is started again and again, without a goodbye in between."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = Clock()
        self.store: Store | None = None

    async def start(self) -> TokenKeeper:
        """Start as after a kill -9."""
        self.stop()
        self.store = Store.open(self.directory)
        return await open_tokens(self.directory, self.store, os.urandom, self.clock)

    def stop(self) -> None:
        """End without writing anything more."""
        if self.store is not None:
            self.store.close()

    @property
    def admin_file(self) -> Path:
        """Where the admin token is."""
        return self.directory / ADMIN_TOKEN_FILE_NAME

    def admin_secret(self) -> str:
        """Read the admin token."""
        return self.admin_file.read_text().strip()

    def rows(self) -> list[StoredToken]:
        """Read what is on the disk."""
        assert self.store is not None
        return self.store.load_tokens()


def refuse_commit(store: Store, batch: Any) -> None:
    """Stand in for a disk that is full."""
    batch.failure, batch.done = "state.db cannot be written: the disk is full", True
