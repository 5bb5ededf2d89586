"""What a scenario is, and the stage it plays on: a cluster of real agents, its network or disk, its story."""

import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from math import log10
from pathlib import Path
from random import Random
from typing import Literal

from node.interruption import STOP_SIGNALS
from simulations.processes.agent_process import AgentProcess
from simulations.processes.checker import (
    Finding,
    Row,
    Statuses,
    dialects_differ,
    other_self,
    status_differs,
    views_differ,
    wrongly_failed,
)
from simulations.processes.cluster import Cluster
from simulations.processes.disk import Disk
from simulations.processes.network import Network, address_of, inside
from simulations.processes.story import Story

Need = Literal["", "network", "disk"]
"""Beyond processes: network namespaces, or a file system of its own; both need root."""

FAILED_WITHIN_S = 8.0
"""From a kill until all others show the member failed, in a cluster of up to ten under the local profile."""
RETURNED_WITHIN_S = 3.0
"""From the moment a started member listens until all show it alive again."""
WOKEN_WITHIN_S = 5.0
"""From SIGCONT until all show each other alive."""
LEFT_WITHIN_S = 2.0
"""From the end of a process that said goodbye until all others show it left."""
PARTED_WITHIN_S = 40.0
"""Until each half of a cluster holds the other failed: several members, each failing in its own time."""
HEALED_WITHIN_S = 30.0
"""From the moment the wire is whole until all show all alive."""
SETTLED_WITHIN_S = 15.0
"""Until what needs no promise of its own is the same on all: the slow sync's period in the local profile."""
GOSSIP_PORT = 7946
HTTP_PORT = 4646


@dataclass(frozen=True, slots=True)
class RealScenario:
    """One scenario over real processes: what it does, what it needs, and its default size."""

    name: str
    summary: str
    play: Callable[["Stage"], None]
    needs: Need = ""
    nodes: int = 5
    nodes_min: int = 3
    duration_s: float = 0.0
    """Of the fault; 0 where the scenario has none that lasts."""


