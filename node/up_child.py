"""One node of a local cluster: its command line, its process, and what its log says of its addresses."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from node import lifeline
from node.store_lock import LOCK_FILE_NAME, PID_LENGTH_MAX

LOG_HEAD_SIZE_MAX = 1024 * 1024
"""The bound addresses are logged at the start; a node that has written this much without them is broken."""
LOG_TAIL_SIZE = 4096
"""What is read of a dead node's log to find its last words."""

AGENT_COMMAND = (sys.executable, "-m", "node")
"""What stands before `agent` and its flags; tests put another program here."""


@dataclass(slots=True)
class Child:
    """One node: what it was told, and what became of it."""

    name: str
    data_dir: Path
    options: list[str]
    """The flags that do not change with a restart, without addresses and seeds."""
    process: subprocess.Popen[bytes] | None = None
    gossip: str = ""
    """host:port as bound; empty until it is known."""
    http: str = ""
    """URL as bound; empty until it is known."""
    seeds: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """Where everything goes that the process prints."""
        return self.data_dir / "agent.log"

    @property
    def pid(self) -> int:
        """The process id, or 0 before the start."""
        return self.process.pid if self.process else 0

    def start(self, command: Sequence[str]) -> None:
        """Start the process, tied to this one and out of reach of the terminal's Ctrl-C.

        Raises:
            OSError: it cannot be started.
        """
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SHOAL_")}
        environ[lifeline.VARIABLE] = str(os.getpid())
        environ["SHOAL_REJOIN_AFTER_LEAVE"] = "true"  # a base directory that is used again is a cluster again
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *self._arguments("127.0.0.1:0", "127.0.0.1:0"), "--log-json"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environ,
                process_group=0,
            )

    def restart_line(self) -> str:
        """Give the command that starts the node again from its data directory, at its old addresses."""
        return f"{shown_command()} {shlex.join(self._arguments(self.gossip, self.http.removeprefix('http://')))}"

    def read_addresses(self) -> bool:
        """Look in the log for the bound addresses; tell whether they are known."""
        if not self.http:
            self.gossip, self.http = find_addresses(self._log_lines(LOG_HEAD_SIZE_MAX, from_end=False))
        return bool(self.http)

    def end_words(self) -> str:
        """Say how the process ended, empty while it runs."""
        code = self.process.poll() if self.process else None
        if code is None:
            return ""
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"

    def last_words(self) -> str:
        """Give the last thing the process said in its log, as text."""
        lines = [line.strip() for line in self._log_lines(LOG_TAIL_SIZE, from_end=True) if line.strip()]
        if not lines:
            return "its log is empty"
        entry = _as_object(lines[-1])
        said = [str(entry.pop(key)) for key in ("event", "message") if key in entry]
        details = [f"{key}={value}" for key, value in entry.items() if key not in ("time", "level", "logger")]
        return " ".join([*said, *details]) if said else lines[-1]

    def pid_by_hand(self) -> str:
        """Read the id of the process that now holds the data directory, from its lock; empty if it cannot be read."""
        try:
            text = (self.data_dir / LOCK_FILE_NAME).read_text()[:PID_LENGTH_MAX].strip()
        except (OSError, ValueError):
            return ""
        return text if text.isdecimal() else ""

    def signal(self, number: int) -> None:
        """Send a signal, unless the process has ended; a stopped one is continued to receive it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)

    def _arguments(self, gossip: str, http: str) -> list[str]:
        seeds = [part for seed in self.seeds for part in ("--join", seed)]
        addresses = ["--bind", gossip, "--http", http]
        return ["agent", "--name", self.name, *addresses, "--data-dir", str(self.data_dir), *self.options, *seeds]

    def _log_lines(self, size_max: int, from_end: bool) -> list[str]:
        try:
            with self.log.open("rb") as file:
                if from_end:
                    file.seek(max(0, os.fstat(file.fileno()).st_size - size_max))
                return file.read(size_max).decode(errors="replace").splitlines()
        except OSError:
            return []


def shown_command() -> str:
    """Give what a person types for `shoal` to run this very installation."""
    if shutil.which("shoal"):
        return "shoal"
    started_as = Path(sys.argv[0])
    return shlex.join([sys.argv[0]] if started_as.name == "shoal" else [sys.executable, "-m", "node"])


def find_addresses(lines: Sequence[str]) -> tuple[str, str]:
    """Find gossip address and HTTP URL in the lines of a JSON log; both are empty until both are there.

    The agent logs them once with the event `listening`: `gossip` as host:port, `http` as host:port or URL.
    """
    for line in lines:
        entry = _as_object(line)
        gossip, http = entry.get("gossip"), entry.get("http")
        if entry.get("event") == "listening" and isinstance(gossip, str) and isinstance(http, str):
            return gossip, http if "://" in http else f"http://{http}"
    return "", ""


def _as_object(line: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
