"""A cluster of real processes: what idle members cost, how a change spreads, how a death is noticed.

Only the first agent serves HTTP, as the way to change its tags: the HTTP stack is 20 MiB of each process that has
it, whatever the cluster's size. All others tell through their logs, whose times are of one clock.

Measure on a machine with nothing else to do: long waits for a core move coordinates until members have found each other
near, and a moved coordinate is told to all.
"""

import json
import math
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.agent_process import START_MAX_S, AgentProcess, Cluster, open_cluster
from benchmarks.figure import figure
from benchmarks.growth.agent_log import OPTIONS, AgentLog
from benchmarks.growth.curve import SETTINGS, Founds
from benchmarks.growth.extent import Extent
from benchmarks.growth.formula import DATAGRAM_HEADERS_SIZE, dissemination_s, last_verdict_s
from benchmarks.growth.loopback import Sent, own_loopback, read_sent
from benchmarks.process_cost import Used, read_memory_mib, read_used
from benchmarks.progress import Progress

BATCH = 10
"""Started together; more only wait for each other's imports."""
POLL_S = 0.1
"""Times come from the logs, so a look may be late."""
KNOWN_MAX_S = 60.0
MAX_PER_NODE_S = 0.5
"""Each that starts is work for all that are there."""
QUIET_S = 3.0
"""Between two changes, until rumors of the first are told."""
START_S = 0.25
"""Wall time per agent, ten at once on two cores."""
PATIENCE = 4.0
"""Times the formula's value, and then some seconds: what takes longer is reported as missing."""
PATIENCE_S = 20.0


class RealCluster:
    """Agents that run, and their logs."""

    def __init__(self, cluster: Cluster, nodes: int, progress: Progress) -> None:
        """Start all agents; return when all see all.

        Raises:
            TimeoutError: they do not, within half a second per node and a minute.
            RuntimeError: one has ended.
        """
        self.cluster, self._progress = cluster, progress
        self.logs: dict[str, AgentLog] = {}
        self.dead: set[str] = set()
        self._start(nodes)

    @property
    def witness(self) -> AgentProcess:
        """The agent with HTTP."""
        return self.cluster.agents[0]

    def quiet_agents(self) -> list[AgentProcess]:
        """Give those without HTTP."""
        return self.cluster.agents[1:]

    def living(self) -> list[AgentLog]:
        """Give the logs of those who were not killed."""
        return [log for name, log in self.logs.items() if name not in self.dead]

    # --- start ----------------------------------------------------------------------------------

    def _start(self, nodes: int) -> None:
        while len(self.logs) < nodes:
            for _ in range(min(BATCH if self.logs else 1, nodes - len(self.logs))):
                self.cluster.start(http=not self.logs)
                name = f"n{len(self.logs) + 1}"
                self.logs[name] = AgentLog(self.cluster.log_of(name))
            self.wait("listening", self._all_listen, START_MAX_S + MAX_PER_NODE_S * nodes)
        longest_s = KNOWN_MAX_S + MAX_PER_NODE_S * nodes
        took_s = self.wait("aware of each other", self._all_know_all, longest_s)
        self._progress.say(f"all see all, {took_s:.1f} s after the last was up")

    def _all_listen(self) -> int:
        return sum(log.count("listening") > 0 for log in self.logs.values())

    def _all_know_all(self) -> int:
        return sum(log.count("member-join") >= len(self.logs) - 1 for log in self.logs.values())

    def wait(self, what: str, ready: Callable[[], int], longest_s: float) -> float:
        """Look until all agents are ready; the seconds it took.

        Raises:
            TimeoutError: the time is up.
            RuntimeError: an agent has ended.
        """
        began = time.monotonic()
        while True:
            self.look()
            if (count := ready()) >= len(self.logs):
                return time.monotonic() - began
            self.cluster.check()
            self._progress.say_sometimes(f"{count} of {len(self.logs)} agents are {what}")
            if time.monotonic() - began > longest_s:
                raise TimeoutError(f"{count} of {len(self.logs)} agents are {what} after {longest_s:g} s")
            time.sleep(POLL_S)

    # --- what happens ---------------------------------------------------------------------------

    def look(self) -> None:
        """Read what the living have logged since."""
        for log in self.living():
            log.look()

    def wait_noticed(self, event: str, name: str, since: float, longest_s: float) -> list[float]:
        """Wait until all others have logged an event about a member; the seconds each took, fewer when time is up."""
        observers = [log for agent, log in self.logs.items() if agent not in self.dead and agent != name]
        until = time.monotonic() + longest_s
        while True:
            self.look()
            times = [at - since for log in observers if (at := log.first_after(since, event, name)) is not None]
            if len(times) == len(observers) or time.monotonic() > until:
                return times
            time.sleep(POLL_S)

    def kill(self, name: str) -> float:
        """Kill an agent; the moment before, as logs write it."""
        self.dead.add(name)
        agent = self.cluster.agents[list(self.logs).index(name)]
        since = _log_time()
        agent.process.kill()
        agent.process.wait()
        return since

    def change_tags(self, value: str) -> float:
        """Give the witness another tag; the moment before, as logs write it.

        Raises:
            OSError: it does not answer.
        """
        token = (self.cluster.data_of("n1") / "admin.token").read_text().strip()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.witness.http_port}/v1/cluster/tags",
            data=json.dumps({"set": {"turn": value}}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
            method="PUT",
        )
        since = _log_time()
        with urllib.request.urlopen(request, timeout=5):
            return since

    def wrong_times(self, event: str) -> list[float]:
        """Give the unix time of each event that an agent logged about somebody who ran all the while."""
        return [
            noticed.at
            for log in self.living()
            for noticed in log.noticed
            if noticed.event == event and noticed.name not in self.dead
        ]


