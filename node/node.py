"""A running node, as a program embeds it.

    async with open_node(Config.lan(name="n1", join=["10.0.0.1"])) as me:
        print(me.local, me.members())
        async for change in me.changes():
            ...

Synchronous methods answer from memory. What an `async` method has returned from is on disk.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import trio

from node.bind import Resolver
from node.catalog import Catalog
from node.config import Config
from node.driver import Driver
from node.journal import Journal, JournalBatch
from node.keyring_keeper import KeyringKeeper
from node.license_keeper import LicenseKeeper
from node.log import log_change, log_revocation
from node.peer_keeper import PeerKeeper, operator_key
from node.seeds import Attempt, SeedKeeper, try_seed
from node.service_keeper import ServiceKeeper
from node.state import State
from node.stream_server import StreamServer
from node.token_keeper import TokenKeeper
from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.status import Status
from protocol.swim.effect import (
    Changed,
    Cloned,
    Effect,
    Expelled,
    FactTaken,
    ForgetContact,
    JoinEnded,
    KeyringReceived,
    LeaveEnded,
    PersistContact,
    PersistPresence,
    PersistReserve,
    RevocationTaken,
    SteppedDown,
)
from protocol.swim.engine import Engine
from protocol.swim.member import Member
from protocol.swim.membership import Membership
from protocol.ulid import format_ulid

RESERVED_TAGS = frozenset({"region", "dc"})
"""Set from the configuration; everybody's HTTP dialects read them."""
JOIN_TIMEOUT_S = 10.0
JOINS_AT_ONCE_MAX = 8
"""Addresses of one join that are tried at once: it must leave to others what streams there are."""
LIVE_AFTER_S = 5.0
"""/livez: how long the engine's timer may be overdue."""


_log = logging.getLogger("shoal.node")


class NodeEnded(Exception):
    """The node cannot go on; the text is one sentence for the operator."""


