"""What the façade sees of a running node: `api.view.NodeView` over `node.node.Node`."""

import platform
from collections.abc import Callable, Mapping, Sequence

from api.view import (
    ConfigView,
    Event,
    EventBatch,
    EvidenceLog,
    Health,
    JoinReport,
    KeyView,
    MemberView,
    Metric,
)
from node.agent.catalog import AgentCatalog
from node.agent.licensing import AgentLicensing
from node.agent.measurement import measure
from node.agent.peers import AgentPeers
from node.agent.services import AgentServices
from node.agent.stored import stored
from node.agent.story import tell
from node.agent.tokens import AgentTokens
from node.journal import JournalEntry
from node.keyring_keeper import parse_key_id
from node.node import RESERVED_TAGS, Node
from node.version import VERSION
from protocol.address import Address, format_host_port, split_host_port
from protocol.error import InvalidRequest
from protocol.status import Status
from protocol.swim.effect import ChangeKind
from protocol.swim.member import Member
from protocol.ulid import format_ulid, ulid_time_ms

ROUND_TRIP_AGE_S = 1.0
"""How old a listing's round trips may be."""
RETRY_INTERVAL_S = 30.0


class AgentView:
    """One node's face; `http` is where it listens, once that is known."""

    def __init__(self, node: Node, http: Address | None, reason_not_ready: Callable[[], str]) -> None:
        self._node = node
        self.peers = AgentPeers(node)
        self.services = AgentServices(node)
        self.catalog = AgentCatalog(node)
        self.tokens = AgentTokens(node.tokens)
        self.licensing = AgentLicensing(node.licensing, lambda: node.membership.seats_taken)
        self.http = http
        self._reason_not_ready = reason_not_ready
        self._members: tuple[MemberView, ...] = ()
        self._members_generation = -1
        self._members_at = float("-inf")

    # --- the node -------------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        """A number that grows with each visible change."""
        return self._node.generation

    @property
    def cluster_id(self) -> str:
        """26 letters."""
        return format_ulid(self._node.driver.keyring.cluster_id)

    @property
    def version(self) -> str:
        """The software's version."""
        return VERSION

    @property
    def started_at(self) -> float:
        """Unix seconds."""
        return self._node.started_at

    @property
    def is_leaving(self) -> bool:
        """Whether this node has said goodbye."""
        return self._node.is_leaving

    @property
    def awareness(self) -> int:
        """The local health score."""
        return self._node.engine.core.awareness.score

    def local(self) -> MemberView:
        """Give the node itself."""
        return self._member(self._node.local)

    def members(self) -> tuple[MemberView, ...]:
        """Give every member; made anew when something changed, or round trips are a second old."""
        now = self._node.driver.now
        if self._members_generation != self._node.generation or now - self._members_at > ROUND_TRIP_AGE_S:
            self._members = tuple(self._member(member) for member in self._node.members())
            self._members_generation = self._node.generation
            self._members_at = now
        return self._members

    def _member(self, member: Member) -> MemberView:
        node, record = self._node, member.record
        tags = dict(record.tags)
        return MemberView(
            id=format_ulid(member.id),
            name=node.membership.shown_name(member),
            region=tags.get("region", "global"),
            datacenter=tags.get("dc", "dc1"),
            address=record.address,
            status=member.status,
            tags={key: value for key, value in record.tags if key not in RESERVED_TAGS},
            incarnation=record.incarnation,
            public_key=record.public_key,
            protocol_range=record.protocol_range,
            version=record.version,
            license_id=record.license_id,
            display_name=record.display_name,
            is_local=member.id == node.membership.own_id,
            since=node.unix_time(member.since),
            rtt_s=node.engine.round_trip_s(member.id),
            created_at=ulid_time_ms(member.id),
        )

    # --- joining and leaving --------------------------------------------------------------------

    async def join(self, addresses: Sequence[str], timeout_s: float) -> JoinReport:
        """Join through each of the addresses at once."""
        attempts = await stored(self._node.join(addresses, timeout_s))
        errors = tuple(attempt.reason for attempt in attempts if not attempt.joined)
        return JoinReport(len(attempts) - len(errors), errors)

    async def force_leave(self, node: str, prune: bool) -> bool:
        """Evict a member by name, name.region or id."""
        return await stored(self._node.force_leave(node, prune=prune))

    def servers(self) -> tuple[str, ...]:
        """Give the seeds, each with its port; this node itself where there are none."""
        port = self._node.address.port
        seeds = self._node.seeds.seeds or (str(self._node.address),)
        return tuple(sorted({_with_port(seed, port) for seed in seeds}))

    async def replace_servers(self, addresses: Sequence[str], timeout_s: float) -> tuple[str, ...]:
        """Replace the seeds by those that resolve and answer."""
        attempts = await stored(self._node.join(addresses, timeout_s))
        kept = [text for text, attempt in zip(addresses, attempts, strict=True) if attempt.joined]
        if not kept:
            raise InvalidRequest("; ".join(attempt.reason for attempt in attempts))
        port = self._node.address.port
        await stored(self._node.replace_seeds([_with_port(text, port) for text in kept]))
        return self.servers()

    async def leave(self, stay: bool) -> None:
        """Say goodbye; without `stay` the process ends a moment later."""
        await stored(self._node.leave(stay=stay))

    # --- health ---------------------------------------------------------------------------------

    def health(self) -> Health:
        """Tell whether the node is ready."""
        reason = self._node.away_reason or self._reason_not_ready()
        return Health(not reason, reason, self.licensing.warnings())

    def live(self) -> Health:
        """Tell whether the engine's timers run."""
        if self._node.is_live():
            return Health(True)
        return Health(False, "the engine's timers have not run for some seconds")

    # --- evidence and events --------------------------------------------------------------------

    def explain(self, node: str) -> EvidenceLog | None:
        """Give the evidence about a member."""
        member = self._node.membership.find(node)
        return tell(self._node, member) if member is not None else None

    @property
    def event_index(self) -> int:
        """The index of the newest event."""
        return self._node.journal.index

    def events_since(self, index: int, limit: int) -> EventBatch:
        """Give the oldest events above an index."""
        batch = self._node.journal.since(index, limit)
        return EventBatch(tuple(_event(entry) for entry in batch.entries), batch.gap)

    async def wait_for_event(self, index: int) -> None:
        """Return once there is an event above an index."""
        await self._node.journal.wait_above(index)

    # --- keys and tags --------------------------------------------------------------------------

    def keys(self) -> tuple[KeyView, ...]:
        """List the cluster keys, oldest first."""
        listing = sorted(self._node.keyring.keyring.listing(), key=lambda key: key.stamp)
        return tuple(self._key(key.key_id) for key in listing)

    def _key(self, key_id: bytes) -> KeyView:
        keeper = self._node.keyring
        return KeyView(
            key_id.hex(),
            "primary" if key_id == keeper.keyring.primary else "held",
            len(keeper.shown_by(key_id)),
            self._node.membership.live_count,
        )

    async def add_key(self, key: bytes | None) -> KeyView:
        """Add a cluster key and spread it."""
        return self._key(await stored(self._node.keyring.add(key)))

    async def use_key(self, key_id: str, force: bool) -> KeyView | None:
        """Seal with this key from now on."""
        wanted = self._held_key(key_id)
        if wanted is None:
            return None
        await stored(self._node.keyring.use(wanted, force=force))
        return self._key(wanted)

    async def retire_key(self, key_id: str) -> bool:
        """Remove a key from the whole cluster."""
        wanted = self._held_key(key_id)
        if wanted is None:
            return False
        await stored(self._node.keyring.retire(wanted))
        return True

    def _held_key(self, text: str) -> bytes | None:
        try:
            key_id = parse_key_id(text)
        except InvalidRequest:
            return None
        return key_id if key_id in self._node.keyring.keyring.key_ids else None

    async def set_tags(self, changed: Mapping[str, str], deleted: Sequence[str]) -> Mapping[str, str]:
        """Change the node's own tags."""
        return await stored(self._node.set_tags(dict(changed), deleted))

    # --- figures --------------------------------------------------------------------------------

    def config_view(self) -> ConfigView:
        """Give the running configuration."""
        config = self._node.config
        return ConfigView(
            node_name=config.name,
            region=config.region,
            datacenter=config.datacenter,
            bind=self._node.driver.datagrams.address,
            advertise=self._node.address,
            http=self.http,
            data_dir=str(config.data_dir),
            log_level=config.log_level,
            profile=config.profile,
            join=config.join,
            leave_on_terminate=config.leave_on_terminate,
            rejoin_after_leave=config.rejoin_after_leave,
            retry_interval_s=RETRY_INTERVAL_S,
        )

    def stats(self) -> Mapping[str, Mapping[str, str]]:
        """Give what `info` shows."""
        node = self._node
        core, counters, traffic = node.engine.core, node.engine.counters, node.driver.datagrams.traffic
        statuses = [member.status for member in node.membership]
        keyring = node.driver.keyring
        return {
            "gossip": {
                "members": str(len(statuses)),
                "alive": str(statuses.count(Status.ALIVE)),
                "suspect": str(statuses.count(Status.SUSPECT)),
                "failed": str(statuses.count(Status.FAILED)),
                "left": str(statuses.count(Status.LEFT)),
                "awareness": str(core.awareness.score),
                "incarnation": str(node.engine.local.incarnation),
                "view_hash": f"{core.membership.hash.root:016x}",
                "rumor_queue": str(len(core.rumors)),
                "address_book": str(len(core.book)),
                "probes": str(counters.probes),
                "probe_failures": str(counters.probe_failures),
                "suspicions": str(counters.suspicions),
                "refutations": str(counters.refutations),
                "syncs": str(counters.syncs),
                "stalls": str(counters.stalls),
                "profile": node.config.profile,
            },
            "keyring": {"keys": str(len(keyring.key_ids)), "primary": keyring.primary.hex()},
            "net": {
                "datagrams_in": str(traffic.datagrams_in),
                "datagrams_out": str(traffic.datagrams_out),
                "bytes_in": str(traffic.bytes_in),
                "bytes_out": str(traffic.bytes_out),
                "dropped": str(sum(node.driver.drops.values())),
            },
            "runtime": {"python": platform.python_version(), "kernel": platform.system().lower()},
        }

    def counters(self) -> tuple[Metric, ...]:
        """Give every measurement."""
        return measure(self._node)


def _with_port(text: str, port: int) -> str:
    try:
        return format_host_port(*split_host_port(text, port))
    except ValueError as wrong:
        raise InvalidRequest(str(wrong)) from None


def _event(entry: JournalEntry) -> Event:
    change = entry.change
    return Event(
        index=entry.index,
        at=entry.at,
        event=change.kind.value,
        member_id=format_ulid(change.id),
        name=change.name,
        address=change.address,
        incarnation=change.incarnation,
        status=None if change.kind is ChangeKind.REAP else change.status,
    )
