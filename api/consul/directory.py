"""What there is to list: the catalog as one data centre, under a request's options.

Every node that is a server in Consul's words offers the service `consul`, without a check of its own; here that is
every node, and nobody registers it: it is made in this place, at the port of the gossip.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from api.catalog_view import CatalogNode, CatalogView, Coordinate, Watch
from api.consul.distance import distance_from
from api.consul.option import NEAR_ONESELF, Options
from api.service_view import CheckView, ServiceView

OWN_SERVICE: Final = "consul"
"""Name and id."""

Listed = TypeVar("Listed")


class Directory:
    """One request's part of the catalog."""

    def __init__(self, catalog: CatalogView, options: Options, local_name: str) -> None:
        """Keep where to look; `local_name` stands for `_agent`."""
        self._catalog = catalog
        self._options = options
        self._local_name = local_name

    def nodes(self) -> list[CatalogNode]:
        """Give the nodes, the nearest first if that was asked for."""
        return self._ordered(self._wanted_nodes(), lambda node: node)

    def services(self, keep: Callable[[CatalogNode, ServiceView], bool] | None = None) -> dict[str, list[str]]:
        """Return each service's tags, sorted: those of all its instances, or of the ones to be kept."""
        catalog = self._catalog
        tags: dict[str, set[str]] = {}
        if keep is None and not self._options.node_meta and len(catalog.datacenters()) <= 1:
            tags = {name: set(held) for name, held in catalog.services().items()}
            tags.setdefault(OWN_SERVICE, set())
        else:
            for node in self._wanted_nodes():
                for service in self.services_of(node):
                    if keep is not None and not keep(node, service):
                        continue
                    tags.setdefault(service.name, set()).update(service.tags)
        return {name: sorted(held) for name, held in sorted(tags.items())}

    def instances(self, name: str) -> list[tuple[CatalogNode, ServiceView]]:
        """Give a service's instances that carry all the tags asked for, in whatever case, the nearest first."""
        wanted = {tag.lower() for tag in self._options.query.every("tag")}
        pairs = [
            (node, service)
            for node, service in self._all_instances(name)
            if self._options.wants(node) and wanted <= {tag.lower() for tag in service.tags}
        ]
        return self._ordered(pairs, lambda pair: pair[0])

    def node(self, name: str) -> CatalogNode | None:
        """Find a node by name, in any case, whatever its metadata."""
        node = self._catalog.node(name)
        return node if node is not None and node.datacenter == self._options.datacenter else None

    def services_of(self, node: CatalogNode) -> list[ServiceView]:
        """Give a node's services, its own among them."""
        return [own_service(node), *self._catalog.services_of(node)]

    def checks_of(self, node: CatalogNode) -> Sequence[CheckView]:
        """Give a node's checks, serfHealth first."""
        return self._catalog.checks_of(node)

    def service_checks(self, name: str) -> list[CheckView]:
        """Return all checks of a service, its name in any case, and nobody else's."""
        lower = name.lower()
        holders = {node.id: node for node, _ in self._catalog.instances(name) if self._options.wants(node)}
        nodes = self._ordered(holders.values(), lambda node: node)
        return [check for node in nodes for check in self.checks_of(node) if check.service_name.lower() == lower]

    def all_checks(self) -> Iterator[CheckView]:
        """Give the checks of all nodes."""
        for node in self.nodes():
            yield from self.checks_of(node)

    def _wanted_nodes(self) -> list[CatalogNode]:
        return [node for node in self._catalog.nodes() if self._options.wants(node)]

    def places(self) -> list[tuple[CatalogNode, Coordinate]]:
        """List the nodes of the data centre that have a place, by name, with it."""
        nodes = (node for node in self._catalog.nodes() if node.datacenter == self._options.datacenter)
        return [(node, node.coordinate) for node in nodes if node.coordinate is not None]

    def _all_instances(self, name: str) -> Iterator[tuple[CatalogNode, ServiceView]]:
        if name.lower() == OWN_SERVICE:
            for node in self._catalog.nodes():
                yield node, own_service(node)
        yield from self._catalog.instances(name)

    def _ordered(self, items: Iterable[Listed], node_of: Callable[[Listed], CatalogNode]) -> list[Listed]:
        """Sort by distance where that was asked for and can be told; those without a place keep their order, last."""
        near = self._options.near
        if not near:
            return list(items)
        measure = distance_from(self._catalog, self._local_name if near == NEAR_ONESELF else near)
        return list(items) if measure is None else sorted(items, key=lambda item: measure(node_of(item)))


def own_service(node: CatalogNode) -> ServiceView:
    """Make the service that a node offers by itself."""
    return ServiceView(
        id=OWN_SERVICE,
        name=OWN_SERVICE,
        tags=(),
        address="",
        port=node.address.port,
        meta={},
        enable_tag_override=False,
        weights=(1, 1),
        tagged_addresses={},
        create_index=node.create_index,
        modify_index=node.create_index,
    )


def service_watches(name: str) -> tuple[Watch, ...]:
    """Tell what an answer about a service shows; of `consul`, which nobody registers, the nodes."""
    own = (Watch("nodes"),) if name.lower() == OWN_SERVICE else ()
    return (*own, Watch("service", name))


def choice_watches(options: Options) -> tuple[Watch, ...]:
    """Return what decides of which nodes a list is: their metadata, where nodes are chosen by it."""
    return (Watch("nodes"),) if options.node_meta else ()


def node_watches(catalog: CatalogView, name: str) -> tuple[Watch, ...]:
    """Return what an answer about a node shows: that node, whatever it was found by, or where one would come from."""
    node = catalog.node(name)
    if node is None:
        return Watch("node", name), Watch("nodes")
    own = Watch("node", node.name)
    return (own,) if node.name.lower() == name.lower() else (own, Watch("node", name))
