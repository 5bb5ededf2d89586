"""Checks whose owner must say in time how it is, and what of it is on the disk.

A word that says something new (another status than is on the disk, the first one, or one without which the state there
would run out) is on the disk before its owner hears that it was taken: without an fsync, so that a kill -9 takes
nothing, but a power cut may. One that only repeats the status is written behind, at most once a second: its owner says
it again within its TTL. What waits is written together, so that thousands of words a second cost some writes.
"""

import logging
import time
from collections.abc import Callable, Mapping

import trio

from node.check.schedule import Schedule
from node.store_error import StoreError
from node.store_services import ServiceStore, StoredState
from protocol.catalog.check import CheckStatus

WRITTEN_EVERY_S = 1.0
RETRY_S = 5.0
"""How soon a write that the disk refused is tried again."""

_log = logging.getLogger("shoal.check")


class TtlKeeper:
    """When each TTL check's time is up, and its last word on the disk. `expire` is told whose time is up, once.

    The last word of a check is in one of three places: it waits for the next write behind, it is being written, or the
    disk has it. After an expiry, or without any word, it is in none.
    """

    def __init__(
        self, store: ServiceStore, expire: Callable[[str], None], unix_time: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._expire = expire
        self._unix_time = unix_time
        self._schedule = Schedule()
        self._waiting: dict[str, StoredState] = {}
        self._underway: dict[str, StoredState] = {}
        self._stored: dict[str, StoredState] = {}
        """What the disk has, also of checks whose next word waits."""
        self._work = trio.Event()

    def arm(self, id: str, ttl_s: float) -> None:
        """Begin a check's time anew."""
        self._schedule.arm(id, trio.current_time() + ttl_s)

    def disarm(self, id: str) -> None:
        """Forget a check; its state on the disk is for whoever drops the check there."""
        self._schedule.disarm(id)
        for place in (self._waiting, self._underway, self._stored):
            place.pop(id, None)

    async def take_word(self, id: str, ttl_s: float, status: CheckStatus, output: str) -> None:
        """Begin a check's time anew, with what its owner said; what is new in it is on the disk.

        Raises:
            StoreError: the disk does not take it; it is tried again behind, and the check's time goes on.
        """
        self.arm(id, ttl_s)
        now = self._unix_time()
        word = StoredState(status, output, now + ttl_s)
        stored = self._stored.get(id)
        if stored is not None and stored.status is status and stored.expires_at > now + 2 * WRITTEN_EVERY_S:
            self._waiting[id] = word
            self._work.set()
        else:
            self._waiting.pop(id, None)
            await self._write({id: word})

    async def run(self) -> None:
        """Tell of what expires, and write what was said, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_behind)
            while True:
                id = await self._schedule.next_due()
                self._stored.pop(id, None)  # so that the next word is news, whatever it says
                self._expire(id)

    async def _write_behind(self) -> None:
        while True:
            await self._work.wait()
            await trio.sleep(WRITTEN_EVERY_S if await self.write_waiting() else RETRY_S)

    async def write_waiting(self) -> bool:
        """Write the repeated words that wait; tell whether the disk took them."""
        self._work = trio.Event()
        waiting, self._waiting = self._waiting, {}
        try:
            await self._write(waiting)
        except StoreError as wrong:
            _log.debug("states of TTL checks cannot be stored: %s", wrong)
            return False
        return True

    async def _write(self, words: Mapping[str, StoredState]) -> None:
        """Write words; those that the disk refuses wait, unless a later one took their place or their check is gone."""
        if not words:
            return
        for id, word in words.items():
            self._stored.pop(id, None)
            self._underway[id] = word
        try:
            with trio.CancelScope(shield=True):
                await self._store.save_states(words)
        except StoreError:
            self._land(words, self._waiting)
            self._work.set()
            raise
        self._land(words, self._stored)

    def _land(self, words: Mapping[str, StoredState], place: dict[str, StoredState]) -> None:
        for id, word in words.items():
            if self._underway.get(id) is word:
                place[id] = self._underway.pop(id)
