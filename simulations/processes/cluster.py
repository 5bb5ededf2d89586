"""Agents with one key file, and what all of them show of each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.new_key_file import write_key_file
from simulations.processes.agent_process import SEEN_TIMEOUT_S, AgentProcess, wait_until


@dataclass(slots=True)
class Cluster:
    """Agents with one key file; the first is the seed of the others."""

    directory: Path
    options: tuple[str, ...] = ("--profile", "local")
    agents: list[AgentProcess] = field(default_factory=list)
    others: list[AgentProcess] = field(default_factory=list)
    """Started by `other`: taken down with the rest, and in nobody's count."""

    def __post_init__(self) -> None:
        """Make the key file."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self.key_file.exists():
            write_key_file(self.key_file)

    @property
    def key_file(self) -> Path:
        """The cluster's."""
        return self.directory / "cluster.key"

    @property
    def seed(self) -> AgentProcess:
        """The first agent."""
        return self.agents[0]

    def agent(self, name: str) -> AgentProcess:
        """Find an agent."""
        return next(agent for agent in (*self.agents, *self.others) if agent.name == name)

    def make(self, name: str, *options: str) -> AgentProcess:
        """Prepare an agent of this cluster that counts as one of it."""
        agent = AgentProcess(name, self.directory, ("--key-file", str(self.key_file), *self.options, *options))
        self.agents.append(agent)
        return agent

    def other(self, name: str, *options: str, key_file: Path | None = None) -> AgentProcess:
        """Prepare an agent that is not counted: a stranger, a newcomer of one test."""
        given = ("--key-file", str(key_file or self.key_file), *self.options, *options)
        agent = AgentProcess(name, self.directory, given)
        self.others.append(agent)
        return agent

    def start(self, count: int) -> None:
        """Start n1 and then the others at once; return when all see all."""
        for number in range(1, count + 1):
            self.make(f"n{number}")
        self.start_made()

    def start_made(self) -> None:
        """Start the seed and then the others at once; return when all see all."""
        self.seed.start()
        for agent in self.agents[1:]:
            agent.spawn(join=[self.seed.gossip])
        for agent in self.agents[1:]:
            agent.wait_listening()
        self.wait_all_alive()

    def wait_all_alive(self, timeout_s: float = SEEN_TIMEOUT_S) -> float:
        """Wait until every agent shows every agent alive; the seconds it took."""
        wanted = {agent.name: "alive" for agent in self.agents}

        def all_alive() -> bool:
            return all(wanted.items() <= agent.statuses().items() for agent in self.agents)

        return wait_until(f"all show {', '.join(wanted)} alive", all_alive, timeout_s)

    def wait_seen(self, name: str, *statuses: str, timeout_s: float = SEEN_TIMEOUT_S) -> float:
        """Wait until every running agent but `name` shows it in one of some statuses ("": not at all)."""
        seers = [agent for agent in self.agents if agent.name != name and not agent.ended]
        return wait_until(
            f"{name} is {' or '.join(statuses) or 'gone'} on {', '.join(agent.name for agent in seers)}",
            lambda: all(agent.sees(name, *statuses) for agent in seers),
            timeout_s,
        )

    def views(self, *names: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Give what the named agents (all that run, if none is) list; nothing for one that does not answer."""
        asked = [self.agent(name) for name in names] or [agent for agent in self.agents if not agent.ended]
        return {agent.name: agent.view() for agent in asked}

    def histories(self) -> dict[str, list[dict[str, Any]]]:
        """Give every agent's log since it was first started."""
        return {agent.name: agent.history() for agent in self.agents}

    def accusations(self) -> list[dict[str, Any]]:
        """Give every log entry in which somebody became suspect or failed."""
        return [
            entry | {"seen_by": agent.name}
            for agent in self.agents
            for event in ("member-suspect", "member-failed")
            for entry in agent.logged(event)
        ]

    def take_down(self) -> None:
        """Kill what still runs."""
        for agent in (*self.agents, *self.others):
            agent.kill()


@contextmanager
def running_cluster(directory: Path, count: int, *options: str) -> Iterator[Cluster]:
    """Run a cluster of so many agents for as long as the block lasts."""
    cluster = Cluster(directory, ("--profile", "local", *options))
    try:
        cluster.start(count)
        yield cluster
    finally:
        cluster.take_down()
