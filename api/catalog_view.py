"""What the façade needs of a node to tell where services are in the whole cluster.

Everything comes from this node's own memory. Each answer has an index: it is above 0, never falls while the process
lives, and grows whenever what that answer shows may have changed. `Watch` names what an answer shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from api.service_view import CheckView, ServiceView
from protocol.address import Address

Coordinate = tuple[tuple[float, ...], float, float, float]
"""Serf's: eight dimensions, error, adjustment, height; seconds."""


@dataclass(frozen=True, slots=True)
class CatalogNode:
    """A member that has not left, as the catalog has it."""

    id: str
    """A UUID made of the member's id, as Consul's clients expect one."""
    member_id: str
    """26 letters."""
    name: str
    address: Address
    """Of its gossip; answers show the host."""
    datacenter: str
    meta: Mapping[str, str]
    """The member's tags."""
    is_failed: bool
    coordinate: Coordinate | None
    create_index: int
    modify_index: int


@dataclass(frozen=True, slots=True)
class Watch:
    """What an answer shows, so that only changes of that wake its waiters."""

    kind: Literal["nodes", "services", "service", "node", "checks", "coordinates"]
    name: str = ""
    """Of `service` and `checks` a service's name ("" in `checks`: all checks), of `node` a node's; in any case."""


class CatalogView(Protocol):
    """The cluster's services, by node and by name."""

    @property
    def datacenter(self) -> str:
        """This node's own."""
        ...

    def datacenters(self) -> tuple[str, ...]:
        """Give the data centres of all nodes, this node's first, the others by name."""
        ...

    def nodes(self) -> Sequence[CatalogNode]:
        """Give all nodes by name, failed ones too."""
        ...

    def node(self, name: str) -> CatalogNode | None:
        """Find a node by name, id or "name.region"; by a name in another case if none bears the very one."""
        ...

    def services(self) -> Mapping[str, frozenset[str]]:
        """Return the tags of each service name as it was registered, over all nodes."""
        ...

    def services_of(self, node: CatalogNode) -> Sequence[ServiceView]:
        """Give a node's services by id."""
        ...

    def instances(self, service: str) -> Sequence[tuple[CatalogNode, ServiceView]]:
        """Return all instances of a service, whose names may differ in case, by node and id."""
        ...

    def checks_of(self, node: CatalogNode) -> Sequence[CheckView]:
        """Give a node's checks by id, serfHealth first: critical while this node holds the member failed."""
        ...

    @property
    def newest(self) -> int:
        """The largest index that any answer has had; one above it is of another node, or of an earlier run."""
        ...

    def index(self, watch: Watch) -> int:
        """Tell the index of an answer; of a service that does not exist (yet) too."""
        ...

    async def wait(self, watch: Watch, index: int) -> None:
        """Return once the index of an answer is above one. Costs no more than an event while waiting; cancel freely."""
        ...

    def leader(self) -> str:
        """Give "ip:port" of the alive member with the smallest id."""
        ...

    def alive_addresses(self) -> Sequence[str]:
        """Give "ip:port" of all alive members, sorted."""
        ...