def measure(nodes: int, extent: Extent, progress: Progress) -> Founds:
    """Run a cluster of at least 3 agents and give figures as they come; all is ended when this ends.

    Raises:
        TimeoutError, RuntimeError, OSError: the cluster did not come up, or an agent failed.
    """
    with (
        own_loopback() as is_counted,
        TemporaryDirectory(prefix="shoal-") as directory,
        open_cluster(Path(directory), OPTIONS) as agents,
    ):
        cluster = RealCluster(agents, nodes, progress)
        grown_at = _log_time()
        time.sleep(extent.settle_s)
        yield from _idle(cluster, extent.idle_s, progress, is_counted=is_counted)
        yield from _changes(cluster, extent.changes, progress)
        yield from _kills(cluster, extent.kills_of(nodes), progress)
        if said := _wrongs(cluster, grown_at):
            progress.say(said)


def _wrongs(cluster: RealCluster, grown_at: float) -> str:
    """Say how often members that ran were accused; "" if never."""
    times, failed = cluster.wrong_times("member-suspect"), len(cluster.wrong_times("member-failed"))
    early = sum(at < grown_at for at in times)
    if not times and not failed:
        return ""
    return (
        f"suspicions of members that ran: {early:,} while the cluster grew, {len(times) - early:,} later; "
        f"verdicts on them: {failed:,}"
    )


