"""What is done to one cluster, and what is measured: start, rest, kill -9, restart, leave."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from random import Random
from statistics import mean

from benchmarks.compare.cluster import Cluster, open_cluster
from benchmarks.compare.event import Word
from benchmarks.compare.product import Product
from benchmarks.compare.scale import Scale
from benchmarks.process_cost import read_memory_mib, read_used

Say = Callable[[str], None]
"""Tells a person what is being done."""
STAGES = ("start", "idle", "plain", "kill", "restart", "leave")
"""What can be chosen; `plain` is a start and an idle window of a cluster without encryption."""


@dataclass(slots=True)
class Outcome:
    """What one cluster gave."""

    readings: dict[str, float] = field(default_factory=dict)
    """By the key that `row` knows, in its unit."""
    notes: list[str] = field(default_factory=list)
    """What did not come in time, one sentence each."""


class Cycle:
    """One cluster's life."""

    def __init__(self, cluster: Cluster, scale: Scale, say: Say) -> None:
        self._cluster = cluster
        self._scale = scale
        self._say = say
        self.outcome = Outcome()

    def start(self) -> None:
        """Start all; from the last one that listens until each has said alive of all others."""
        cluster, scale = self._cluster, self._scale
        self._say(f"starting {len(cluster.names)}")
        last_at = cluster.start()
        began_at = min(node.started_at for node in cluster.nodes.values())
        limit_s = scale.complete_s + scale.start_max_s
        is_complete = cluster.hearing.until(
            lambda: cluster.story.all_see(cluster.names, cluster.names), last_at + limit_s - time.monotonic()
        )
        took_s = time.monotonic() - last_at
        self.outcome.readings |= {
            "start": took_s if is_complete else limit_s,
            "start_exec": last_at - began_at,
            "start_late": float(not is_complete or took_s > scale.complete_s),
            "start_stuck": float(not is_complete),
        }
        if not is_complete:
            blind = [name for name in cluster.names if not cluster.story.sees(name, cluster.names)]
            self._note(f"{limit_s:g} s after the last one listened {len(blind)} did not see all: {', '.join(blind)}")

    def settle(self, duration_s: float) -> None:
        """Let it come to rest."""
        self._say(f"settling for {duration_s:g} s")
        self._cluster.hearing.listen_for(duration_s)

    def idle(self) -> None:
        """Watch it doing nothing: CPU, wake-ups, memory, packets."""
        cluster = self._cluster
        self._say(f"idle for {self._scale.idle_s:g} s")
        carried, began_at = cluster.read_carried(), time.monotonic()
        before = {name: (time.monotonic(), read_used(cluster.nodes[name].pid)) for name in cluster.up}
        cluster.hearing.listen_for(self._scale.idle_s)
        cpu, switches = {}, {}
        for name, (then, used_then) in before.items():
            used, passed_s = read_used(cluster.nodes[name].pid), time.monotonic() - then
            cpu[name] = used.cpu_s_since(used_then) * 1e3 / passed_s
            switches[name] = used.switches_since(used_then) / passed_s
        carried_since, passed_s = cluster.read_carried(), time.monotonic() - began_at
        memory = {name: read_memory_mib(cluster.nodes[name].pid) for name in before}
        per_node = {
            "cpu": cpu,
            "switches": switches,
            "rss": {name: rss for name, (rss, _) in memory.items()},
            "pss": {name: pss for name, (_, pss) in memory.items()},
        }
        for key, values in per_node.items():
            self.outcome.readings |= dict(self._split(key, values))
        if cluster.place.is_private:
            node_s = passed_s * len(before)
            self.outcome.readings["packets"] = (carried_since.packet_count - carried.packet_count) / node_s
            self.outcome.readings["bytes"] = (carried_since.byte_count - carried.byte_count) / node_s

    def _split(self, key: str, values: dict[str, float]) -> Iterator[tuple[str, float]]:
        """Give the mean over all nodes, and over those with and without HTTP where there are both."""
        yield key, mean(values.values())
        with_http = [value for name, value in values.items() if self._cluster.has_http(name)]
        if with_http:
            yield f"{key}_http", mean(with_http)
            yield f"{key}_off", mean(value for name, value in values.items() if not self._cluster.has_http(name))

    def kill(self, name: str) -> None:
        """Kill -9; until the first suspicion, the first verdict, the last observer's."""
        cluster, story = self._cluster, self._cluster.story
        self._say(f"kill -9 of {name}")
        killed_at = cluster.kill(name)
        observers, limit_s = cluster.up, self._scale.detect_max_s
        cluster.hearing.until(lambda: len(story.times(Word.FAILED, name, killed_at)) == len(observers), limit_s)
        suspected = story.times(Word.SUSPECT, name, killed_at)
        if suspected:
            self.outcome.readings["kill_suspect"] = min(suspected.values()) - killed_at
        self._put_times("kill", story.times(Word.FAILED, name, killed_at), killed_at, observers, limit_s)

    def restart(self, name: str) -> None:
        """Start the killed node again; until all others have said alive of it."""
        cluster, limit_s = self._cluster, self._scale.return_max_s
        self._say(f"restart of {name}")
        others = cluster.up
        started_at, listening_at = cluster.restart(name)
        if not cluster.hearing.until(lambda: cluster.story.all_see(others, [name]), limit_s):
            self._note(f"not within {limit_s:g} s after its restart: all say alive of {name}")
        said = cluster.story.times(Word.ALIVE, name, started_at)
        seen_at = max(said.values()) if len(said) == len(others) else time.monotonic()
        self.outcome.readings |= {"restart": max(0.0, seen_at - listening_at), "restart_exec": seen_at - started_at}

    def leave(self, name: str) -> None:
        """Have a node leave gracefully; from the signal until the first and the last have said so."""
        cluster, limit_s = self._cluster, self._scale.leave_max_s
        cluster.hearing.listen_for(self._scale.pause_s)
        self._say(f"leave of {name}")
        told_at = cluster.tell_to_leave(name)
        observers = cluster.up
        cluster.hearing.until(lambda: len(cluster.story.times(Word.LEFT, name, told_at)) == len(observers), limit_s)
        self._put_times("leave", cluster.story.times(Word.LEFT, name, told_at), told_at, observers, limit_s)

    def end(self) -> None:
        """Count what was said wrongly over the whole life."""
        self.outcome.readings |= {
            "false_suspect": float(self._cluster.story.count_false(Word.SUSPECT)),
            "false_failed": float(self._cluster.story.count_false(Word.FAILED)),
        }

    def _put_times(
        self, key: str, times: dict[str, float], since: float, observers: Collection[str], limit_s: float
    ) -> None:
        """Put down the first and the last observer; who said nothing counts as the limit."""
        missing = [name for name in observers if name not in times]
        if missing:
            self._note(f"{key}: {len(missing)} of {len(observers)} did not say it within {limit_s:g} s")
        last_s = limit_s if missing else max(times.values()) - since
        self.outcome.readings[f"{key}_first"] = min(times.values()) - since if times else limit_s
        self.outcome.readings[f"{key}_last"] = last_s

    def _note(self, text: str) -> None:
        self.outcome.notes.append(text)


