"""What a node holds on disk while it runs: read at the start, written behind the engine's back.

Effects that persist are queued and written in batches by one task; `flush` returns when all that was
queued before it is on the disk, which every call that promises something waits for.
"""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import trio

from node.config import Config
from node.secret_file import open_identity, write_secret
from node.store import Store
from node.store_error import StoreError, os_sentence
from node.token_keeper import TokenKeeper, open_tokens
from protocol.error import InvalidRequest, MalformedMessage
from protocol.security.identity import Identity
from protocol.security.key_file import encode_key_file, parse_key_file
from protocol.security.keyring import Keyring
from protocol.swim.effect import (
    Contact,
    ForgetContact,
    PersistContact,
    PersistPresence,
    PersistReserve,
    RevocationTaken,
)
from protocol.swim.local import RESERVE_STEP
from protocol.ulid import MemberId, format_ulid
from protocol.wire.statement import Revocation

KEY_FILE_NAME = "cluster.key"
"""The keyring as a key file, kept up to date in the data directory: what another node is started with."""
KEY_FILE_SIZE_MAX = 16_384
RETRY_S = 5.0
"""How soon a failed write (a full disk) is tried again."""

PersistEffect = PersistReserve | PersistContact | ForgetContact | PersistPresence | RevocationTaken

_log = logging.getLogger("shoal.state")


class State:
    """The data directory of a running node. Made by `open_state`."""

    def __init__(self, data_dir: Path, store: Store, identity: Identity, keyring: Keyring, tokens: TokenKeeper) -> None:
        self.data_dir = data_dir
        self.store = store
        self.identity = identity
        self.keyring = keyring
        self.tokens = tokens
        own = store.load_own()
        self.reserve = own.reserve
        self.left = own.left
        self.tag_changes: dict[str, str | None] = dict(own.tag_changes)
        self.contacts = store.load_contacts()
        self.seeds = store.load_seeds()
        self.failure = ""
        """Why the last write failed; empty while the disk works."""
        self._contacts: dict[MemberId, tuple[Contact, float] | None] = {}
        self._revocations: dict[MemberId, Revocation] = {}
        self._nameless: set[MemberId] = set()
        self._files = trio.CapacityLimiter(1)
        """A thread of our own: those that Trio shares may all be busy with what others wait for."""
        self._reserve: int | None = None
        self._left: bool | None = None
        self._keyring_changed = False
        self._keyring_turn = trio.Lock()
        self._queued = 0
        self._written = 0
        self._work = trio.Event()
        self._done = trio.Event()

    # --- queueing -------------------------------------------------------------------------------

    def put(self, effect: PersistEffect) -> None:
        """Queue what the engine wants stored; a newer word about the same thing replaces an older."""
        match effect:
            case PersistReserve(incarnation):
                self._reserve = incarnation
            case PersistPresence(left):
                self._left = left
            case PersistContact(contact):
                self._contacts[contact.id] = (contact, time.time())
            case ForgetContact(id):
                self._contacts[id] = None
            case RevocationTaken(revocation):
                self._revocations[revocation.subject] = revocation
        self._wake()

    def put_presence(self, *, left: bool) -> None:
        """Queue whether this node has left."""
        self._left = left
        self._wake()

    def put_nameless(self, id: MemberId) -> None:
        """Queue that a peer's note is dropped."""
        self._nameless.add(id)
        self._wake()

    def put_keyring(self, keyring: Keyring) -> None:
        """Queue the keyring as it is when it is written."""
        self.keyring = keyring
        self._keyring_changed = True
        self._wake()

    def _wake(self) -> None:
        self._queued += 1
        self._work.set()

    async def flush(self) -> None:
        """Return when all that was queued is on the disk.

        Raises:
            StoreError: it could not be written.
        """
        wanted = self._queued
        while self._written < wanted:
            await self._done.wait()
            if self.failure:
                raise StoreError(self.failure)

    # --- writing --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write what is queued, until cancelled; a full disk is said once and tried again."""
        while True:
            await self._work.wait()
            failed = not await self.write()
            if failed:
                await trio.sleep(RETRY_S)

    async def write(self) -> bool:
        """Write what is queued now; tell whether it is on the disk."""
        self._work = trio.Event()
        until = self._queued
        try:
            await self._write_all()
        except StoreError as wrong:
            if not self.failure:
                _log.error("state cannot be stored: %s", wrong)
            self.failure = str(wrong)
            self._work.set()
        else:
            if self.failure:
                _log.info("state is stored again")
            self.failure = ""
            self._written = until
        self._done.set()
        self._done = trio.Event()
        return not self.failure

    async def _write_all(self) -> None:
        if self._reserve is not None:
            reserve = self._reserve
            await self.store.save_reserve(reserve)
            self._reserve = None if self._reserve == reserve else self._reserve
        if self._left is not None:
            left = self._left
            await self.store.save_left(left)
            self._left = None if self._left == left else self._left
        if self._keyring_changed:
            self._keyring_changed = False
            try:
                await self.save_keyring(self.keyring)
            except BaseException:  # cancelled between database and file, too: `aclose` writes both
                self._keyring_changed = True
                raise
        if self._revocations:
            revocations, self._revocations = self._revocations, {}
            try:
                await self.store.save_revocations(revocations.values())
            except StoreError:
                self._revocations = revocations | self._revocations
                raise
        if self._nameless:
            nameless, self._nameless = self._nameless, set()
            try:
                await self.store.drop_display_names(nameless)
            except StoreError:
                self._nameless |= nameless
                raise
        if self._contacts:
            contacts, self._contacts = self._contacts, {}
            kept = [entry for entry in contacts.values() if entry is not None]
            gone = [id for id, entry in contacts.items() if entry is None]
            try:
                await self.store.save_contacts(kept, gone)
            except StoreError:
                self._contacts = contacts | self._contacts
                raise

    # --- saved at once --------------------------------------------------------------------------

    async def reserve_incarnation(self, incarnation: int) -> None:
        """Store, before anything is sent, that incarnations up to a step above this one may be used."""
        await self.store.save_reserve(incarnation + RESERVE_STEP)

    def changed_tags(self, configured: Mapping[str, str]) -> dict[str, str]:
        """Give the configuration's tags as changed while the node ran, in this life or a former one."""
        tags: dict[str, str | None] = {**configured, **self.tag_changes}
        return {key: value for key, value in tags.items() if value is not None}

    async def save_tags(self, changed: Mapping[str, str], deleted: Sequence[str]) -> None:
        """Store that tags were set and deleted while the node ran."""
        changes = {**self.tag_changes, **dict.fromkeys(deleted), **changed}
        await self.store.save_tag_changes(changes)
        self.tag_changes = changes

    async def save_revocation(self, revocation: Revocation) -> None:
        """Store a word about an id before it is spoken."""
        await self.store.save_revocations([revocation])

    async def save_display_name(self, id: MemberId, name: str) -> None:
        """Store a note of how a peer is called; an empty one drops it.

        Raises:
            InvalidRequest: a new one beyond 32,768.
        """
        self._nameless.discard(id)
        await self.store.save_display_name(id, name)

    async def save_keyring(self, keyring: Keyring) -> None:
        """Store a keyring, in the database and as the key file."""
        async with self._keyring_turn:
            await self.store.save_keyring(keyring.encode_offer())
            text = encode_key_file(keyring)
            await trio.to_thread.run_sync(_write_key_file, self.data_dir, text, limiter=self._files)

    async def save_seeds(self, seeds: Sequence[str]) -> None:
        """Store the addresses this node joins through."""
        await self.store.save_seeds(seeds)

    async def aclose(self) -> None:
        """Write what is queued, and close."""
        with trio.CancelScope(shield=True):
            if self._written < self._queued:
                await self.write()
            await self.tokens.write_uses()
            try:
                self.store.close()
            except StoreError as wrong:
                _log.error("state was not stored at the end: %s", wrong)


