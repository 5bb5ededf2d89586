"""What the façade needs from a node: values it shows and a protocol that the node satisfies.

Everything is text, numbers and protocol leaves, so a test can stand in for a node. Synchronous methods
answer from memory, without disk or network, and may be called for every request. Times called `at` or
`since` are wall time, unix seconds.

A request that is not possible (a bad address, a key that not all have shown) raises
`protocol.error.InvalidRequest`, whose text is the one sentence the client reads with status 400; nothing
was changed then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from api.catalog_view import CatalogView
from api.license_view import LicensingView
from api.peer_view import PeersView
from api.service_view import ServicesView
from api.token_view import TokensView
from protocol.address import Address
from protocol.status import Status


@dataclass(frozen=True, slots=True)
class MemberView:
    """One member as this node sees it now."""

    id: str
    """26 letters."""
    name: str
    """The shown name; of two alive members with one name the one of the larger id is `name~last4`."""
    region: str
    datacenter: str
    address: Address
    """Of its gossip listener."""
    status: Status
    tags: Mapping[str, str]
    """The user's tags, without `region` and `dc`."""
    incarnation: int
    public_key: bytes
    protocol_range: tuple[int, int, int]
    """Lowest and highest protocol version spoken, and the one in use."""
    version: str
    license_id: str
    """Empty: the open license."""
    display_name: str
    """Empty: none was given."""
    is_local: bool
    since: float
    """When this node saw the present status begin, unix seconds."""
    rtt_s: float | None
    """A recent round trip of a probe; None: not measured, or the node itself."""
    created_at: int
    """The time in the id, unix ms."""


@dataclass(frozen=True, slots=True)
class JoinReport:
    """What became of the addresses given to a join."""

    joined: int
    """How many addresses answered; oneself counts, and so does each repetition."""
    errors: tuple[str, ...] = ()
    """One sentence for each address that did not."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether all is well, and if not, why in one sentence."""

    ok: bool
    reason: str = ""
    warnings: tuple[str, ...] = ()
    """What an operator should know though all is well, one sentence each."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What led this node to one change of its view of a member."""

    at: float
    change: str
    """What happened: the event's name (`member-suspect`), or `accusation`, `confirmation`, `refutation`."""
    status: Status
    """After the change."""
    incarnation: int
    by: tuple[str, ...] = ()
    """Shown names of the accusers, or of the evictor."""
    paths: tuple[str, ...] = ()
    """Each path that was tried and what came of it, one sentence each."""
    rtt_s: float | None = None
    """The last round trip before the change."""
    awareness: int = 0
    """This node's own local health score then; 0 is healthy."""
    stall_s: float = 0.0
    """How late this node's own timers were then."""
    text: str = ""
    """One sentence for a person."""


@dataclass(frozen=True, slots=True)
class EvidenceLog:
    """The evidence still kept about one member, oldest first."""

    member_id: str
    name: str
    status: Status | None
    """None: the member is reaped or pruned, only its log is left."""
    entries: tuple[Evidence, ...]
    forgotten: int = 0
    """How many older entries the bounded log has dropped."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of the member list, numbered."""

    index: int
    """Grows by at least 1 with each event of this process, and begins above those of earlier runs."""
    at: float
    event: str
    """`member-join`, `-suspect`, `-failed`, `-leave`, `-restart`, `-update`, `-conflict` or `-reap`."""
    member_id: str
    name: str
    address: Address
    incarnation: int
    status: Status | None
    """None: the member is off the list."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events after an index, oldest first."""

    events: tuple[Event, ...]
    gap: bool = False
    """The ring has moved on, or the index is not of this ring: some events before these are lost."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """One cluster key; never its bytes."""

    id: str
    """8 hex letters."""
    state: Literal["held", "primary"]
    """At most one is primary: the newest that `use` chose."""
    shown_count: int
    """How many alive members have shown that they hold it, this node included."""
    member_count: int
    """How many alive members there are, this node included."""


@dataclass(frozen=True, slots=True)
class ConfigView:
    """The running configuration, without secrets."""

    node_name: str
    region: str
    datacenter: str
    bind: Address
    advertise: Address
    http: Address | None
    """Of the listener that serves the Nomad dialect, as bound; None while it is off."""
    data_dir: str
    log_level: str
    profile: str
    join: tuple[str, ...] = ()
    """As given with --join."""
    config_files: tuple[str, ...] = ()
    leave_on_interrupt: bool = True
    leave_on_terminate: bool = False
    rejoin_after_leave: bool = False
    dev_mode: bool = False
    """Whether nothing is kept on disk."""
    retry_interval_s: float = 30.0
    """The longest pause between two attempts to reach a seed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations counted by size."""

    buckets: tuple[tuple[float, int], ...]
    """(upper bound, how many were at or below it): bounds ascend and counts accumulate."""
    count: int
    sum: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of measurements; a counter's name ends in `_total`."""

    name: str
    help: str
    kind: Literal["gauge", "counter", "histogram"]
    samples: tuple[Sample | Histogram, ...]
    """Histograms for the kind histogram, else Samples."""