@dataclass(slots=True)
class Stage:
    """Where one scenario plays. Everything on it is taken down at the end, however that comes."""

    directory: Path
    nodes: int
    duration_s: float
    rng: Random
    """Who is hit is drawn from it: the same seed hits the same."""
    story: Story
    cluster: Cluster
    closing: ExitStack

    # --- setting up -----------------------------------------------------------------------------

    def start_cluster(self) -> None:
        """Start the agents on loopback; return when all see all."""
        self.cluster.start(self.nodes)
        self._started("on loopback")

    def start_wired_cluster(self) -> Network:
        """Start the agents in namespaces of their own on one switch; return when all see all."""
        network = Network(self.nodes)
        self.closing.callback(network.take_down)
        self.closing.callback(self.cluster.take_down)  # first, or a namespace would outlive its name
        for number, host in enumerate(network.hosts, 1):
            agent = self.cluster.make(f"n{number}", "--http-allow-open")
            agent.bind = f"{address_of(number)}:{GOSSIP_PORT}"
            agent.http_bind = f"{address_of(number)}:{HTTP_PORT}"
            agent.home = partial(inside, host)
            agent.place = partial(inside, network.switch)
        self.cluster.start_made()
        self._started("each in a network namespace of its own")
        return network

    def start_cluster_with_disk(self, size_kib: int) -> tuple[AgentProcess, Disk]:
        """Start the agents on loopback, one of them with its data on a small disk."""
        names = [f"n{number}" for number in range(1, self.nodes + 1)]
        chosen = self.rng.choice(names)
        disk = Disk(self.directory / f"{chosen}-data", size_kib)
        self.closing.callback(disk.take_down)
        self.closing.callback(self.cluster.take_down)  # first: a disk in use is not unmounted
        self.cluster.start(self.nodes)
        self._started(f"on loopback, {chosen} with its data on a disk of {size_kib} KiB")
        return self.cluster.agent(chosen), disk

    def _started(self, where: str) -> None:
        self.story.tell(f"{self.nodes} agents started {where}; all see all")

    # --- choosing and asking --------------------------------------------------------------------

    @property
    def agents(self) -> Sequence[AgentProcess]:
        """All that were started."""
        return self.cluster.agents

    def draw(self) -> AgentProcess:
        """Choose who is hit."""
        return self.rng.choice(self.agents)

    def others(self, *agents: AgentProcess) -> list[AgentProcess]:
        """Give everybody else."""
        return [agent for agent in self.agents if agent not in agents]

    @property
    def failed_within_s(self) -> float:
        """The promise for this size: suspicion grows with the logarithm, as in `protocol.swim.suspicion`."""
        return FAILED_WITHIN_S * max(1.0, log10(self.nodes))

    # --- promises -------------------------------------------------------------------------------

    def expect_status(self, agent: AgentProcess, status: str, within_s: float) -> None:
        """Expect that all others show a member in one status."""
        seers = [other.name for other in self.others(agent)]
        wanted = {seer: {agent.name: status} for seer in seers}
        self.story.expect(
            f"{agent.name} is {status} on all others",
            lambda: status_differs(self.cluster.views(*seers), wanted),
            within_s,
        )

    def expect_all_alive(self, within_s: float) -> None:
        """Expect that everybody shows everybody alive."""
        alive = {agent.name: "alive" for agent in self.agents}
        self.expect_statuses("all are alive on all", {agent.name: alive for agent in self.agents}, within_s)

    def expect_statuses(self, promise: str, wanted: dict[str, Statuses], within_s: float) -> None:
        """Expect certain statuses of certain members at certain agents."""
        self.story.expect(promise, lambda: status_differs(self.cluster.views(*wanted), wanted), within_s)

    def expect_same_self(self, before: Row, within_s: float) -> None:
        """Expect that all show a member as who it was `before`, by id, at a higher incarnation.

        Whoever restarts faster than it is missed was never shown otherwise than alive: its new incarnation is news
        that takes its time, and is waited for.
        """
        self.story.expect(
            f"{before['name']} has the id it had, and a higher incarnation",
            lambda: other_self(self.cluster.views(), before),
            within_s,
        )

    def expect_one_view(self) -> None:
        """Expect that all list the same, and by Nomad's route too."""
        self.story.expect("all list the same", lambda: views_differ(self.cluster.views()), SETTLED_WITHIN_S)
        self.story.expect("Nomad's route lists the same", self._dialect_findings, SETTLED_WITHIN_S)

    def _dialect_findings(self) -> list[Finding]:
        return [
            finding
            for agent in self.agents
            for finding in dialects_differ(agent.name, agent.view(), agent.get("/v1/agent/members"))
        ]

    def check_nobody_failed(self, promise: str, *but: AgentProcess) -> None:
        """Check in all logs that no verdict was spoken, but over those named."""
        names = {agent.name for agent in but}
        self.check_verdicts(promise, lambda _, subject: subject in names)

    def check_verdicts(self, promise: str, may_fail: Callable[[str, str], bool]) -> None:
        """Check in all logs who held whom failed."""
        self.story.check(promise, wrongly_failed(self.cluster.histories(), may_fail))

    def count_changes(self) -> None:
        """Count what the logs tell, so that a run that reached nothing shows it."""
        for event in ("member-suspect", "member-failed", "member-restart", "member-leave"):
            self.story.count(event, sum(len(agent.history(event)) for agent in self.agents))


@contextmanager
def open_stage(directory: Path, nodes: int, duration_s: float, seed: int, story: Story) -> Iterator[Stage]:
    """Give an empty stage, and take down all that was put on it; an impatient second Ctrl-C does not stop that.

    The directory goes too, unless a promise was broken: then the agents' logs in it are wanted.
    """

    def remove() -> None:
        if not story.violations:
            shutil.rmtree(directory, ignore_errors=True)

    cluster, closing = Cluster(directory), ExitStack()
    closing.callback(remove)
    closing.callback(cluster.take_down)
    try:
        yield Stage(directory, nodes, duration_s, Random(seed), story, cluster, closing)
    finally:
        handlers = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
        try:
            closing.close()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
