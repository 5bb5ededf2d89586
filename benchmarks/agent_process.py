"""Real agents: `shoal agent` as a process of its own, tied to this one."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node import lifeline
from node.config import LogLevel
from protocol.security.key_file import encode_key_file
from protocol.security.keyring import Keyring
from simulations.processes.port_block import free_port

ROOT = Path(__file__).resolve().parent.parent
START_MAX_S = 20.0
"""No start takes that long."""
POLL_S = 0.005
STOP_MAX_S = 5.0
LOG_TAIL_LENGTH = 500
FOREIGN_VARIABLES = ("SHOAL_", "PYTHON")
"""Not for an agent: settings of another, and switches such as the one that keeps bytecode from being stored, with
which each start would compile everything anew."""
LOG_LEVEL: LogLevel = "warning"


@dataclass(slots=True)
class AgentProcess:
    """One agent; `http_port` 0 means HTTP is off."""

    process: subprocess.Popen[bytes]
    gossip_port: int
    http_port: int
    started_at: float
    """On `time.perf_counter`, just before exec."""

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def get(self, path: str) -> bytes:
        """Ask over HTTP.

        Raises:
            OSError: nobody answers there.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
            body: bytes = answer.read()
        return body

    def alive_count(self) -> int:
        """Ask how many members it holds for alive, itself among them.

        Raises:
            OSError: nobody answers there.
        """
        members = json.loads(self.get("/v1/agent/members"))["Members"]
        return sum(member["Status"] == "alive" for member in members)

    def wait_for_http(self, path: str) -> float:
        """Ask until the first answer; give the seconds since exec.

        Raises:
            TimeoutError: none came, or the process ended.
        """
        while time.perf_counter() - self.started_at < START_MAX_S and self.process.poll() is None:
            try:
                self.get(path)
            except urllib.error.HTTPError:
                pass  # an answer too
            except OSError:
                time.sleep(POLL_S)
                continue
            return time.perf_counter() - self.started_at
        raise TimeoutError("an agent gave no answer over HTTP")


class Cluster:
    """Agents in one directory, of one cluster."""

    def __init__(self, directory: Path, profile: str = "lan", options: Sequence[str] = ()) -> None:
        """Make the key file; `options` of an agent's command line count above those given here."""
        self._directory = directory
        self._profile = profile
        self._options = options
        self.key_file = directory / "cluster.key"
        keyring = Keyring.generate(time.time_ns() // 1_000_000, os.urandom)
        self.key_file.write_text(encode_key_file(keyring))
        self.key_file.chmod(0o600)
        self.agents: list[AgentProcess] = []

    def start(self, *, http: bool) -> AgentProcess:
        """Start one more agent, which joins through the first."""
        name = f"n{len(self.agents) + 1}"
        gossip_port, http_port = free_port(), free_port() if http else 0
        command = [
            *(sys.executable, "-m", "node", "agent", "--name", name, "--profile", self._profile),
            *("--bind", f"127.0.0.1:{gossip_port}", "--http", f"127.0.0.1:{http_port}" if http else "off"),
            *("--data-dir", str(self.data_of(name)), "--key-file", str(self.key_file), "--log-level", LOG_LEVEL),
        ]
        if self.agents:
            command += ["--join", f"127.0.0.1:{self.agents[0].gossip_port}"]
        command += self._options
        agent = start_process(command, self.log_of(name), gossip_port, http_port)
        self.agents.append(agent)
        return agent

    def log_of(self, name: str) -> Path:
        """Tell where an agent's output goes; the first agent is n1."""
        return self._directory / f"{name}.log"

    def data_of(self, name: str) -> Path:
        """Tell where an agent keeps what it keeps, the token for its HTTP included."""
        return self._directory / name

    def check(self) -> None:
        """See that all agents run.

        Raises:
            RuntimeError: one has ended; with the end of its log.
        """
        for index, agent in enumerate(self.agents, 1):
            if agent.process.poll() is not None:
                log = self.log_of(f"n{index}").read_text(errors="replace")
                raise RuntimeError(f"agent n{index} ended with {agent.process.returncode}: {log[-LOG_TAIL_LENGTH:]}")

    def stop(self) -> None:
        """End all agents and wait for them."""
        for agent in self.agents:
            agent.process.terminate()
        for agent in self.agents:
            try:
                agent.process.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                agent.process.kill()
                agent.process.wait()


@contextmanager
def open_cluster(directory: Path, options: Sequence[str] = ()) -> Iterator[Cluster]:
    """Run agents for as long as the block lasts."""
    cluster = Cluster(directory, options=options)
    try:
        yield cluster
    finally:
        cluster.stop()


def start_process(command: Sequence[str], log: Path, gossip_port: int = 0, http_port: int = 0) -> AgentProcess:
    """Start a program from the project's root, which dies with this process, its output in a file."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    environ[lifeline.VARIABLE] = str(os.getpid())
    with log.open("wb") as file:
        started_at = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environ, cwd=ROOT, process_group=0
        )
    return AgentProcess(process, gossip_port, http_port, started_at)


def wait_for_ports(server: AgentProcess, log: Path) -> dict[str, int]:
    """Read a line `ports NAME=PORT ...` that a server prints once it listens.

    Raises:
        TimeoutError: it said none.
    """
    until = time.monotonic() + START_MAX_S
    while time.monotonic() < until and server.process.poll() is None:
        text = log.read_text(errors="replace")
        if text.startswith("ports ") and text.endswith("\n"):
            return {name: int(port) for name, port in (word.split("=") for word in text.split()[1:])}
        time.sleep(POLL_S)
    raise TimeoutError(f"a server did not start: {log.read_text(errors='replace')[-LOG_TAIL_LENGTH:]}")
