"""The license a node runs under: its file, the renewals that came while it ran, and what to say of it.

The file decides which license it is; renewals (later ones of the same identity) may come as a new file at SIGHUP, or
by HTTP, and then the database keeps them. Of the file and the stored renewal the later one is in force, so neither an
old file nor a lost database takes a node back. Another license takes a restart: the members under the old one
would not let it in.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator

import trio

from node.config import Config
from node.license_file import describe_expiry, read_license_file
from node.store import Store
from node.store_error import StoreError, damage_sentence
from protocol.error import InvalidRequest
from protocol.security.license import License, open_license, renews
from protocol.security.signing_key import parse_public_key
from protocol.security.utc_time import format_utc

WARN_BEFORE_S = 30 * 86_400.0
LOOK_INTERVAL_S = 3_600.0
"""How often `run` looks at the clock at least: wall time may be set, and a warning be due."""
DAY_S = 86_400
HOUR_S = 3_600

_log = logging.getLogger("shoal.license")


class LicenseKeeper:
    """Holds the license in force. Made by `open_licensing`."""

    def __init__(
        self,
        current: License | None,
        trusted: Collection[bytes],
        store: Store,
        on_change: Callable[[License], None] | None = None,
        *,
        file: License | None = None,
    ) -> None:
        """Begin with a license; `file` is the one that was read from the file, where that is another."""
        self._current = current
        self._file = file if file is not None else current
        self._trusted = frozenset(trusted)
        self._store = store
        self._turn = trio.Lock()
        self._told: tuple[str, ...] = ()
        self._renewed = trio.Event()
        self._told_expired = False
        self.on_change: Callable[[License], None] = on_change if on_change is not None else _nothing
        """Called when a renewal came in force, and when the one in force expires, or a clock set back undoes that."""

    # --- asking ---------------------------------------------------------------------------------

    @property
    def current(self) -> License | None:
        """The license in force; None: the open license."""
        return self._current

    def has_expired(self, now: float) -> bool:
        """Tell whether its time is over; unix seconds."""
        return self._current is not None and _seconds_left(self._current, now) <= 0

    def warnings(self, now: float, seats_taken: int) -> tuple[str, ...]:
        """Say what an operator should know, one sentence each; unix seconds, and members that hold seats."""
        return () if self._current is None else tuple(_warnings(self._current, now, seats_taken))

    # --- changing -------------------------------------------------------------------------------

    async def apply(self, text: str) -> License:
        """Put a renewal in force, given as the text of its file; it is on disk when this returns.

        Raises:
            InvalidRequest: no license, damaged, of an untrusted issuer, of another identity, or not issued later
                than the one in force; or this node runs under the open license.
            StoreError: the disk does not take it; nothing changed.
        """
        async with self._turn:
            self._check_renewal(fresh := open_license(text, self._trusted))
            with trio.CancelScope(shield=True):  # else it would be on the disk, and not in force
                await self._store.save_license(fresh.text)
            self._check_renewal(fresh)  # a reload meanwhile may have brought one that is later still
            self._put_in_force(fresh)
            return fresh

    def reload(self, config: Config) -> None:
        """Read the file of a configuration anew; the same content changes nothing.

        Raises:
            InvalidRequest: unreadable, or not a renewal of the license in force; nothing changed.
        """
        self.prepare_reload(config)()

    def prepare_reload(self, config: Config) -> Callable[[], None]:
        """Read the file of a configuration anew, and give what takes it over, for the caller to call at once.

        Raises:
            InvalidRequest: as `reload`.
        """
        if config.license is None or self._current is None:
            if config.license is not None:
                raise InvalidRequest("a node that runs under the open license takes a license at its start only")
            if self._current is not None:
                raise InvalidRequest("a license is given up by a restart without --license only")
            return lambda: None
        trusted = trusted_issuers(config)
        fresh = read_license_file(config.license, trusted)
        is_news = fresh not in (self._file, self._current)
        if is_news:
            try:
                self._check_renewal(fresh)
            except InvalidRequest as wrong:
                raise InvalidRequest(f"the license in {config.license} is not taken: {wrong}") from None

        def take() -> None:
            if is_news:
                self._put_in_force(fresh)
            self._file = fresh
            self._trusted = trusted

        return take

    def _check_renewal(self, fresh: License) -> None:
        if self._current is None:
            raise InvalidRequest("this node runs under the open license: start it with --license to have it renewed")
        renews(self._current, fresh)

    def _put_in_force(self, fresh: License) -> None:
        self._current, self._told_expired = fresh, False
        _log.info("license %s was renewed: %d nodes, %s", fresh.license_id, fresh.max_nodes, describe_expiry(fresh))
        self._renewed.set()
        self.on_change(fresh)

    # --- telling --------------------------------------------------------------------------------

    async def run(self, seats_taken: Callable[[], int], now: Callable[[], float] = time.time) -> None:
        """Log what begins to need an operator, and call `on_change` as the license expires, until cancelled."""
        while True:
            self.look(now(), seats_taken())
            left_s = 0.0 if self._current is None else _seconds_left(self._current, now())
            self._renewed = trio.Event()
            with trio.move_on_after(min(LOOK_INTERVAL_S, left_s) if left_s > 0 else LOOK_INTERVAL_S):
                await self._renewed.wait()

    def look(self, now: float, seats_taken: int) -> None:
        """Log each warning that is news since the last look (one that counts days is, each day); tell of an expiry."""
        warnings = self.warnings(now, seats_taken)
        for warning in warnings:
            if warning not in self._told:
                _log.warning("%s", warning)
        self._told = warnings
        if self._current is not None and self.has_expired(now) != self._told_expired:
            self._told_expired = not self._told_expired
            self.on_change(self._current)


def open_licensing(config: Config, store: Store) -> LicenseKeeper:
    """Read the license of a configuration, and the renewal that the database may hold.

    Raises:
        InvalidRequest: the file is unreadable, no license, damaged, or of an untrusted issuer.
        StoreError: the database holds something else.
    """
    trusted = trusted_issuers(config)
    if config.license is None:
        return LicenseKeeper(None, trusted, store)
    file = read_license_file(config.license, trusted)
    stored = _load_renewal(store)
    is_renewed = stored is not None and stored.identity == file.identity and stored.issued_at_ms > file.issued_at_ms
    return LicenseKeeper(stored if is_renewed else file, trusted, store, file=file)


def trusted_issuers(config: Config) -> frozenset[bytes]:
    """Give the issuers' keys that count; none: every issuer."""
    return frozenset(parse_public_key(key) for key in config.license_issuers)