async def open_state(config: Config) -> State:
    """Open the data directory, and make at the first start what is not there yet.

    Raises:
        StoreError: one sentence: in use, damaged, unreadable, or the disk is full.
        InvalidRequest: the key file is unreadable or of another cluster.
    """
    data_dir = config.data_dir
    store = Store.open(data_dir)
    try:
        identity = open_identity(data_dir, time.time_ns() // 1_000_000, os.urandom)
        tokens = await open_tokens(data_dir, store, os.urandom)
        keyring, changed = _open_keyring(config, store)
        state = State(data_dir, store, identity, keyring, tokens)
        if changed:
            state.put_keyring(keyring)
            await state.write()
            if state.failure:
                raise StoreError(state.failure)
    except BaseException:
        store.close()
        raise
    return state


def _open_keyring(config: Config, store: Store) -> tuple[Keyring, bool]:
    """Give the keyring, and whether it is news to the disk."""
    blob = store.load_keyring()
    try:
        held = Keyring.from_offer(blob) if blob is not None else None
    except MalformedMessage as wrong:
        raise StoreError(f"the keyring in {config.data_dir} is damaged: {wrong}") from None
    if config.key_file is None:
        if held is not None:
            return held, False
        keyring = Keyring.generate(time.time_ns() // 1_000_000, os.urandom)
        _log.info(
            "made a new cluster; other nodes join with a copy of %s: shoal agent --key-file FILE --join ADDRESS",
            config.data_dir / KEY_FILE_NAME,
        )
        return keyring, True
    given = _read_key_file(config.key_file)
    if held is None:
        return given, True
    if held.cluster_id != given.cluster_id:
        raise InvalidRequest(
            f"{config.data_dir} belongs to cluster {format_ulid(held.cluster_id)}, and {config.key_file} is the key "
            f"file of {format_ulid(given.cluster_id)}: give this node another --data-dir, or its own key file"
        )
    return held, held.merge(given)


def _read_key_file(path: Path) -> Keyring:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(KEY_FILE_SIZE_MAX)
    except OSError as wrong:
        raise InvalidRequest(f"the key file cannot be used: {os_sentence(wrong, path, 'read')}") from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is no key file: it is not text") from None
    try:
        return parse_key_file(text)
    except InvalidRequest as wrong:
        raise InvalidRequest(f"{path}: {wrong}") from None


def _write_key_file(data_dir: Path, text: str) -> None:
    write_secret(data_dir / KEY_FILE_NAME, text.encode())
