"""A catalog that is all memory: satisfies `api.catalog_view.CatalogView`."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import trio

from api.catalog_view import CatalogNode, Coordinate, Watch
from api.service_view import CheckStatus, CheckView, ServicesView, ServiceView
from api.view import MemberView
from protocol.status import Status

FIRST_INDEX = 100


def _folded(watch: Watch) -> Watch:
    return Watch(watch.kind, watch.name.lower())


def place(x: float, height: float = 0.0, adjustment: float = 0.0) -> Coordinate:
    """Give a coordinate on a line."""
    return ((x, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 1.5, adjustment, height)


def remote_service(id: str, name: str = "", tags: tuple[str, ...] = (), port: int = 9000) -> ServiceView:
    """Give a service of another node."""
    return ServiceView(id, name or id, tags, "", port, {}, False, (1, 1), {}, 31, 32)


class FakeCatalog:
    """The members of a fake node with their services: its own, and those a test gives the others."""

    datacenter = "dc1"

    def __init__(self, members: Callable[[], tuple[MemberView, ...]]) -> None:
        self._members = members
        self.local: ServicesView
        """Set once the node's own services are there."""
        self.remote: dict[str, list[ServiceView]] = {}
        self.remote_checks: dict[str, list[CheckView]] = {}
        self.coordinates: dict[str, Coordinate] = {"n1": place(0.0)}
        self.waiter_count = 0
        self._newest = FIRST_INDEX
        self._indexes: dict[Watch, int] = {}
        self._news: dict[Watch, trio.Event] = {}

    def touch(self, *watches: Watch) -> None:
        """Say that these answers have changed."""
        self._newest += 1
        for watch in map(_folded, watches):
            self._indexes[watch] = self._newest
            news = self._news.pop(watch, None)
            if news is not None:
                news.set()

    def service_changed(self, name: str, node: str = "n1") -> None:
        """Say that a service of a node, or its checks, or with "" the node's own checks, have changed."""
        names = {name} if name else {service.name for service in self._services(node)}
        touched = [Watch("services"), Watch("node", node), Watch("checks")]
        for one in names:
            touched += [Watch("service", one), Watch("checks", one)]
        self.touch(*touched)

    def add_remote(self, node: str, service: ServiceView, *checks: CheckView) -> None:
        """Give another node a service with its checks."""
        self.remote.setdefault(node, []).append(service)
        self.remote_checks.setdefault(node, []).extend(checks)
        self.service_changed(service.name, node)

    def datacenters(self) -> tuple[str, ...]:
        """Give this node's, then the others by name."""
        others = {member.datacenter for member in self._members()} - {self.datacenter}
        return (self.datacenter, *sorted(others))

    def nodes(self) -> Sequence[CatalogNode]:
        """Give all that have not left."""
        return [self._node(member) for member in self._members() if member.status is not Status.LEFT]

    def _node(self, member: MemberView) -> CatalogNode:
        return CatalogNode(
            id=str(UUID(int=member.created_at)),
            member_id=member.id,
            name=member.name,
            address=member.address,
            datacenter=member.datacenter,
            meta=member.tags,
            is_failed=member.status is Status.FAILED,
            coordinate=self.coordinates.get(member.name),
            create_index=11,
            modify_index=12,
        )

    def node(self, name: str) -> CatalogNode | None:
        """Find one."""
        nodes = self.nodes()
        exact = next((node for node in nodes if name in (node.name, node.member_id)), None)
        return exact or next((node for node in nodes if node.name.lower() == name.lower()), None)

    def services(self) -> Mapping[str, frozenset[str]]:
        """Give the tags of each."""
        found: dict[str, frozenset[str]] = {}
        for node in self.nodes():
            for service in self._services(node.name):
                found[service.name] = found.get(service.name, frozenset()) | frozenset(service.tags)
        return found

    def services_of(self, node: CatalogNode) -> Sequence[ServiceView]:
        """Give a node's."""
        return self._services(node.name)

    def _services(self, node: str) -> Sequence[ServiceView]:
        held = self.local.services().values() if node == "n1" else self.remote.get(node, [])
        return sorted(held, key=lambda service: service.id)

    def instances(self, service: str) -> Sequence[tuple[CatalogNode, ServiceView]]:
        """Give all of one name."""
        wanted = service.lower()
        return [(node, one) for node in self.nodes() for one in self._services(node.name) if one.name.lower() == wanted]

    def checks_of(self, node: CatalogNode) -> Sequence[CheckView]:
        """Give a node's."""
        status = CheckStatus.CRITICAL if node.is_failed else CheckStatus.PASSING
        output = "Agent not live or unreachable" if node.is_failed else "Agent alive and reachable"
        serf = CheckView(node.name, "serfHealth", "Serf Health Status", status, "", output, "", "", (), "", 11, 13)
        held = self.local.checks().values() if node.name == "n1" else self.remote_checks.get(node.name, [])
        return [serf, *sorted(held, key=lambda check: check.id)]

    @property
    def newest(self) -> int:
        """Return when anything changed last."""
        return self._newest

    def index(self, watch: Watch) -> int:
        """Tell when it changed last."""
        return self._indexes.get(_folded(watch), FIRST_INDEX)

    async def wait(self, watch: Watch, index: int) -> None:
        """Wait until it changes."""
        self.waiter_count += 1
        try:
            while self.index(watch) <= index:
                await self._news.setdefault(_folded(watch), trio.Event()).wait()
        finally:
            self.waiter_count -= 1

    def leader(self) -> str:
        """Name the first alive member."""
        return next(iter(self._alive()), "")

    def alive_addresses(self) -> Sequence[str]:
        """Give all."""
        return sorted(self._alive())

    def _alive(self) -> list[str]:
        return [str(one.address) for one in self._members() if one.status in (Status.ALIVE, Status.SUSPECT)]
