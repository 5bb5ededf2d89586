"""What the façade sees of the catalog: `api.catalog_view.CatalogView` over `node.catalog`."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from api.catalog_view import CatalogNode, Coordinate, Watch
from api.service_view import CheckStatus, CheckView, ServiceView
from node.agent.service_shape import show_check, show_service
from node.catalog import Held, NodeFacts, Topic
from node.node import RESERVED_TAGS, Node
from protocol.catalog.service import Service
from protocol.status import Status
from protocol.swim import vivaldi
from protocol.swim.member import Member
from protocol.ulid import MemberId, format_ulid, parse_ulid

SERF_HEALTH = "serfHealth"


class AgentCatalog:
    """The cluster's services as one node knows them."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._catalog = node.catalog

    @property
    def datacenter(self) -> str:
        """This node's own."""
        return self._node.config.datacenter

    # --- nodes ----------------------------------------------------------------------------------

    def datacenters(self) -> tuple[str, ...]:
        """Give the data centres of all nodes, this node's first."""
        others = {_datacenter(member) for member in self._catalog.members()} - {self.datacenter}
        return (self.datacenter, *sorted(others))

    def nodes(self) -> Sequence[CatalogNode]:
        """Give all nodes by name."""
        return [self._view(member) for member in self._catalog.members()]

    def node(self, name: str) -> CatalogNode | None:
        """Find a node by name, in any case if none bears the very one."""
        member = self._node.membership.find_in_any_case(name)
        return None if member is None or member.status is Status.LEFT else self._view(member)

    def _view(self, member: Member) -> CatalogNode:
        facts = self._catalog.of(member.id)
        is_local = member.id == self._node.membership.own_id
        coordinate = self._node.engine.coordinate
        if not is_local and coordinate is not None:  # where nobody measures nobody has a place
            coordinate = facts.coordinate or vivaldi.ORIGIN
        return CatalogNode(
            id=str(UUID(bytes=member.id)),
            member_id=format_ulid(member.id),
            name=self._node.membership.shown_name(member),
            address=member.address,
            datacenter=_datacenter(member),
            meta={key: value for key, value in member.record.tags if key not in RESERVED_TAGS},
            is_failed=member.status is Status.FAILED,
            coordinate=None if coordinate is None else _coordinate(coordinate),
            create_index=facts.create_index,
            modify_index=facts.modify_index,
        )

    # --- services and checks --------------------------------------------------------------------

    def services(self) -> Mapping[str, frozenset[str]]:
        """Give the tags of each service name."""
        return self._catalog.names()

    def services_of(self, node: CatalogNode) -> Sequence[ServiceView]:
        """Give a node's services by id."""
        held = self._facts(node).services
        return [_service(held[id]) for id in sorted(held)]

    def instances(self, service: str) -> Sequence[tuple[CatalogNode, ServiceView]]:
        """Return all instances of a service, in any case, by node and id."""
        views: dict[MemberId, CatalogNode] = {}
        found: list[tuple[CatalogNode, ServiceView]] = []
        for id, held in self._catalog.instances(service):
            member = self._node.membership.get(id)
            if member is not None:
                view = views.get(id) or views.setdefault(id, self._view(member))
                found.append((view, _service(held)))
        return sorted(found, key=lambda pair: (pair[0].name, pair[1].id))

    def checks_of(self, node: CatalogNode) -> Sequence[CheckView]:
        """Give a node's checks by id, serfHealth first."""
        facts = self._facts(node)
        is_local = node.member_id == format_ulid(self._node.local.id)
        serf_health = _serf_health(node, facts.status_index or node.create_index)
        return [serf_health, *(self._check(node, facts, id, is_local) for id in sorted(facts.checks))]

    def _check(self, node: CatalogNode, facts: NodeFacts, id: str, is_local: bool) -> CheckView:
        """Show a check; of this node's own as it stands now, with all of its output."""
        held = facts.checks[id]
        check = (self._node.services.check(id) if is_local else None) or held.value
        service = facts.services.get(check.service_id)
        return show_check(
            check, node.name, None if service is None else service.value, held.create_index, held.modify_index
        )

    def _facts(self, node: CatalogNode) -> NodeFacts:
        return self._catalog.of(MemberId(parse_ulid(node.member_id)))

    # --- waiting --------------------------------------------------------------------------------

    @property
    def newest(self) -> int:
        """The largest index of all answers so far."""
        return self._catalog.newest

    def index(self, watch: Watch) -> int:
        """Tell the index of an answer."""
        return self._catalog.index(_topic(watch))

    async def wait(self, watch: Watch, index: int) -> None:
        """Return once the index of an answer is above one."""
        await self._catalog.wait(_topic(watch), index)

    # --- status ---------------------------------------------------------------------------------

    def leader(self) -> str:
        """Give the address of the alive member with the smallest id."""
        alive = self._node.members(Status.ALIVE, Status.SUSPECT)
        return str(alive[0].address) if alive else ""

    def alive_addresses(self) -> Sequence[str]:
        """Give the addresses of all alive members, sorted."""
        return sorted(str(member.address) for member in self._node.members(Status.ALIVE, Status.SUSPECT))


def _datacenter(member: Member) -> str:
    return dict(member.record.tags).get("dc", "dc1")


def _topic(watch: Watch) -> Topic:
    return (watch.kind, watch.name.lower())


def _coordinate(held: vivaldi.Coordinate) -> Coordinate:
    return (tuple(held.vec), held.error, held.adjustment, held.height)


def _service(held: Held[Service]) -> ServiceView:
    return show_service(held.value, held.create_index, held.modify_index)


def _serf_health(node: CatalogNode, modify_index: int) -> CheckView:
    failed = node.is_failed
    return CheckView(
        node.name,
        SERF_HEALTH,
        "Serf Health Status",
        CheckStatus.CRITICAL if failed else CheckStatus.PASSING,
        "",
        "Agent not live or unreachable" if failed else "Agent alive and reachable",
        "",
        "",
        (),
        "",
        node.create_index,
        modify_index,
    )
