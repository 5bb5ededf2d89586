"""Agents with nothing to do: CPU, wake-ups, memory, packets; and how soon a started one answers.

Half of the agents serve HTTP and half do not, in one cluster of the lan profile, each a process of its
own. They are started one after the other, so that a start is measured beside idle nodes only.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.agent_process import AgentProcess, Cluster, open_cluster
from benchmarks.figure import Figure, figure
from benchmarks.micro.scale import Scale
from benchmarks.process_cost import Used, read_memory_mib, read_used
from benchmarks.progress import Progress

CPU_MS = 1.2
"""Per second and node, in a cluster of 20."""
RSS_HTTP_MIB = 58.0
RSS_OFF_MIB = 32.0
FIRST_ANSWER_S = 0.8
FULL_SIZE = 20
CONVERGE_MAX_S = 30.0
_METRIC = re.compile(r'^shoal_(datagrams|bytes)_total\{direction="(in|out)"\} (\S+)$', re.MULTILINE)

Traffic = dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One agent over the measured time."""

    agent: AgentProcess
    cpu_ms_per_s: float
    switches_per_s: float
    rss_mib: float
    pss_mib: float


def measure(scale: Scale) -> Iterator[Figure]:
    """Start the agents, let them settle, and watch them."""
    progress = Progress("idle")
    with TemporaryDirectory(prefix="shoal-") as directory, open_cluster(Path(directory)) as cluster:
        _compile(cluster)
        yield from _start_all(cluster, scale.idle_nodes, progress)
        _wait_for_all(cluster)
        time.sleep(scale.idle_settle_s)
        progress.say(f"{len(cluster.agents)} agents are settled; watching them for {scale.idle_s:g} s")
        with_http = [agent for agent in cluster.agents if agent.http_port]
        traffic = [_read_traffic(agent) for agent in with_http]
        samples = _watch(cluster, scale.idle_s, progress)
        after = [_read_traffic(agent) for agent in with_http]
        yield from _process_figures(samples, is_full=scale.idle_nodes >= FULL_SIZE)
        yield from _traffic_figures(traffic, after, scale.idle_s)


def _compile(cluster: Cluster) -> None:
    """Start an agent and end it: the first start after a change of the sources stores their bytecode."""
    agent = cluster.start(http=True)
    agent.wait_for_http("/livez")
    cluster.stop()
    cluster.agents.clear()


def _start_all(cluster: Cluster, count: int, progress: Progress) -> Iterator[Figure]:
    waits, cpu = [], []
    for index in range(count):
        has_http = index % 2 == 0
        agent = cluster.start(http=has_http)
        if has_http:
            waits.append(agent.wait_for_http("/v1/agent/members"))
            cpu.append(read_used(agent.pid).cpu_s)
        progress.say_sometimes(f"{index + 1} of {count} agents started")
    yield figure("exec to first HTTP answer", "s", waits, at_most=FIRST_ANSWER_S)
    yield figure("CPU until then", "s", cpu)


def _wait_for_all(cluster: Cluster) -> None:
    """Wait until the first and the last agent with HTTP hold all for alive.

    Raises:
        TimeoutError: they do not.
    """
    witnesses = [agent for agent in cluster.agents if agent.http_port]
    until = time.monotonic() + CONVERGE_MAX_S
    for agent in (witnesses[0], witnesses[-1]):
        while agent.alive_count() < len(cluster.agents):
            cluster.check()
            if time.monotonic() > until:
                raise TimeoutError(f"only {agent.alive_count()} of {len(cluster.agents)} agents are alive")
            time.sleep(0.1)


def _watch(cluster: Cluster, duration_s: float, progress: Progress) -> list[Sample]:
    began = time.monotonic()
    before = [_stamped(agent) for agent in cluster.agents]
    while (passed := time.monotonic() - began) < duration_s:
        progress.say_sometimes(f"{passed:.0f} s of {duration_s:g} s")
        time.sleep(min(1.0, duration_s - passed))
    samples = []
    for agent, (then, used_then) in zip(cluster.agents, before, strict=True):
        now, used = _stamped(agent)
        rss, pss = read_memory_mib(agent.pid)
        passed = now - then
        cpu_ms = used.cpu_s_since(used_then) * 1e3 / passed
        samples.append(Sample(agent, cpu_ms, used.switches_since(used_then) / passed, rss, pss))
    return samples


def _stamped(agent: AgentProcess) -> tuple[float, Used]:
    return time.monotonic(), read_used(agent.pid)


def _process_figures(samples: list[Sample], *, is_full: bool) -> Iterator[Figure]:
    limits = {True: RSS_HTTP_MIB, False: RSS_OFF_MIB}
    yield figure(
        f"idle CPU per node, {len(samples)} nodes",
        "ms/s",
        [sample.cpu_ms_per_s for sample in samples],
        at_most=CPU_MS if is_full else None,
    )
    yield figure("context switches per node", "1/s", [sample.switches_per_s for sample in samples])
    for has_http, title in ((True, "with HTTP"), (False, "--http off")):
        chosen = [sample for sample in samples if bool(sample.agent.http_port) is has_http]
        yield figure(f"idle CPU per node, {title}", "ms/s", [sample.cpu_ms_per_s for sample in chosen])
        yield figure(f"RSS, {title}", "MiB", [sample.rss_mib for sample in chosen], at_most=limits[has_http])
        yield figure(f"PSS, {title}", "MiB", [sample.pss_mib for sample in chosen])


def _read_traffic(agent: AgentProcess) -> tuple[float, Traffic]:
    text = agent.get("/metrics").decode()
    return time.monotonic(), {(kind, way): float(value) for kind, way, value in _METRIC.findall(text)}


def _traffic_figures(
    before: list[tuple[float, Traffic]], after: list[tuple[float, Traffic]], duration_s: float
) -> Iterator[Figure]:
    note = f"over {duration_s:g} s; UDP payload"
    for kind, way, title in (
        ("datagrams", "out", "datagrams sent per node"),
        ("datagrams", "in", "datagrams received per node"),
        ("bytes", "out", "bytes sent per node"),
    ):
        rates = [
            (later[kind, way] - earlier[kind, way]) / (now - then)
            for (then, earlier), (now, later) in zip(before, after, strict=True)
        ]
        yield figure(title, "1/s" if kind == "datagrams" else "B/s", rates, note=note)