def _idle(cluster: RealCluster, for_s: float, progress: Progress, *, is_counted: bool) -> Founds:
    """Watch for some seconds in which nothing happens; reading what a process has used costs it nothing."""
    progress.say(f"idle for {for_s:g} s")
    read = read_sent if is_counted else lambda: _read_own(cluster.witness)
    sent_at, sent = time.monotonic(), read()
    before = [_stamped(agent) for agent in cluster.quiet_agents()]
    time.sleep(for_s)
    after = [_stamped(agent) for agent in cluster.quiet_agents()]
    passed_s, sent_after = time.monotonic() - sent_at, read()
    cpu = [
        used.cpu_s_since(used_then) * 1e3 / (now - then)
        for (then, used_then), (now, used) in zip(before, after, strict=True)
    ]
    memory = [read_memory_mib(agent.pid) for agent in cluster.quiet_agents()]
    yield "cpu", figure("cpu", "ms/s", cpu)
    yield "rss", figure("rss", "MiB", [rss for rss, _ in memory])
    yield "pss", figure("pss", "MiB", [pss for _, pss in memory])
    senders = len(cluster.logs) if is_counted else 1
    note = "" if is_counted else "datagrams of n1 alone, by its own counters"
    for key, unit, count in (
        ("bytes", "B/s", sent_after.bytes - sent.bytes),
        ("packets", "1/s", sent_after.packets - sent.packets),
    ):
        yield key, figure(key, unit, [count / senders / passed_s], note=note)


def _changes(cluster: RealCluster, count: int, progress: Progress) -> Founds:
    took = []
    nodes = len(cluster.living())
    for turn in range(count):
        progress.say(f"change {turn + 1} of {count}")
        since = cluster.change_tags(str(turn))
        longest_s = PATIENCE * dissemination_s(nodes, SETTINGS) + PATIENCE_S
        times = cluster.wait_noticed("member-update", "n1", since, longest_s)
        if len(times) < nodes - 1:
            progress.say(f"only {len(times)} of {nodes - 1} had heard of it after {longest_s:.0f} s: left out")
            continue
        took.append(max(times))
        time.sleep(QUIET_S)
    if took:
        yield "change", figure("change", "s", took)


def _kills(cluster: RealCluster, count: int, progress: Progress) -> Founds:
    suspected, first, last = [], [], []
    for turn in range(count):
        observers = len(cluster.living()) - 1
        name = f"n{observers + 1}"
        progress.say(f"kill -9 {turn + 1} of {count}")
        since = cluster.kill(name)
        longest_s = PATIENCE * last_verdict_s(observers + 1, SETTINGS) + PATIENCE_S
        times = cluster.wait_noticed("member-failed", name, since, longest_s)
        if len(times) < observers:
            progress.say(f"only {len(times)} of {observers} held it failed after {longest_s:.0f} s: left out")
            continue
        suspicions = [log.first_after(since, "member-suspect", name) for log in cluster.living()]
        suspected.append(min((at - since for at in suspicions if at is not None), default=math.nan))
        first.append(min(times))
        last.append(max(times))
        time.sleep(QUIET_S)
    if last:
        for key, times in (("suspicion", suspected), ("first", first), ("last", last)):
            yield key, figure(key, "s", times)


def _stamped(agent: AgentProcess) -> tuple[float, Used]:
    return time.monotonic(), read_used(agent.pid)


def _log_time() -> float:
    """Give the unix time as logs do, which cut the microseconds off."""
    return math.floor(time.time() * 1000) / 1000


def _read_own(agent: AgentProcess) -> Sent:
    """Read an agent's own counters of datagrams, with the headers they have on the way."""
    packets = sent_bytes = 0
    for line in agent.get("/metrics").decode().splitlines():
        name, _, value = line.partition(" ")
        if name == 'shoal_datagrams_total{direction="out"}':
            packets = int(float(value))
        elif name == 'shoal_bytes_total{direction="out"}':
            sent_bytes = int(float(value))
    return Sent(packets, sent_bytes + DATAGRAM_HEADERS_SIZE * packets)


def estimate_s(nodes: int, extent: Extent) -> float:
    """Give about how long a size takes: starts, the idle time, each change and each kill with the quiet after it."""
    kills = extent.kills_of(nodes) * (last_verdict_s(nodes, SETTINGS) + QUIET_S)
    return START_S * nodes + 5.0 + extent.settle_s + extent.idle_s + extent.changes * (1.0 + QUIET_S) + kills
