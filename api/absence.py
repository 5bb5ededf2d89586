"""What there is instead of a path that no route takes, in one sentence for the person who asked.

In order: it is served on the other listener; it is of a part of Consul or Nomad that Shoal has not; a slash too many;
else the names that its parent does have.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

from api.answer import echo


class Listener(Enum):
    """The two listeners of a node, by the flags that turn them on."""

    HTTP = "--http"
    """Nomad's dialect, the Peers API and the native routes."""
    CONSUL = "--consul-http"
    """Consul's dialect and the native routes."""


NOMAD_API: Final = "Nomad's API"
PEERS_API: Final = "the Peers API"
CONSUL_API: Final = "Consul's API"

ELSEWHERE: Final[dict[Listener, dict[str, str]]] = {
    Listener.CONSUL: {
        "/v1/agent/servers": NOMAD_API,
        "/v1/agent/health": NOMAD_API,
        "/v1/regions": NOMAD_API,
        "/v1/metrics": NOMAD_API,
        "/v1/services": NOMAD_API,
        "/v1/service": NOMAD_API,
        "/v1/peers": PEERS_API,
    },
    Listener.HTTP: dict.fromkeys(
        (
            *("/v1/catalog", "/v1/health", "/v1/kv", "/v1/coordinate", "/v1/agent/health/service", "/v1/acl"),
            *("/v1/agent/connect/ca", "/v1/agent/connect/authorize", "/v1/connect/ca", "/v1/discovery-chain"),
            *("/v1/config", "/v1/connect/intentions", "/v1/event", "/v1/query", "/v1/session", "/v1/txn"),
            *("/v1/agent/services", "/v1/agent/service", "/v1/agent/checks", "/v1/agent/check"),
            *("/v1/agent/maintenance", "/v1/agent/metrics", "/v1/agent/monitor", "/v1/agent/host"),
            *("/v1/agent/leave", "/v1/agent/reload", "/v1/agent/token"),
            *("/v1/agent/join", "/v1/agent/force-leave"),  # below them: Nomad's have a parameter in place of a segment
        ),
        CONSUL_API,
    ),
}
"""What the other listener serves, by prefix, as seen from each."""

_OTHER: Final = {Listener.HTTP: Listener.CONSUL, Listener.CONSUL: Listener.HTTP}

_NO_MESH: Final = (
    "there is no service mesh here: GET /v1/health/service/<name> (--consul-http) lists where a service is"
)
_NO_TENANTS: Final = "there are no namespaces, partitions or peerings here: a cluster is one, and its nodes have tags"
_NO_JOBS: Final = (
    "no jobs run here, only members and services are kept: GET /v1/agent/members, GET /v1/services (--http)"
)
_NO_NODES: Final = "no nodes run jobs here: GET /v1/agent/members lists the members, /v1/cluster/members all about them"
_NO_PAGE: Final = "there is no web page here: GET /v1/cluster/members and /v1/cluster/services show what it would"
_NO_RAFT: Final = "there is no Raft here: every node holds the state of all, and keeps its own in its data directory"

ABSENT: Final = {
    # Consul's
    "/v1/agent/connect": _NO_MESH,
    "/v1/connect": _NO_MESH,
    "/v1/internal": _NO_PAGE,
    "/v1/namespace": _NO_TENANTS,
    "/v1/namespaces": _NO_TENANTS,
    "/v1/operator": _NO_RAFT,
    "/v1/operator/keyring": "the keyring is at /v1/cluster/keys, which takes the admin token",
    "/v1/operator/license": "the license is at /v1/cluster/license",
    "/v1/operator/metrics": "measurements are at /metrics",
    "/v1/partition": _NO_TENANTS,
    "/v1/partitions": _NO_TENANTS,
    "/v1/peering": _NO_TENANTS,
    "/v1/peerings": _NO_TENANTS,
    "/v1/snapshot": _NO_RAFT,
    "/ui": _NO_PAGE,
    # Nomad's
    "/v1/allocation": _NO_JOBS,
    "/v1/allocations": _NO_JOBS,
    "/v1/client": _NO_JOBS,
    "/v1/deployment": _NO_JOBS,
    "/v1/deployments": _NO_JOBS,
    "/v1/evaluation": _NO_JOBS,
    "/v1/evaluations": _NO_JOBS,
    "/v1/job": _NO_JOBS,
    "/v1/jobs": _NO_JOBS,
    "/v1/node": _NO_NODES,
    "/v1/nodes": _NO_NODES,
    "/v1/plugin": _NO_JOBS,
    "/v1/plugins": _NO_JOBS,
    "/v1/quota": _NO_TENANTS,
    "/v1/quotas": _NO_TENANTS,
    "/v1/recommendation": _NO_JOBS,
    "/v1/recommendations": _NO_JOBS,
    "/v1/scaling": _NO_JOBS,
    "/v1/search": "there is no search here: GET /v1/cluster/members and /v1/cluster/services list all there is",
    "/v1/sentinel": "there are no policies here: tokens and their rights are at /v1/cluster/tokens",
    "/v1/system": "nothing is to be collected here: failed members are forgotten in time, or by force-leave?prune",
    "/v1/validate": _NO_JOBS,
    "/v1/var": "there are no variables here: a node has tags, at PUT /v1/cluster/tags",
    "/v1/vars": "there are no variables here: a node has tags, at PUT /v1/cluster/tags",
    "/v1/volume": _NO_JOBS,
    "/v1/volumes": _NO_JOBS,
}
"""Parts of Consul and Nomad that there are not, by prefix, with what there is instead."""


class Absence:
    """The words for unknown paths on one listener."""

    def __init__(self, rules: Iterable[str], listener: Listener) -> None:
        """Keep the paths of all routes; each is a rule of werkzeug's, whose parameters begin with `<`."""
        self._listener = listener
        self._paths = frozenset(rule.partition("<")[0].rstrip("/") for rule in rules)

    def explain(self, path: str) -> str:
        """Return the sentence for a path that no route takes."""
        if api := _find(ELSEWHERE[self._listener], path):
            return f"this is {api}, which this port has not: ask the port of {_OTHER[self._listener].value}"
        if sentence := _find(ABSENT, path):
            return sentence
        bare = path.rstrip("/")
        if bare in self._paths and bare != path:
            return f"there is no such path here: leave out the slash at the end of {echo(path)}"
        return self._list_names(bare)

    def _list_names(self, path: str) -> str:
        """Name what the nearest parent that there is has."""
        parent = path.rpartition("/")[0]
        while parent and not (names := self._names_under(parent)):
            parent = parent.rpartition("/")[0]
        if not parent:
            parent, names = "/v1", self._names_under("/v1")
        return f"there is no {echo(path or '/')} here: under {parent} there are {', '.join(names)}"

    def _names_under(self, parent: str) -> Sequence[str]:
        start = f"{parent}/"
        return sorted({path[len(start) :].partition("/")[0] for path in self._paths if path.startswith(start)})


def _find(table: dict[str, str], path: str) -> str:
    """Find the entry of the longest prefix that ends at a slash; empty: there is none."""
    prefix = path.rstrip("/")
    while prefix:
        if prefix in table:
            return table[prefix]
        prefix = prefix.rpartition("/")[0]
    return ""
