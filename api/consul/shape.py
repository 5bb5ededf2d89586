"""Consul's JSON of the node's values. Lists and objects that are empty are so written, never null."""

from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from typing import Any, Final

from api.catalog_view import CatalogNode, Coordinate
from api.consul.content_hash import content_hash
from api.service_view import CheckView, ServiceView

FAMILIES_REMEMBERED_MAX: Final = 4_096
"""Addresses of which the family is remembered: reading one costs more than shaping a whole service."""


def service_shape(service: ServiceView) -> dict[str, Any]:
    """Shape a service as the agent that owns it lists it; tagged addresses where it has some, as Consul does."""
    passing, warning = service.weights
    shape = {
        "ID": service.id,
        "Service": service.name,
        "Tags": service.tags,
        "Meta": service.meta,
        "Port": service.port,
        "Address": service.address,
        "Weights": {"Passing": passing, "Warning": warning},
        "EnableTagOverride": service.enable_tag_override,
    }
    if addresses := _service_addresses(service):
        shape["TaggedAddresses"] = addresses
    return shape


def hashed_service_shape(service: ServiceView, datacenter: str) -> dict[str, Any]:
    """Shape one service as the agent that owns it shows it alone: with a hash that changes when anything of it does."""
    shape = service_shape(service)
    return shape | {"Datacenter": datacenter, "ContentHash": content_hash(shape)}


def indexed_service_shape(service: ServiceView) -> dict[str, Any]:
    """Shape a service as catalog/node and health/service have it."""
    return service_shape(service) | _indexes(service)


def agent_check_shape(check: CheckView) -> dict[str, Any]:
    """Shape a check as the agent that owns it lists it: its indexes are the catalog's business."""
    return {
        "Node": check.node,
        "CheckID": check.id,
        "Name": check.name,
        "Status": check.status.value,
        "Notes": check.notes,
        "Output": check.output,
        "ServiceID": check.service_id,
        "ServiceName": check.service_name,
        "ServiceTags": check.service_tags,
        "Type": check.kind,
        "Definition": {},
        "CreateIndex": 0,
        "ModifyIndex": 0,
    }


def local_check_shape(check: CheckView) -> dict[str, Any]:
    """Shape a check as agent/health/service has it: without its type, and with a definition that is all zero."""
    definition = {
        "Interval": "0s",
        "Timeout": "0s",
        "DeregisterCriticalServiceAfter": "0s",
        "HTTP": "",
        "Header": None,
        "Method": "",
        "Body": "",
        "TLSSkipVerify": False,
        "TCP": "",
    }
    return agent_check_shape(check) | {"Type": "", "Definition": definition}


def check_shape(check: CheckView) -> dict[str, Any]:
    """Shape a check as the health routes have it."""
    return agent_check_shape(check) | _indexes(check)


def node_shape(node: CatalogNode) -> dict[str, Any]:
    """Shape a node."""
    return {
        "ID": node.id,
        "Node": node.name,
        "Address": node.address.host,
        "Datacenter": node.datacenter,
        "TaggedAddresses": _tagged_addresses(node),
        "Meta": node.meta,
        **_indexes(node),
    }


def instance_shape(node: CatalogNode, service: ServiceView) -> dict[str, Any]:
    """Shape a service with its node, as catalog/service has it."""
    passing, warning = service.weights
    shape = {
        "ID": node.id,
        "Node": node.name,
        "Address": node.address.host,
        "Datacenter": node.datacenter,
        "TaggedAddresses": _tagged_addresses(node),
        "NodeMeta": node.meta,
        "ServiceID": service.id,
        "ServiceName": service.name,
        "ServiceTags": service.tags,
        "ServiceAddress": service.address,
        "ServiceWeights": {"Passing": passing, "Warning": warning},
        "ServiceMeta": service.meta,
        "ServicePort": service.port,
        "ServiceEnableTagOverride": service.enable_tag_override,
        **_indexes(service),
    }
    if addresses := _service_addresses(service):
        shape["ServiceTaggedAddresses"] = addresses
    return shape


def coordinate_shape(coordinate: Coordinate | None) -> dict[str, Any] | None:
    """Shape a place in the space of round trips; null where none is known."""
    if coordinate is None:
        return None
    vector, error, adjustment, height = coordinate
    return {"Vec": vector, "Error": error, "Adjustment": adjustment, "Height": height}


def place_shape(node: CatalogNode, coordinate: Coordinate) -> dict[str, Any]:
    """Shape a node's place as the coordinate routes have it; there is one segment, without a name."""
    return {"Node": node.name, "Segment": "", "Coord": coordinate_shape(coordinate)}


def _service_addresses(service: ServiceView) -> dict[str, Any]:
    """Return the tagged addresses: those given, and where its address is an IP that one under lan_ipvN and wan_ipvN."""
    family = _family(service.address)
    made = dict.fromkeys((f"lan_{family}", f"wan_{family}"), (service.address, service.port)) if family else {}
    addresses = {**made, **service.tagged_addresses}
    return {name: {"Address": address, "Port": port} for name, (address, port) in sorted(addresses.items())}


def _tagged_addresses(node: CatalogNode) -> dict[str, str]:
    host = node.address.host
    family = _family(host)
    names = ("lan", f"lan_{family}", "wan", f"wan_{family}") if family else ("lan", "wan")
    return dict.fromkeys(names, host)


@lru_cache(FAMILIES_REMEMBERED_MAX)
def _family(host: str) -> str:
    """Return `ipv4` or `ipv6`, or nothing for what Go's ParseIP takes for no address: a name, or one with a zone."""
    try:
        ip = ip_address(host)
    except ValueError:
        return ""
    if isinstance(ip, IPv4Address):
        return "ipv4"
    if ip.scope_id is not None:
        return ""
    return "ipv4" if ip.ipv4_mapped is not None else "ipv6"


def _indexes(value: ServiceView | CheckView | CatalogNode) -> dict[str, int]:
    return {"CreateIndex": value.create_index, "ModifyIndex": value.modify_index}
