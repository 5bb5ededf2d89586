"""Checks whose owner must say in time how it is, and what of it is on the disk.

What an owner says is written behind, at most once a second: it says it again within its TTL, so what a kill -9 takes is
made good by itself, and an fsync for each of some hundred words a second would be a disk's whole work.
"""

import logging
import time
from collections.abc import Callable

import trio

from node.check.schedule import Schedule
from node.store_error import StoreError
from node.store_services import Edit, ServiceStore, StoredState
from protocol.catalog.check import CheckStatus

WRITTEN_EVERY_S = 1.0
RETRY_S = 5.0
"""How soon a write that the disk refused is tried again."""

_log = logging.getLogger("shoal.check")


class TtlKeeper:
    """When each TTL check's time is up, and its last word on the disk. `expire` is told whose time is up, once."""

    def __init__(
        self, store: ServiceStore, expire: Callable[[str], None], unix_time: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._expire = expire
        self._unix_time = unix_time
        self._schedule = Schedule()
        self._unwritten: dict[str, StoredState | None] = {}
        self._work = trio.Event()

    def arm(self, id: str, ttl_s: float) -> None:
        """Begin a check's time anew."""
        self._schedule.arm(id, trio.current_time() + ttl_s)

    def disarm(self, id: str) -> None:
        """Forget a check; its state on the disk is for whoever drops the check there."""
        self._schedule.disarm(id)
        self._unwritten.pop(id, None)

    def take_word(self, id: str, ttl_s: float, status: CheckStatus, output: str) -> None:
        """Begin a check's time anew, with what its owner said, which is written soon."""
        self.arm(id, ttl_s)
        self._unwritten[id] = StoredState(status, output, self._unix_time() + ttl_s)
        self._work.set()

    async def run(self) -> None:
        """Tell of what expires, and write what was said, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_behind)
            while True:
                self._expire(await self._schedule.next_due())

    async def _write_behind(self) -> None:
        while True:
            await self._work.wait()
            await trio.sleep(WRITTEN_EVERY_S if await self.write() else RETRY_S)

    async def write(self) -> bool:
        """Write what was said since the last time; tell whether the disk took it."""
        self._work = trio.Event()
        unwritten, self._unwritten = self._unwritten, {}
        if not unwritten:
            return True
        try:
            await self._store.save(Edit(states=unwritten))
        except StoreError as wrong:
            _log.debug("states of TTL checks cannot be stored: %s", wrong)
            self._unwritten = unwritten | self._unwritten
            self._work.set()
            return False
        return True