def run_cycle(
    product: Product, node_count: int, stages: Collection[str], scale: Scale, rng: Random, say: Say
) -> Outcome:
    """Lead a cluster through the stages chosen; whatever they need before them is done too.

    Raises:
        ClusterBroke: one of its nodes ended by itself, or never listened.
    """
    victim, leaver = (f"n{number}" for number in rng.sample(range(2, node_count + 1), 2))
    with open_cluster(product, node_count) as cluster:
        cycle = Cycle(cluster, scale, say)
        cycle.start()
        if {*stages} - {"start", "plain"}:
            cycle.settle(scale.rest_s if "idle" in stages else scale.settle_s)
        if "idle" in stages:
            cycle.idle()
        if {"kill", "restart"} & {*stages}:
            cycle.kill(victim)
        if "restart" in stages:
            cycle.restart(victim)
        if "leave" in stages:
            cycle.leave(leaver)
        cycle.end()
        return cycle.outcome


def run_plain(product: Product, node_count: int, scale: Scale, say: Say) -> Outcome:
    """Measure the idle traffic of a cluster without encryption. Raises as `run_cycle`."""
    with open_cluster(product, node_count, is_encrypted=False) as cluster:
        cycle = Cycle(cluster, scale, lambda text: say(f"{text}, unencrypted"))
        cycle.start()
        cycle.settle(scale.rest_s)
        cycle.idle()
        wanted = {key: f"plain_{key}" for key in ("packets", "bytes")}
        readings = {wanted[key]: value for key, value in cycle.outcome.readings.items() if key in wanted}
        return Outcome(readings, cycle.outcome.notes)


def run_start(product: Product, node_count: int, scale: Scale, say: Say) -> Outcome:
    """Only start a cluster. Raises as `run_cycle`."""
    with open_cluster(product, node_count) as cluster:
        cycle = Cycle(cluster, scale, say)
        cycle.start()
        wanted = {"start": "starts", "start_late": "starts_late", "start_stuck": "starts_stuck"}
        return Outcome({wanted[key]: value for key, value in cycle.outcome.readings.items() if key in wanted},
                       cycle.outcome.notes)  # fmt: skip
