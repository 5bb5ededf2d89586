"""The tokens of a node: who may call its HTTP, as far as that takes no HTTP.

A secret is seen once, in the answer that makes it. What is kept, in memory and on disk, is its BLAKE2b-256, so
nobody reads a secret out of either; secrets have 256 bits of chance, so a hash without salt or stretching gives
nothing away.

One token is also a file: `admin.token` in the data directory, which the command line on the same machine reads. Its
row in the table has that name, and no other token can have it. The file decides, at each start (`open_tokens`): its
secret is the row's; who took it away ended its secret. A revocation therefore takes the file away first and the row
after it: whatever a kill -9 leaves between the two, the next start ends what it began.

There is always a token with `admin` that never expires: the last one cannot be revoked, and a start that finds none
makes `admin.token` anew. One that will expire does not count, or the node would some day be without.
"""

import hmac
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import trio

from node.secret_file import (
    ADMIN_TOKEN_FILE_NAME,
    drop_aside,
    make_admin_token,
    put_back,
    read_admin_token,
    set_aside,
)
from node.store import TOKENS_MAX, Store, StoredToken
from node.store_error import StoreError
from protocol.error import InvalidRequest

ADMIN_SCOPE = "admin"
ADMIN_TOKEN_NAME = ADMIN_TOKEN_FILE_NAME
SECRET_PREFIX = "shoal-"
"""So that people, and programs that look for leaked secrets, know what it is."""
SECRET_SIZE = 32
"""Bytes of chance in a secret."""
NAME_LENGTH_MAX = 64
EXPIRY_MAX_S = 10 * 365 * 86_400.0
"""Ten years: what is to live longer is to live for ever."""
USES_WRITTEN_S = 60.0
"""How often the times of use go to the disk at most: they are for people, and each write is an fsync."""

_log = logging.getLogger("shoal.token")


class LastAdminToken(Exception):
    """The token cannot be revoked, or nobody could make another; the text is one sentence."""


@dataclass(slots=True)
class HeldToken:
    """A token in memory: only the time of its last use changes."""

    id: str
    """16 hex letters."""
    stored: StoredToken
    last_used_at: float | None

    @classmethod
    def of(cls, stored: StoredToken) -> "HeldToken":
        """Hold a token that is on the disk."""
        return cls(token_id(stored.hash), stored, stored.last_used_at)

    def has_expired(self, now: float) -> bool:
        """Tell whether its time is over; unix seconds."""
        return self.stored.expires_at is not None and now >= self.stored.expires_at