def _load_renewal(store: Store) -> License | None:
    text = store.load_license()
    try:
        return None if text is None else open_license(text, ())  # trusted if it is of the file's identity
    except InvalidRequest as wrong:
        raise StoreError(damage_sentence(f"the stored license: {wrong}", store.path)) from None


def _warnings(license: License, now: float, seats_taken: int) -> Iterator[str]:
    name, left_s = license.license_id, _seconds_left(license, now)
    if license.expires_at_ms is not None:
        day = format_utc(license.expires_at_ms)[:10]
        if left_s <= 0:
            yield f"license {name} expired on {day}: no new member is let in"
        elif left_s <= WARN_BEFORE_S:
            yield f"license {name} expires in {_count_down(left_s)}, on {day}"
    if seats_taken > license.max_nodes:
        yield (
            f"{seats_taken} members on license {name} for {license.max_nodes}: no new member is let in until some "
            "leave or the license is replaced"
        )


def _count_down(left_s: float) -> str:
    for size_s, noun in ((DAY_S, "day"), (HOUR_S, "hour")):
        count = int(left_s // size_s)
        if count:
            return f"{count} {noun}{'' if count == 1 else 's'}"
    return "less than an hour"


def _seconds_left(license: License, now: float) -> float:
    return float("inf") if license.expires_at_ms is None else license.expires_at_ms / 1000 - now


def _nothing(_license: License) -> None:
    pass
