"""The part `stats` of /v1/agent/self: groups of text, with Nomad's groups among the node's own."""

import os
import platform
import threading

from api.nomad.member import leader_address
from api.view import NodeView
from protocol.status import Status


def stats_answer(view: NodeView) -> dict[str, dict[str, str]]:
    """Shape the groups; where the node has a group of the same name, its values join and win."""
    groups = {
        "runtime": runtime_group(),
        "nomad": _nomad(view),
        "raft": raft_group(),
        "client": _client(view),
        "serf": serf_group(view),
        "shoal": {"version": view.version},
    }
    for name, values in view.stats().items():
        groups.setdefault(name, {}).update(values)
    return groups


def runtime_group() -> dict[str, str]:
    """Tell of the machine and the interpreter."""
    count = str(os.cpu_count() or 1)
    return {
        "kernel.name": platform.system().lower(),
        "arch": platform.machine(),
        "version": f"python{platform.python_version()}",
        "cpu_count": count,
        "max_procs": count,
        "goroutines": str(threading.active_count()),
    }


def _nomad(view: NodeView) -> dict[str, str]:
    leader = leader_address(view)
    return {
        "server": "true",
        "leader": _word(leader == str(view.local().address)),
        "leader_addr": leader,
        "bootstrap": "false",
        "known_regions": str(len({member.region for member in view.members()})),
    }


def raft_group() -> dict[str, str]:
    """Give the zero values: there is no Raft here."""
    zero = (
        *("applied_index", "commit_index", "fsm_pending", "last_log_index", "last_log_term", "last_snapshot_index"),
        *("last_snapshot_term", "latest_configuration_index", "num_peers", "protocol_version", "protocol_version_max"),
        *("protocol_version_min", "snapshot_version_max", "snapshot_version_min", "term"),
    )
    return {**dict.fromkeys(zero, "0"), "last_contact": "never", "latest_configuration": "[]", "state": ""}


def _client(view: NodeView) -> dict[str, str]:
    return {
        "node_id": view.local().id,
        "known_servers": ",".join(view.servers()),
        "num_allocations": "0",
        "last_heartbeat": "0s",
        "heartbeat_ttl": "0s",
    }


def serf_group(view: NodeView) -> dict[str, str]:
    """Count members, with the zero values of what Serf has and the gossip here has not."""
    statuses = [member.status for member in view.members()]
    return {
        "members": str(len(statuses)),
        "failed": str(statuses.count(Status.FAILED)),
        "left": str(statuses.count(Status.LEFT)),
        "health_score": str(view.awareness),
        "encrypted": "true",
        "member_time": str(view.generation),
        "event_time": "0",
        "event_queue": "0",
        "intent_queue": "0",
        "query_time": "0",
        "query_queue": "0",
    }


def _word(value: bool) -> str:
    return "true" if value else "false"
