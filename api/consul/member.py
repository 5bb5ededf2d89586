"""Members in Consul's shape: eleven keys, a number for the status, and tags that a server of Consul would have set."""

from typing import Any, Final

from api.consul.config import API_VERSION, OWN_VERSION_KEY
from api.view import MemberView, NodeView
from protocol.status import Status

ROLE: Final = "consul"
"""What Consul's servers call themselves."""

BUILD: Final = f"{API_VERSION}:"
"""A version and, behind the colon, a revision, which Debian's builds have not."""

OWN_TAGS: Final = frozenset(
    {
        *("acls", "bootstrap", "build", "dc", "expect", "id", "nonvoter", "port", "raft_vsn", "read_replica", "role"),
        *("segment", "use_tls", "vsn", "vsn_max", "vsn_min", "wan_join_port", OWN_VERSION_KEY),
    }
)
"""What Consul's agents say of themselves in tags: a user's tag of such a name would be taken for theirs."""
OWN_TAG_PREFIXES: Final = ("ft_", "sl_")
"""Of features that a server has, and of the ports of its segments."""

ALIVE: Final = 1
LEAVING: Final = 2
LEFT: Final = 3
FAILED: Final = 4

STATUS_NUMBERS: Final = {
    Status.ALIVE: ALIVE,
    Status.SUSPECT: ALIVE,  # as Serf: suspicion is no one else's business
    Status.FAILED: FAILED,
    Status.LEFT: LEFT,
}


def members_answer(view: NodeView, is_wan: bool = False) -> list[dict[str, Any]]:
    """Shape the answer of /v1/agent/members; in the wide area each name has its data centre behind it."""
    members = view.members()
    oldest = members[0].id if members else ""
    uuids = {node.member_id: node.id for node in view.catalog.nodes()}
    shapes = []
    for member in members:
        shape = _member_shape(member, uuids.get(member.id, ""), view.is_leaving, member.id == oldest)
        if is_wan:
            shape["Name"] = wan_name(member)
        shapes.append(shape)
    return shapes


def local_answer(view: NodeView, uuid: str) -> dict[str, Any]:
    """Shape the node itself, as the list shows it; `uuid` is its id in the catalog, empty if it has left."""
    local = view.local()
    members = view.members()
    return _member_shape(local, uuid, view.is_leaving, bool(members) and members[0].id == local.id)


def wan_name(member: MemberView) -> str:
    """Give a member's name as the wide area has it."""
    return f"{member.name}.{member.datacenter}"


def _member_shape(member: MemberView, uuid: str, is_leaving: bool, is_oldest: bool) -> dict[str, Any]:
    low, high, current = member.protocol_range
    leaves = is_leaving and member.is_local and member.status is not Status.LEFT
    return {
        "Name": member.name,
        "Addr": member.address.host,
        "Port": member.address.port,
        "Tags": _tags(member, uuid, is_oldest),
        "Status": LEAVING if leaves else STATUS_NUMBERS[member.status],
        "ProtocolMin": low,
        "ProtocolMax": high,
        "ProtocolCur": current,
        "DelegateMin": low,
        "DelegateMax": high,
        "DelegateCur": current,
    }


def _tags(member: MemberView, uuid: str, is_oldest: bool) -> dict[str, str]:
    """Join the user's tags and those of Consul's agents; a user's of such a name is in the node's Meta alone."""
    low, high, current = member.protocol_range
    made = {
        "build": BUILD,
        "dc": member.datacenter,
        "port": str(member.address.port),
        "role": ROLE,
        "segment": "",
        OWN_VERSION_KEY: member.version,
        "vsn": str(current),
        "vsn_max": str(high),
        "vsn_min": str(low),
    }
    if uuid:  # who has left is not in the catalog
        made["id"] = uuid
    if is_oldest:
        made["bootstrap"] = "1"
    return {name: value for name, value in member.tags.items() if not _is_own(name)} | made


def _is_own(name: str) -> bool:
    return name in OWN_TAGS or name.startswith(OWN_TAG_PREFIXES)
