"""Members in Nomad's shape: eleven keys, and tags that a Serf agent would have set."""

from collections.abc import Iterator
from typing import Any, Final

from api.nomad.config import API_VERSION, OWN_VERSION_KEY
from api.view import MemberView, NodeView
from protocol.status import Status

ROLE: Final = "nomad"
"""What Nomad's servers call themselves."""

OWN_TAGS: Final = frozenset(
    {
        *("ap_version", "ap_zone", "bootstrap", "build", "dc", "expect", "id", "mvn", "nonvoter", "port", "raft_vsn"),
        *("redundancy_zone", "region", "revision", "role", "rpc_addr", "upgrade_version", "vsn", OWN_VERSION_KEY),
    }
)
"""What Nomad's servers say of themselves in tags: a user's tag of such a name would be taken for theirs."""

_WORDS: Final = {
    Status.ALIVE: "alive",
    Status.SUSPECT: "alive",  # as Serf: suspicion is no one else's business
    Status.FAILED: "failed",
    Status.LEFT: "left",
}


def member_answer(member: MemberView, is_leaving: bool, is_oldest: bool) -> dict[str, Any]:
    """Shape one member; `is_leaving` is the node's own state and concerns only itself."""
    low, high, current = member.protocol_range
    leaves = is_leaving and member.is_local and member.status is not Status.LEFT
    return {
        "Name": f"{member.name}.{member.region}",
        "Addr": member.address.host,
        "Port": member.address.port,
        "Tags": _tags(member, is_oldest),
        "Status": "leaving" if leaves else _WORDS[member.status],
        "ProtocolMin": low,
        "ProtocolMax": high,
        "ProtocolCur": current,
        "DelegateMin": low,
        "DelegateMax": high,
        "DelegateCur": current,
    }


def _tags(member: MemberView, is_oldest: bool) -> dict[str, str]:
    """Join the user's tags and those of Nomad's servers; a user's of such a name is in the native API alone.

    `bootstrap` marks the oldest member on the list, the one that began the cluster.
    """
    low, _, current = member.protocol_range
    made = {
        "build": API_VERSION,
        "dc": member.datacenter,
        "id": member.id,
        "mvn": str(low),
        "port": str(member.address.port),
        "region": member.region,
        "role": ROLE,
        OWN_VERSION_KEY: member.version,
        "vsn": str(current),
    }
    if is_oldest:
        made["bootstrap"] = "1"
    return {name: value for name, value in member.tags.items() if name not in OWN_TAGS} | made


def members_answer(view: NodeView) -> dict[str, Any]:
    """Shape the answer of /v1/agent/members."""
    local = view.local()
    members = view.members()
    oldest = members[0].id if members else ""
    return {
        "ServerName": local.name,
        "ServerRegion": local.region,
        "ServerDC": local.datacenter,
        "Members": [member_answer(member, view.is_leaving, member.id == oldest) for member in members],
    }


def local_answer(view: NodeView) -> dict[str, Any]:
    """Shape the node itself, as the list shows it."""
    local = view.local()
    members = view.members()
    return member_answer(local, view.is_leaving, bool(members) and members[0].id == local.id)


def alive_addresses(view: NodeView) -> list[str]:
    """Give the gossip addresses of the members not failed or left, by id."""
    return list(_alive_addresses(view))


def leader_address(view: NodeView) -> str:
    """Name the alive member with the smallest id: there is no leader here, and this proves nothing."""
    return next(_alive_addresses(view), "")


def _alive_addresses(view: NodeView) -> Iterator[str]:
    return (str(member.address) for member in view.members() if _WORDS[member.status] == "alive")