class Node:
    """One member of the cluster. Made by `open_node`."""

    def __init__(
        self,
        config: Config,
        state: State,
        driver: Driver,
        streams: StreamServer,
        keeper: KeyringKeeper,
        licensing: LicenseKeeper | None = None,
        *,
        services: ServiceKeeper,
    ) -> None:
        self.config = config
        self.driver = driver
        self.streams = streams
        self.keyring = keeper
        self.licensing = licensing if licensing is not None else LicenseKeeper(None, (), state.store)
        self.started_at = time.time()
        self.journal = Journal(int(self.started_at * 1000))
        self.ended: NodeEnded | None = None
        self.ending = trio.Event()
        """Set when the node left for good, or cannot go on (`ended` says why)."""
        self._resolver = Resolver()
        self.seeds = SeedKeeper(self.resolve, self._join_address, self._is_member, self._knows_members)
        self.record_turn = trio.Lock()
        """Held from check to change by whatever changes this node's own record: name and tags share its room."""
        self.peers = PeerKeeper(self, driver, state, operator_key(config))
        self.services = services
        services.publish = self.say
        self.catalog = Catalog(driver.engine.membership, int(self.started_at))
        self._changes = 1
        self._first_incarnation = driver.engine.local.incarnation
        self._state = state
        self._joins: dict[int, tuple[trio.Event, list[JoinEnded]]] = {}
        self._leave_ended = trio.Event()
        driver.connect(streams.perform, self._perform)

    # --- asking ---------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        """The mind of this node; read it, and change it through the driver only."""
        return self.driver.engine

    @property
    def membership(self) -> Membership:
        """The list with everything that is known of each member."""
        return self.engine.membership

    @property
    def local(self) -> Member:
        """This node's own row."""
        return self.engine.own_member

    @property
    def address(self) -> Address:
        """The gossip address that others are told."""
        return self.engine.local.profile.address

    @property
    def is_leaving(self) -> bool:
        """Whether this node has said goodbye, and not returned."""
        return self.engine.local.goodbye

    @property
    def away_reason(self) -> str:
        """Why this node is no member of its cluster now; empty while it is."""
        if self.membership.revocations.bars(self.membership.own_id):
            return "this node was put out of the cluster: an operator must add it again"
        return "this node has left its cluster" if self.is_leaving else ""

    @property
    def generation(self) -> int:
        """A number that grows with each visible change, of others or of this node itself."""
        return self._changes + self.engine.local.incarnation - self._first_incarnation

    def members(self, *statuses: Status) -> list[Member]:
        """Give all members, or those of some statuses, in order of id (of age)."""
        return sorted((m for m in self.membership if not statuses or m.status in statuses), key=lambda m: m.id)

    def unix_time(self, at: float) -> float:
        """Turn a time of the engine's clock into unix seconds."""
        return time.time() - (self.driver.now - at)

    def is_live(self) -> bool:
        """Tell whether the engine's timers are served."""
        due = self.engine.next_deadline()
        return due is None or self.driver.now - due < LIVE_AFTER_S

    async def changes(self, after: int | None = None) -> AsyncIterator[JournalBatch]:
        """Give batches of changes, from now on or after an index; `gap` where some were missed."""
        async for batch in self.journal.follow(self.journal.index if after is None else after):
            yield batch

    # --- joining --------------------------------------------------------------------------------

    async def resolve(self, text: str) -> list[Address]:
        """Give the addresses of "host", "host:port" or "[v6]:port"; the port defaults to our own."""
        return await self._resolver.resolve(text, self.address.port)

    async def join(self, addresses: Sequence[str], timeout_s: float = JOIN_TIMEOUT_S) -> list[Attempt]:
        """Join through each of the addresses, eight at a time; what became of each, in their order.

        Raises:
            StoreError: joined, and the disk does not take what followed: that this node is no longer out.
        """
        attempts = [Attempt(reason=f"{text} was not tried within {timeout_s:g} s") for text in addresses]
        waiting = iter(enumerate(addresses))

        async def run() -> None:
            for index, text in waiting:
                attempts[index] = Attempt(reason=f"{text} did not answer within {timeout_s:g} s")
                attempts[index] = await try_seed(text, self.resolve, self._join_address)

        with trio.move_on_after(timeout_s):
            async with trio.open_nursery() as nursery:
                for _ in range(JOINS_AT_ONCE_MAX):
                    nursery.start_soon(run)
        if any(attempt.joined for attempt in attempts):
            self.seeds.answered = True
            self.seeds.resting = False
            await self._state.flush()
        return attempts

    def choose_seeds(self) -> tuple[str, ...]:
        """Give the seeds of this start: the configured ones, else, unless it had left, those of its former life."""
        return self.config.join or (() if self.is_leaving else tuple(self.stored_seeds))

    async def run_seeds(self) -> None:
        """Join through the seeds of this start, and keep at it until cancelled.

        Raises:
            Outcast: every seed refused for good, and no member is known.
        """
        self.seeds.replace(self.choose_seeds())
        await self.seeds.run()

    async def _join_address(self, address: Address) -> Attempt:
        return await self._shake_hands(address, self.engine.join)

    async def invite_address(self, address: Address) -> Attempt:
        """Ask whoever gossips at an address to be a member; a stream that is no longer waited for is given up."""
        return await self._shake_hands(address, self.engine.invite)

    async def _shake_hands(
        self, address: Address, begin: Callable[[float, Address], tuple[int, list[Effect]]]
    ) -> Attempt:
        if address in (self.address, self.driver.datagrams.address):
            return Attempt(own_echo=True)
        stream, effects = begin(self.driver.now, address)
        done, results = self._joins[stream] = (trio.Event(), [])
        try:
            self.driver.perform(effects)
            await done.wait()
        finally:
            del self._joins[stream]
            if not done.is_set():
                self.streams.give_up(stream)
        ended = results[0]
        reason = ended.refusal.sentence if ended.refusal else ended.reason
        if not reason.startswith(f"{address}:"):
            reason = f"{address}: {reason}"
        return Attempt(
            ended.peer, ended.refusal, reason, ended.own_echo, ended.datagrams_reach, ended.met, ended.was_live
        )

    def _is_member(self, address: Address) -> bool:
        if address in (self.address, self.driver.datagrams.address):
            return True
        return any(m.address == address and m.is_live for m in self.membership)

    def _knows_members(self) -> bool:
        """Tell whether anybody is on the list, failed ones too: a node that is cut off waits, and does not exit."""
        return len(self.membership) > 1

    # --- acting ---------------------------------------------------------------------------------

    async def leave(self, *, stay: bool = False) -> None:
        """Say goodbye and return when it has spread (5 s at most); unless `stay`, the node then ends."""
        if self._leave_ended.is_set():  # else one is under way, and who began it waits for the same event
            self._leave_ended = trio.Event()
        self.seeds.resting = True
        self.driver.perform(self.engine.leave(self.driver.now))
        await self._leave_ended.wait()
        await self._state.flush()
        if not stay:
            self.ending.set()

    async def force_leave(self, node: str, *, prune: bool = False) -> bool:
        """Make a failed member left, or gone; False if no member has that name or id."""
        member = self.membership.find(node)
        if member is None:
            return False
        self.driver.perform(self.engine.force_leave(self.driver.now, member.id, prune=prune))
        await self._state.flush()
        return True

    def say(self, key: bytes, value: bytes | None) -> None:
        """Tell all members what stands under a key of this node's; with None, that nothing does any more.

        Raises:
            InvalidRequest: out of bounds; nothing changed.
        """
        now_ms = time.time_ns() // 1_000_000
        self.driver.perform(self.engine.put_fact(self.driver.now, now_ms, key, value))

    async def set_tags(self, changed: dict[str, str], deleted: Sequence[str] = ()) -> dict[str, str]:
        """Change this node's tags, for all to see and for its next life; gives the tags as they are now.

        Raises:
            InvalidRequest: reserved, or out of bounds; nothing changed.
            StoreError: the disk does not take it; nothing changed.
        """
        for key in (*changed, *deleted):
            if key in RESERVED_TAGS:
                raise InvalidRequest(f"the tag {key!r} is set by --region and --datacenter only")
        async with self.record_turn:  # what was checked holds until it is done
            self.engine.check_tags(changed, tuple(deleted))
            with trio.CancelScope(shield=True):  # else they would be on the disk, and not said
                await self._state.save_tags(changed, deleted)
            self.driver.perform(self.engine.set_tags(self.driver.now, changed, tuple(deleted)))
        return self.tags()

    async def configure_tags(self, configured: Mapping[str, str]) -> None:
        """Take over other tags from the configuration; what was changed while the node ran goes before them.

        Raises:
            InvalidRequest: out of bounds; nothing changed.
        """
        async with self.record_turn:
            self.prepare_tags(configured)()

    def prepare_tags(self, configured: Mapping[str, str]) -> Callable[[], None]:
        """Check tags of the configuration, and give what takes them over; the caller holds `record_turn` until then.

        Raises:
            InvalidRequest: out of bounds.
        """
        wanted = self._state.changed_tags(configured)
        gone = tuple(key for key in self.tags() if key not in wanted)
        self.engine.check_tags(wanted, gone)
        return lambda: self.driver.perform(self.engine.set_tags(self.driver.now, wanted, gone))

    def tags(self) -> dict[str, str]:
        """Give this node's own tags, without the reserved ones."""
        return {k: v for k, v in self.engine.local.profile.tags.items() if k not in RESERVED_TAGS}

    @property
    def stored_seeds(self) -> list[str]:
        """Give the addresses this node joined through in its former life."""
        return self._state.seeds

    @property
    def knows_anybody(self) -> bool:
        """Tell whether there is anybody to look for: members, or contacts from a former life."""
        return self.membership.live_count > 1 or len(self.engine.core.book) > 0

    @property
    def tokens(self) -> TokenKeeper:
        """Who may call this node's HTTP; the secret that carries every right is in `admin.token` on the disk."""
        return self._state.tokens

    async def replace_seeds(self, seeds: Sequence[str]) -> None:
        """Join through and heal by other addresses from now on."""
        await self._state.save_seeds(seeds)
        self.seeds.replace(seeds)

    # --- effects --------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Changed(change):
                self._changes += 1
                log_change(change)
                self.journal.add(self.unix_time(change.at), change)
                self.catalog.note_change(change)
                self.peers.note_change(change)
            case FactTaken(owner, fact):
                self.catalog.note_fact(owner, fact)
            case JoinEnded():
                waiting = self._joins.get(effect.stream)
                if waiting is not None:
                    waiting[1].append(effect)
                    waiting[0].set()
            case PersistReserve() | PersistContact() | ForgetContact() | PersistPresence():
                self._changes += 1
                self._state.put(effect)
                if isinstance(effect, PersistPresence):  # who is away does not go back to its seeds by itself
                    self.seeds.resting = effect.left
                    self.peers.note_presence(effect)
            case KeyringReceived():
                self._state.put_keyring(self.driver.keyring)
            case LeaveEnded():
                self._leave_ended.set()
            case RevocationTaken():
                self._take_revocation(effect)
            case Expelled(revocation):
                self.seeds.resting = True
                _log.error(
                    "this node was put out of the cluster: %s revoked its identity; an operator must add it again",
                    format_ulid(revocation.issuer),
                )
            case SteppedDown():
                self.seeds.resting = True
                _log.error("NODE_LIMIT_EXCEEDED: another node took the license's last seat; this node leaves")
            case Cloned(address):
                self.end(
                    f"another process at {address} runs with this node's identity: its data directory was copied; "
                    "give each node its own with --data-dir"
                )
            case _:
                pass

    def _take_revocation(self, effect: RevocationTaken) -> None:
        revocation = effect.revocation
        self._changes += 1
        self._state.put(effect)
        if revocation.revoked:
            self.driver.gate.forget_peer(revocation.subject)
            self.peers.names.forget(revocation.subject)
        log_revocation(revocation)

    def end(self, reason: str) -> None:
        """End this node, for a reason that its operator reads."""
        if self.ended is None:
            self.ended = NodeEnded(reason)
        self.ending.set()

    async def raise_end(self) -> None:
        """Wait until the node has left, or cannot go on.

        Raises:
            NodeEnded: it cannot go on.
        """
        await self.ending.wait()
        if self.ended is not None:
            raise self.ended
