"""Members in Nomad's shape: eleven keys, and tags that a Serf agent would have set."""

from collections.abc import Iterator
from typing import Any, Final

from api.view import MemberView, NodeView
from protocol.status import Status

ROLE: Final = "nomad"
"""What Nomad's servers call themselves; a user's tag `role` goes before it."""

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
    """Join the user's tags and what Nomad's own would say; only `role` may be the user's.

    `bootstrap` marks the oldest member on the list, the one that began the cluster.
    """
    low, _, current = member.protocol_range
    made = {
        "build": member.version,
        "dc": member.datacenter,
        "id": member.id,
        "mvn": str(low),
        "port": str(member.address.port),
        "region": member.region,
        "vsn": str(current),
    }
    if is_oldest:
        made["bootstrap"] = "1"
    return {"role": ROLE, **member.tags, **made}


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
