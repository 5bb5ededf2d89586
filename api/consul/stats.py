"""The part `Stats` of /v1/agent/self: groups of text, with Consul's groups among the node's own."""

from typing import Final

from api.consul.config import API_VERSION
from api.nomad.stats import raft_group, runtime_group, serf_group
from api.view import NodeView

NOT_RUN: Final = ("ttl", "maintenance", "")
"""Kinds of checks that the agent does not run itself."""


def stats_answer(view: NodeView) -> dict[str, dict[str, str]]:
    """Shape the groups; where the node has a group of the same name, its values join and win."""
    serf = serf_group(view)
    groups = {
        "agent": _agent(view),
        "build": {"prerelease": "", "revision": view.version, "version": API_VERSION},
        "consul": _consul(view),
        "raft": raft_group(),
        "runtime": _runtime(),
        "serf_lan": serf,
        "serf_wan": dict(serf),
        "shoal": {"version": view.version},
    }
    for name, values in view.stats().items():
        groups.setdefault(name, {}).update(values)
    return groups


def _agent(view: NodeView) -> dict[str, str]:
    checks = view.services.checks().values()
    ttl_count = sum(check.kind == "ttl" for check in checks)
    return {
        "check_monitors": str(sum(check.kind not in NOT_RUN for check in checks)),
        "check_ttls": str(ttl_count),
        "checks": str(len(checks)),
        "services": str(len(view.services.services())),
    }


def _consul(view: NodeView) -> dict[str, str]:
    catalog = view.catalog
    leader = catalog.leader()
    return {
        "bootstrap": "false",
        "known_datacenters": str(len(catalog.datacenters())),
        "leader": "true" if leader == str(view.local().address) else "false",
        "leader_addr": leader,
        "server": "true",
    }


def _runtime() -> dict[str, str]:
    runtime = runtime_group()
    return {"os": runtime.pop("kernel.name"), **runtime}