class NodeView(Protocol):
    """A running node, as HTTP sees it."""

    @property
    def generation(self) -> int:
        """A number that grows with each visible change of the list or of `is_leaving`; round trips do not count."""
        ...

    @property
    def cluster_id(self) -> str:
        """26 letters."""
        ...

    @property
    def version(self) -> str:
        """The software's version."""
        ...

    @property
    def started_at(self) -> float:
        """When the process started, unix seconds."""
        ...

    @property
    def is_leaving(self) -> bool:
        """Whether the node has said goodbye and has not joined again."""
        ...

    @property
    def awareness(self) -> int:
        """The local health score; 0 is healthy."""
        ...

    @property
    def peers(self) -> PeersView:
        """The node as the Peers API sees it."""
        ...

    @property
    def services(self) -> ServicesView:
        """The services and checks that this node owns."""
        ...

    @property
    def catalog(self) -> CatalogView:
        """The services of the whole cluster."""
        ...

    @property
    def tokens(self) -> TokensView:
        """Who may call it."""
        ...

    @property
    def licensing(self) -> LicensingView:
        """The license it runs under."""
        ...

    def local(self) -> MemberView:
        """Give the node itself."""
        ...

    def members(self) -> tuple[MemberView, ...]:
        """Give every member on the list, oneself included, ordered by id.

        The same tuple is given again until something changed; round trips in it may be a second old.
        """
        ...

    async def join(self, addresses: Sequence[str], timeout_s: float) -> JoinReport:
        """Join through each of the addresses ("host", "host:port", "[v6]:port"), at once.

        A missing port means this node's own gossip port. Never raises for an address: what is wrong
        with it is an error in the report, and so is what has not ended within `timeout_s`.
        """
        ...

    async def force_leave(self, node: str, prune: bool) -> bool:
        """Evict a member given by name, name.region or id; False: there is none.

        An alive one refutes and stays. With `prune` it is off the list at once.
        """
        ...

    def servers(self) -> tuple[str, ...]:
        """Give the addresses this node joins through and heals by, sorted, each with its port."""
        ...

    async def replace_servers(self, addresses: Sequence[str], timeout_s: float) -> tuple[str, ...]:
        """Replace the list as a whole by those of the addresses that resolve and answer; give the new one.

        Raises:
            InvalidRequest: none is left; the text has the reasons and the old list stays.
        """
        ...

    def health(self) -> Health:
        """Tell whether the node is ready: seeds given and joined, or none given, and not leaving."""
        ...

    def live(self) -> Health:
        """Tell whether the engine's timers ran within the last seconds."""
        ...

    def explain(self, node: str) -> EvidenceLog | None:
        """Give the evidence about a member by name, name.region or id; None: there is none."""
        ...

    @property
    def event_index(self) -> int:
        """The index of the newest event, or where the ring begins if there was none yet; above 0."""
        ...

    def events_since(self, index: int, limit: int) -> EventBatch:
        """Give the oldest events with an index above `index`, at most `limit`."""
        ...

    async def wait_for_event(self, index: int) -> None:
        """Return once `event_index` is above `index`. Costs nothing while waiting; cancel freely."""
        ...

    async def leave(self, stay: bool) -> None:
        """Say goodbye and return when it has spread, or its time was up.

        Without `stay` the process ends afterwards, late enough for the answer to be sent.
        """
        ...

    def keys(self) -> tuple[KeyView, ...]:
        """List the cluster keys held, oldest first."""
        ...

    async def add_key(self, key: bytes | None) -> KeyView:
        """Add a cluster key of 32 bytes, or a fresh random one, and spread it.

        Raises:
            InvalidRequest: the ring is full, or holds it already, or the key is not 32 bytes.
        """
        ...

    async def use_key(self, key_id: str, force: bool) -> KeyView | None:
        """Seal with this key from now on, in the whole cluster; None: no such key is held.

        Raises:
            InvalidRequest: without `force`, some alive member has not shown it.
        """
        ...

    async def retire_key(self, key_id: str) -> bool:
        """Remove a key from the whole cluster; False: no such key is held.

        Raises:
            InvalidRequest: it is the key in use.
        """
        ...

    async def set_tags(self, changed: Mapping[str, str], deleted: Sequence[str]) -> Mapping[str, str]:
        """Change the node's own tags and give them all; deleting an unknown one is no error.

        Raises:
            InvalidRequest: a key is reserved, too long or not printable, or there are too many.
        """
        ...

    def config_view(self) -> ConfigView:
        """Give the running configuration."""
        ...

    def stats(self) -> Mapping[str, Mapping[str, str]]:
        """Give what `info` shows, in groups (gossip, keyring, net ...); all values are text."""
        ...

    def counters(self) -> tuple[Metric, ...]:
        """Give every measurement of the node, for `/metrics`."""
        ...