class TokenKeeper:
    """Checks, makes and revokes tokens. Made by `open_tokens`."""

    def __init__(self, data_dir: Path, store: Store, now: Callable[[], float] = time.time) -> None:
        self._admin_file = data_dir / ADMIN_TOKEN_FILE_NAME
        self._store = store
        self._now = now
        self._tokens = {held.id: held for held in map(HeldToken.of, store.load_tokens())}
        self._uses: dict[bytes, float] = {}
        self._used = trio.Event()
        self._turn = trio.Lock()
        self._files = trio.CapacityLimiter(1)
        """A thread of our own: those that Trio shares may all be busy with what others wait for."""

    # --- asking ---------------------------------------------------------------------------------

    def find(self, secret: str) -> HeldToken | None:
        """Find the token of a secret, and note its use; None: there is none, or it has expired.

        Every token is compared, and each to its end: the time it takes tells nothing of what was near.
        """
        wanted, found = hash_secret(secret), None
        for held in self._tokens.values():
            if hmac.compare_digest(held.stored.hash, wanted):
                found = held
        now = self._now()
        if found is None or found.has_expired(now):
            return None
        found.last_used_at = now
        self._uses[found.stored.hash] = now
        self._used.set()
        return found

    def list(self) -> tuple[HeldToken, ...]:
        """Give all tokens, expired ones too, the oldest first."""
        return tuple(sorted(self._tokens.values(), key=lambda held: (held.stored.created_at, held.stored.hash)))

    # --- changing -------------------------------------------------------------------------------

    async def create(self, name: str, scopes: Sequence[str], expires_in_s: float | None) -> tuple[str, HeldToken]:
        """Make a token, and give its secret with it; it is on disk when this returns.

        Raises:
            InvalidRequest: a name that is empty, longer than 64 characters, not printable, or `admin.token`; no
                scope; an expiry that is not above 0 and at most ten years; or too many tokens.
            StoreError: the disk does not take it; nothing changed. So in `revoke`.
        """
        check_name(name)
        if not scopes:
            raise InvalidRequest("a token needs at least one scope")
        if expires_in_s is not None and not 0 < expires_in_s <= EXPIRY_MAX_S:
            raise InvalidRequest("a token expires in more than 0 and at most 87600h (ten years), or never")
        async with self._turn:
            others = sum(held.stored.name != ADMIN_TOKEN_NAME for held in self._tokens.values())
            if others >= TOKENS_MAX - 1:  # a start must always find room for admin.token
                raise InvalidRequest(f"{others} tokens are held, no more is taken: revoke some")
            secret, now = SECRET_PREFIX + secrets.token_urlsafe(SECRET_SIZE), self._now()
            expires_at = None if expires_in_s is None else now + expires_in_s
            stored = StoredToken(hash_secret(secret), name, tuple(dict.fromkeys(scopes)), now, expires_at)
            held = HeldToken.of(stored)
            with trio.CancelScope(shield=True):  # else it would be on the disk, and not here
                await self._store.save_token(stored)
            self._tokens[held.id] = held
        _log.info("token %s (%s) was made: %s", held.id, ascii(name), " ".join(stored.scopes))
        return secret, held

    async def revoke(self, id: str) -> bool:
        """End a token, expired or not; False: there is none. It is off the disk when this returns.

        Raises:
            LastAdminToken: it is the only one with `admin` that never expires.
        """
        async with self._turn:
            held = self._tokens.get(id)
            if held is None:
                return False
            if _is_lasting_admin(held.stored) and not any(
                other is not held and _is_lasting_admin(other.stored) for other in self._tokens.values()
            ):
                raise LastAdminToken(
                    "this is the last token with admin that does not expire: make another before it is revoked"
                )
            with trio.CancelScope(shield=True):
                await self._delete(held.stored)
            del self._tokens[id]
            self._uses.pop(held.stored.hash, None)
        _log.info("token %s (%s) was revoked", id, ascii(held.stored.name))
        return True

    async def _delete(self, stored: StoredToken) -> None:
        if stored.name != ADMIN_TOKEN_NAME:
            await self._store.delete_token(stored.hash)
            return
        is_aside = await trio.to_thread.run_sync(set_aside, self._admin_file, limiter=self._files)
        try:
            await self._store.delete_token(stored.hash)
        except StoreError:
            if is_aside:
                await trio.to_thread.run_sync(put_back, self._admin_file, limiter=self._files)
            raise
        await trio.to_thread.run_sync(drop_aside, self._admin_file, limiter=self._files)

    # --- times of use ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Write the times of use behind the requests, at most once a minute, until cancelled."""
        while True:
            await self._used.wait()
            self._used = trio.Event()
            await self.write_uses()
            await trio.sleep(USES_WRITTEN_S)

    async def write_uses(self) -> None:
        """Write the times of use that are not on the disk yet; a disk that refuses is asked again at the next use."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            await self._store.touch_tokens(uses)
        except StoreError as wrong:
            held = {held.stored.hash for held in self._tokens.values()}
            self._uses = {hash: at for hash, at in uses.items() if hash in held} | self._uses
            _log.debug("times of use of tokens cannot be stored: %s", wrong)


async def open_tokens(
    data_dir: Path, store: Store, entropy: Callable[[int], bytes], now: Callable[[], float] = time.time
) -> TokenKeeper:
    """Read the tokens of a data directory, once its file `admin.token` and the table agree.

    Each step leaves a state that this same way leads out of, so a kill -9 amid it costs nothing.

    Raises:
        StoreError: the file or the database is unreadable, damaged, or cannot be written.
    """
    drop_aside(data_dir / ADMIN_TOKEN_FILE_NAME)
    secret = read_admin_token(data_dir)
    wanted = None if secret is None else hash_secret(secret)
    held = store.load_tokens()
    for stored in held:
        if stored.name == ADMIN_TOKEN_NAME and stored.hash != wanted:
            await store.delete_token(stored.hash)
    if wanted is None:
        if not any(_is_lasting_admin(stored) for stored in held if stored.name != ADMIN_TOKEN_NAME):
            wanted = hash_secret(make_admin_token(data_dir, entropy))
    else:
        same = [stored for stored in held if stored.hash == wanted]
        if same and same[0].name != ADMIN_TOKEN_NAME:
            _log.warning("%s has the secret of the token %s: it is the admin token now", ADMIN_TOKEN_NAME, same[0].name)
        elif same:
            wanted = None
    if wanted is not None:
        await store.save_token(StoredToken(wanted, ADMIN_TOKEN_NAME, (ADMIN_SCOPE,), now()))
    return TokenKeeper(data_dir, store, now)


def hash_secret(secret: str) -> bytes:
    """Give what is kept of a secret: BLAKE2b-256, 32 bytes; any text has one."""
    return blake2b(secret.encode(errors="surrogatepass"), digest_size=32, person=b"shoal-token").digest()


def token_id(hash: bytes) -> str:
    """Give the name by which a token is spoken of: 16 hex letters of a hash of its hash."""
    return blake2b(hash, digest_size=8, person=b"shoal-token-id").hexdigest()


def check_name(name: str) -> None:
    """Refuse a name that a token cannot have.

    Raises:
        InvalidRequest: empty or blank, longer than 64 characters, not printable, or the admin token's.
    """
    if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable() or not name.strip():
        raise InvalidRequest(f"a token's name has 1 to {NAME_LENGTH_MAX} printable characters")
    if name == ADMIN_TOKEN_NAME:
        raise InvalidRequest(f"the name {ADMIN_TOKEN_NAME} is that of the token in the data directory")


def _is_lasting_admin(stored: StoredToken) -> bool:
    return ADMIN_SCOPE in stored.scopes and stored.expires_at is None
