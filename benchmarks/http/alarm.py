"""A cluster of which one node's HTTP, and then every node's, is under load: does anybody raise a false alarm?

All members are processes of the lan profile, and all stay up; so whoever is held for suspect or failed is so held
wrongly. What each of them counted is read from its /metrics before and after.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.agent_process import AgentProcess, Cluster, open_cluster, start_process, wait_for_ports
from benchmarks.figure import Figure, figure
from benchmarks.http.route import MEMBERS
from benchmarks.http_load import Load, best_client
from benchmarks.lateness import lateness_figures
from benchmarks.progress import Progress

MEETING_MAX_S = 30.0
POLL_S = 0.1
_METRIC = re.compile(r"^(shoal_\w+) (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is watched."""

    agent_count: int
    """Real agents beside the node whose timers are watched."""
    connection_count: int
    """To each node under load."""
    alarm_s: float
    """Under load, each of the two."""
    quiet_s: float
    """Before it, without; and after it, for what is still to come of the load."""

    @classmethod
    def full(cls, alarm_s: float) -> "Scale":
        """Give what figures are reported with."""
        return cls(4, 256, alarm_s, 15.0)

    @classmethod
    def tiny(cls, alarm_s: float) -> "Scale":
        """Give what shows that it runs."""
        return cls(2, 8, alarm_s, 1.5)


@dataclass(frozen=True, slots=True)
class Alarm:
    """What came of one load."""

    title: str
    figures: list[Figure]

    def as_json(self) -> dict[str, Any]:
        """Give it for a machine to read."""
        return {"title": self.title, "figures": [one.as_json() for one in self.figures]}


@dataclass(frozen=True, slots=True)
class Watched:
    """The node that is under each load, and keeps how late its timers were."""

    agent: AgentProcess
    control: AgentProcess
    """The same process, asked at its control port."""

    def forget(self) -> None:
        """Begin to collect anew."""
        self.control.get("/forget")

    def samples(self) -> list[float]:
        """Give the lateness of its timers since then, in seconds."""
        samples: list[float] = json.loads(self.control.get("/samples"))
        return samples


def watch_alarms(scale: Scale) -> Iterator[Alarm]:
    """Start a cluster, watch it quiet, under load at one node and at every node, and tell what was counted.

    Raises:
        TimeoutError: the cluster did not come together.
        RuntimeError: an agent ended, or the load failed.
    """
    progress = Progress("alarm")
    with TemporaryDirectory(prefix="shoal-") as name, ExitStack() as stack:
        cluster = stack.enter_context(open_cluster(Path(name)))
        for _ in range(scale.agent_count):
            cluster.start(http=True)
        watched = _start_watched(cluster, Path(name), stack)
        everybody = [watched.agent, *cluster.agents]
        _wait_for_all(everybody)
        progress.say(f"{len(everybody)} nodes are together; {scale.quiet_s:g} s without load")
        watched.forget()
        time.sleep(scale.quiet_s)
        yield Alarm("no load", list(lateness_figures(watched.samples())))
        for loaded in (everybody[:1], everybody):
            yield _watch_load(scale, watched, cluster, loaded, progress)


def _watch_load(
    scale: Scale,
    watched: Watched,
    cluster: Cluster,
    loaded: Sequence[AgentProcess],
    progress: Progress,
) -> Alarm:
    everybody = [watched.agent, *cluster.agents]
    before = [_read(agent) for agent in everybody]
    watched.forget()
    loads, duration_s = _load(loaded, scale, progress)
    late = watched.samples()
    time.sleep(scale.quiet_s)
    cluster.check()
    after = [_read(agent) for agent in everybody]
    return Alarm(
        f"{scale.connection_count} connections to {'one' if len(loaded) == 1 else 'each'} of {len(everybody)} nodes",
        [*lateness_figures(late), *alarm_figures(scale, loads, duration_s, before, after)],
    )


def _start_watched(cluster: Cluster, directory: Path, stack: ExitStack) -> Watched:
    log = directory / "watched.log"
    seed = f"127.0.0.1:{cluster.agents[0].gossip_port}"
    program = ("-m", "benchmarks.http.watched", str(directory / "watched"), str(cluster.key_file), seed)
    process = start_process((sys.executable, *program), log)
    stack.callback(process.process.wait)
    stack.callback(process.process.kill)
    ports = wait_for_ports(process, log)
    return Watched(replace(process, http_port=ports["http"]), replace(process, http_port=ports["control"]))


def _wait_for_all(agents: Sequence[AgentProcess]) -> None:
    """Wait until each holds all for alive.

    Raises:
        TimeoutError: they do not.
    """
    until = time.monotonic() + MEETING_MAX_S
    for agent in agents:
        agent.wait_for_http("/livez")
        while agent.alive_count() < len(agents):
            if time.monotonic() > until:
                raise TimeoutError(f"a node holds {agent.alive_count()} of {len(agents)} for alive")
            time.sleep(POLL_S)


def _load(agents: Sequence[AgentProcess], scale: Scale, progress: Progress) -> tuple[list[Load], float]:
    """Load their member lists, each from a thread, and say how far it is; also give how long it took."""
    client, load = best_client()
    progress.say(f"{scale.connection_count} connections of {client} to each of {len(agents)} for {scale.alarm_s:g} s")
    began = time.monotonic()
    with ThreadPoolExecutor(len(agents)) as pool:
        loading = [
            pool.submit(load, agent.http_port, MEMBERS, scale.connection_count, scale.alarm_s) for agent in agents
        ]
        while not all(one.done() for one in loading):
            progress.say_sometimes(f"{time.monotonic() - began:.0f} s of {scale.alarm_s:g} s")
            time.sleep(POLL_S)
        return [one.result() for one in loading], time.monotonic() - began


def _read(agent: AgentProcess) -> dict[str, float]:
    """Read the plain counters of a node."""
    return {name: float(value) for name, value in _METRIC.findall(agent.get("/metrics").decode())}


def alarm_figures(
    scale: Scale, loads: list[Load], duration_s: float, before: list[dict[str, float]], after: list[dict[str, float]]
) -> Iterator[Figure]:
    """Tell what all nodes counted between two readings of each; the first is the one whose timers are watched."""
    grown = [Counter({name: now[name] - then[name] for name in now}) for then, now in zip(before, after, strict=True)]
    watched = grown[0]
    note = f"by {len(grown)} nodes in {duration_s:.0f} s of load and {scale.quiet_s:g} s after it"

    def total(name: str) -> float:
        return sum(one[name] for one in grown)

    yield figure("requests meanwhile, each node", "1/s", [one.rate for one in loads])
    yield figure("latency, median", "ms", [one.p50_s * 1e3 for one in loads])
    yield figure("latency, 99th percentile", "ms", [one.p99_s * 1e3 for one in loads])
    probed_s = duration_s + scale.quiet_s
    yield figure("probes begun by the node whose timers are watched", "1/s", [watched["shoal_probes_total"] / probed_s])
    yield figure("its probes that failed", "", [watched["shoal_probe_failures_total"]])
    yield figure("stalls it noticed", "", [watched["shoal_stalls_total"]])
    yield figure("probes that failed, all nodes", "", [total("shoal_probe_failures_total")], note=note)
    yield figure("members held for suspect", "", [total("shoal_suspicions_total")], at_most=0, note=note)
    yield figure("members held for failed", "", [total("shoal_failures_total")], at_most=0, note=note)
    yield figure("charges refuted", "", [total("shoal_refutations_total")], at_most=0, note=note)
