"""A cluster of real agents that speak Consul's dialect, and the plainest of its clients: status, index and JSON."""

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster

CONSUL = ("--consul-http", "127.0.0.1:0")
SEEN_WITHIN_S = 1.0
"""Until a change of one node's services is in every node's catalog, in a small cluster of the local profile."""

Params = dict[str, str] | list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of any status."""

    status: int
    index: int
    """X-Consul-Index; 0 where there is none."""
    body: bytes

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)


def tell(text: str) -> None:
    """Show a measured figure to whoever runs pytest with -s."""
    sys.stdout.write(f"{text}\n")


def consul_port(agent: AgentProcess) -> int:
    """Tell where its Consul listener is bound, on loopback."""
    return int(str(agent.listening["consul_http"]).rsplit(":", 1)[1])


def consul(
    agent: AgentProcess,
    method: str,
    path: str,
    params: Params | None = None,
    body: Any = None,
    timeout_s: float = 15.0,
) -> Reply:
    """Make a request under /v1; any status is an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", consul_port(agent), timeout=timeout_s)
    try:
        target = f"/v1/{quote(path, safe='/:%')}" + (f"?{urlencode(params)}" if params else "")
        connection.request(method, target, None if body is None else json.dumps(body))
        response = connection.getresponse()
        return Reply(response.status, int(response.getheader("X-Consul-Index") or 0), response.read())
    finally:
        connection.close()


def put(agent: AgentProcess, path: str, body: Any = None, **params: str) -> None:
    """Make a change, which must succeed."""
    reply = consul(agent, "PUT", path, params, body)
    assert (reply.status, reply.body) == (200, b""), f"{path}: {reply}"


def get(agent: AgentProcess, path: str, **params: str) -> Any:
    """Read JSON, which must be there."""
    reply = consul(agent, "GET", path, params)
    assert reply.status == 200, f"{path}: {reply}"
    return reply.json()


def wait_catalog(what: str, agent: AgentProcess, path: str, is_so: Any, timeout_s: float = SEEN_WITHIN_S) -> float:
    """Read until something is so of the answer; the seconds it took."""
    return wait_until(f"{agent.name}: {what}", lambda: is_so(get(agent, path)), timeout_s)


@contextmanager
def running_consul_cluster(directory: Path, count: int, *options: str) -> Iterator[Cluster]:
    """Run a cluster of so many agents that speak Consul's dialect, for as long as the block lasts."""
    cluster = Cluster(directory, ("--profile", "local", *CONSUL, *options))
    try:
        cluster.start(count)
        yield cluster
    finally:
        cluster.take_down()
