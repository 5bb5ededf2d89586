"""Rotating the cluster's keys while it runs: add, use, retire, each spread to all members."""

import os
import time
from collections.abc import Callable

import trio

from node.driver import Driver
from node.state import State
from node.store_error import StoreError
from protocol.error import InvalidRequest
from protocol.security.keyring import CLUSTER_KEY_SIZE, Keyring, derive_key_id
from protocol.ulid import MemberId

ASK_BATCH = 16
"""Members asked at once to show which keys they hold, after a key was added."""
ASK_PAUSE_S = 0.2
ASK_ROUNDS_MAX = 600
"""Two minutes: 1,000 members take some 13 s."""


class KeyringKeeper:
    """Changes the keyring, stores it, and offers it to the others."""

    def __init__(self, driver: Driver, state: State) -> None:
        self._driver = driver
        self._state = state
        self._added = trio.Event()
        self._turn = trio.Lock()

    @property
    def keyring(self) -> Keyring:
        """The keys held; read it."""
        return self._driver.keyring

    def shown_by(self, key_id: bytes) -> list[MemberId]:
        """Give the live members that have shown that they hold a key, this node included.

        A member shows the newest key it holds. As keys are added in order, it holds the older ones too,
        unless they were retired.
        """
        membership = self._driver.engine.membership
        stamp = {key.key_id: key.stamp for key in self.keyring.listing()}
        wanted = stamp.get(key_id, 0)
        shown = []
        for id in membership.live_ids():
            newest = self.keyring.newest_key_id if id == membership.own_id else self._driver.gate.shown_key(id)
            if newest is not None and (newest == key_id or stamp.get(newest, -1) >= wanted):
                shown.append(id)
        return shown

    async def run(self) -> None:
        """After a key was added here, ask the others to show that they have it, until all have."""
        while True:
            await self._added.wait()
            self._added = trio.Event()
            for _ in range(ASK_ROUNDS_MAX):
                missing = self.not_shown_by(self.keyring.newest_key_id)
                if not missing:
                    break
                self.ask(missing)
                await trio.sleep(ASK_PAUSE_S)

    async def add(self, key: bytes | None = None) -> bytes:
        """Hold one more key, a random one if none is given, and spread it; gives its id.

        Raises:
            InvalidRequest: as Keyring.add.
            StoreError: the disk does not take it; nothing changed. So in `use` and `retire`.
        """
        given = os.urandom(CLUSTER_KEY_SIZE) if key is None else key
        await self._change(lambda keyring: keyring.add(given, _now_ms()))
        self._added.set()
        return derive_key_id(given)

    async def use(self, key_id: bytes, *, force: bool = False) -> None:
        """Put a key in use everywhere.

        Raises:
            InvalidRequest: not held; or, without `force`, not yet shown by every live member.
        """
        if key_id not in self.keyring.key_ids:
            raise InvalidRequest(f"no key {key_id.hex()} is held")
        missing = self.not_shown_by(key_id)
        if missing and not force:
            self.ask(missing)
            membership = self._driver.engine.membership
            members = [membership.get(id) for id in missing[:5]]
            names = ", ".join(membership.shown_name(member) for member in members if member is not None)
            raise InvalidRequest(
                f"{len(missing)} of {membership.live_count} live members have not shown that they hold key "
                f"{key_id.hex()} yet ({names}): "
                "try again in some seconds, or use --force"
            )
        await self._change(lambda keyring: keyring.use(key_id, _now_ms()))

    async def retire(self, key_id: bytes) -> None:
        """Remove a key from the whole cluster.

        Raises:
            InvalidRequest: not held, or the one in use.
        """
        await self._change(lambda keyring: keyring.retire(key_id, _now_ms()))

    def not_shown_by(self, key_id: bytes) -> list[MemberId]:
        """Give the live members that have not shown a key."""
        shown = set(self.shown_by(key_id))
        return [id for id in self._driver.engine.membership.live_ids() if id not in shown]

    def ask(self, members: list[MemberId]) -> None:
        """Ping some members out of turn: their answer shows their newest key."""
        for id in members[:ASK_BATCH]:
            self._driver.perform(self._driver.engine.ask(self._driver.now, id))

    async def _change(self, change: Callable[[Keyring], object]) -> None:
        """Store the keyring as it will be, then take the change over and spread it.

        What came from others meanwhile is merged, and stored once more.
        """
        async with self._turn:
            wanted = Keyring.from_offer(self.keyring.encode_offer())
            change(wanted)
            try:
                await self._state.save_keyring(wanted)
            except StoreError:
                self._state.put_keyring(self.keyring)  # takes back what half of it may have been written
                raise
            self.keyring.merge(wanted)
            self._state.put_keyring(self.keyring)
            self._driver.offer_keyring(changed=True)
            await self._state.flush()


def parse_key_id(text: str) -> bytes:
    """Read 8 hex letters.

    Raises:
        InvalidRequest: something else.
    """
    try:
        key_id = bytes.fromhex(text)
    except ValueError:
        key_id = b""
    if len(key_id) != len(derive_key_id(b"")):
        raise InvalidRequest(f"{text!r} is no key id: 8 hex letters, as `shoal keys list` shows them")
    return key_id


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
