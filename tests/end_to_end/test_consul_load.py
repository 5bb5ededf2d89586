"""Many services with TTL checks on one node of three, and many blocked queries at once on one node.

A slice runs with the suite; the sizes that are promised, with their figures printed:

    SHOAL_CONSUL_SERVICES=1000 SHOAL_CONSUL_WAITERS=2000 \\
        .venv/bin/python -m pytest -s tests/end_to_end/test_consul_load.py
"""

import http.client
import json
import os
import resource
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.consul_cluster import consul, consul_port, get, put, running_consul_cluster, tell

pytestmark = pytest.mark.end_to_end

SERVICES = int(os.environ.get("SHOAL_CONSUL_SERVICES", "100"))
WAITERS = int(os.environ.get("SHOAL_CONSUL_WAITERS", "300"))
IDLE_S = float(os.environ.get("SHOAL_CONSUL_IDLE_S", "2"))
"""For how long an idle node is looked at."""
IDLE_BYTES_MAX = 1024.0
"""Sent by a node in a second while nothing changes."""
WAITER_KIB_MAX = 48.0
"""Of one blocked query: 96 MiB for 2,000."""
WAITERS_CPU_MAX = 0.01
"""Of a core, for all blocked queries while nothing changes, beyond what the node takes without them."""
SPREAD_TIMEOUT_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def _asking(agent: AgentProcess) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", consul_port(agent), timeout=20)) as connection:
        yield connection


def cpu_s(agent: AgentProcess) -> float:
    """Give the processor time its process has taken."""
    fields = Path(f"/proc/{agent.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def idle_cpu(agent: AgentProcess) -> float:
    """Look how much of a core it takes while nothing is asked of it."""
    before = cpu_s(agent)
    time.sleep(IDLE_S)
    return (cpu_s(agent) - before) / IDLE_S


def idle_bytes(cluster: Cluster) -> dict[str, float]:
    """Look what each node sends in a second while nothing changes."""
    sent = {agent.name: agent.metric("shoal_bytes_total", direction="out") for agent in cluster.agents}
    begun = time.monotonic()
    time.sleep(IDLE_S)
    now = {agent.name: agent.metric("shoal_bytes_total", direction="out") for agent in cluster.agents}
    return {name: round((now[name] - sent[name]) / (time.monotonic() - begun), 1) for name in sent}


def register_many(agent: AgentProcess) -> float:
    """Register the services over one connection, each with a passing TTL check; the seconds it took."""
    begun = time.monotonic()
    with _asking(agent) as connection:
        for number in range(SERVICES):
            service = {
                "Name": f"service-{number}", "Port": 8000 + number, "Tags": ["v1", "blue"],
                "Meta": {"team": "platform", "version": "1.2.3"}, "Check": {"TTL": "10m", "Status": "passing"},
            }  # fmt: skip
            connection.request("PUT", "/v1/agent/service/register", json.dumps(service))
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"")
    return time.monotonic() - begun


def test_many_services_spread_and_then_cost_nothing(tmp_path: Path) -> None:
    """All of them, with their checks, are on node 3; some seconds later the nodes say next to nothing to each other."""
    with running_consul_cluster(tmp_path, 3) as cluster:
        owner, third = cluster.agent("n1"), cluster.agent("n3")
        wait_until("n3 lists itself", lambda: len(get(third, "catalog/nodes")) == 3)
        rss, cpu = {agent.name: agent.rss_kib() for agent in cluster.agents}, cpu_s(owner)
        took = register_many(owner)
        spent = cpu_s(owner) - cpu

        def has_all() -> bool:
            reply = consul(third, "GET", "health/state/passing")
            return len(reply.json()) == SERVICES + 3 and len(get(third, "catalog/services")) == SERVICES + 1

        spread = wait_until("n3 has all services and checks", has_all, SPREAD_TIMEOUT_S)
        begun = time.monotonic()
        put(owner, f"agent/check/warn/service:service-{SERVICES - 1}")
        wait_until("n3 has a change of one", lambda: len(get(third, "health/state/warning")) == 1, SPREAD_TIMEOUT_S)
        change = time.monotonic() - begun
        seen: list[dict[str, float]] = []

        def is_idle() -> bool:
            seen.append(idle_bytes(cluster))
            return all(sent < IDLE_BYTES_MAX for sent in seen[-1].values())

        rested = wait_until(f"each node sends less than {IDLE_BYTES_MAX} bytes/s", is_idle, SPREAD_TIMEOUT_S)
        grown = {agent.name: agent.rss_kib() - rss[agent.name] for agent in cluster.agents}
        tell(
            f"""
{SERVICES} services registered in {took:.2f} s ({spent:.2f} s of processor), on n3 {spread:.2f} s later
one change {change:.2f} s; resident memory before {rss} KiB, grown by {grown} KiB
idle {rested:.0f} s later: bytes/s {seen[-1]}, processor {idle_cpu(owner):.4f}"""
        )


def test_many_blocked_queries_cost_little_and_all_wake(tmp_path: Path) -> None:
    """Each of them waits without work, and one change answers all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WAITERS * 2 + 256
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this machine allows {hard} open files, {wanted} are wanted")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))  # the agents inherit it
    with running_consul_cluster(tmp_path, 2) as cluster:
        owner, asked = cluster.agents
        put(owner, "agent/service/register", {"Name": "web", "Check": {"TTL": "10m", "Status": "passing"}})
        wait_until("n2 has it", lambda: get(asked, "health/service/web"))
        index = consul(asked, "GET", "health/service/web").index
        quiet_cpu, quiet_kib = idle_cpu(asked), asked.rss_kib()
        with _waiting(asked, index) as sockets:
            _wait_settled(asked)
            grown_kib, cpu = asked.rss_kib() - quiet_kib, idle_cpu(asked)
            begun, before = time.monotonic(), cpu_s(asked)
            put(owner, "agent/check/warn/service:web", note="wake up")
            _read_all(sockets)
            took, spent = time.monotonic() - begun, cpu_s(asked) - before
        tell(
            f"""
{WAITERS} blocked queries: {grown_kib} KiB more ({grown_kib / WAITERS:.1f} each)
processor {quiet_cpu:.4f} without and {cpu:.4f} with
all answered {took:.2f} s after a change, for {spent:.2f} s of processor"""
        )
        assert grown_kib / WAITERS < WAITER_KIB_MAX
        assert cpu - quiet_cpu < WAITERS_CPU_MAX + 1 / (TICKS * IDLE_S)


@contextmanager
def _waiting(agent: AgentProcess, index: int) -> Iterator[list[socket.socket]]:
    request = f"GET /v1/health/service/web?index={index}&wait=9m HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    sockets: list[socket.socket] = []
    try:
        for _ in range(WAITERS):
            sockets.append(socket.create_connection(("127.0.0.1", consul_port(agent)), timeout=20))
            sockets[-1].sendall(request)
        yield sockets
    finally:
        for each in sockets:
            each.close()


def _wait_settled(agent: AgentProcess) -> None:
    """Wait until its processor is idle again, so that all requests wait."""
    seen: list[float] = []

    def is_settled() -> bool:
        seen.append(cpu_s(agent))
        return len(seen) > 10 and seen[-1] - seen[-11] <= 1 / TICKS

    wait_until("all queries wait", is_settled, SPREAD_TIMEOUT_S)


def _read_all(sockets: list[socket.socket]) -> None:
    """Read an answer from each: 200, with the change in it."""
    until = time.monotonic() + SPREAD_TIMEOUT_S
    with selectors.DefaultSelector() as selector:
        for each in sockets:
            each.setblocking(False)
            selector.register(each, selectors.EVENT_READ, bytearray())
        while selector.get_map():
            assert time.monotonic() < until, f"{len(selector.get_map())} queries were not answered"
            for key, _ in selector.select(1.0):
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                assert data, f"closed after {bytes(key.data[:200])!r}"
                key.data.extend(data)
                if b"wake up" in key.data:
                    assert key.data.startswith(b"HTTP/1.1 200")
                    selector.unregister(key.fileobj)
