"""A real `shoal agent` as a scenario or a test drives it: its process, its log, its HTTP, and the command line.

What is started here is tied to this process (node.lifeline), so nothing outlives a run, however it ends.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node import lifeline
from node.http_client import Answer, Client, ClientError
from simulations.processes.port_block import free_address

COMMAND = (sys.executable, "-m", "node")
START_TIMEOUT_S = 20.0
"""Until an agent says where it listens: a second on an idle machine, more on one that runs other tests."""
END_TIMEOUT_S = 10.0
"""A leave takes at most 5 s."""
SEEN_TIMEOUT_S = 15.0
"""Until all see what no promise gives a time for."""
POLL_S = 0.05
"""Between two looks. An answer costs an agent a millisecond: twenty looks a second are a fiftieth of a core."""

Place = Callable[[], AbstractContextManager[object]]
"""A network to be in: where there are namespaces, an agent is started in one and asked from another."""


class NotSo(Exception):
    """What was waited for did not come, or what was to stay did not; the text is one sentence."""


def wait_until(what: str, is_so: Callable[[], object], timeout_s: float = SEEN_TIMEOUT_S) -> float:
    """Ask again until something is so; the seconds it took.

    Raises:
        NotSo: the time is up; it names `what`.
    """
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > timeout_s:
            raise NotSo(f"not within {timeout_s:g} s: {what}")
        time.sleep(POLL_S)
    return time.monotonic() - begun


def hold_for(duration_s: float, what: str, is_so: Callable[[], object]) -> None:
    """Check again and again, for a time, that something stays so.

    Raises:
        NotSo: it did not; it names `what`.
    """
    until = time.monotonic() + duration_s
    while time.monotonic() < until:
        if not is_so():
            raise NotSo(f"did not stay so for {duration_s:g} s: {what}")
        time.sleep(POLL_S)


@dataclass(slots=True)
class AgentProcess:
    """One agent: the flags it is started with each time, and what is known of the present process."""

    name: str
    directory: Path
    """Holds its data directory and its logs."""
    options: tuple[str, ...] = ()
    bind: str = field(default_factory=free_address)
    http_bind: str = field(default_factory=free_address)
    home: Place = nullcontext
    """Where its process is started."""
    place: Place = nullcontext
    """From where it is asked."""
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    listening: dict[str, Any] = field(default_factory=dict)
    """The log's event of that name, of the present process."""
    log_start: int = 0
    """Where in its log the present process began."""

    # --- life -----------------------------------------------------------------------------------

    @property
    def data_dir(self) -> Path:
        """Where its state is."""
        return self.directory / f"{self.name}-data"

    @property
    def log_path(self) -> Path:
        """The JSON logs of its processes, one after the other."""
        return self.directory / f"{self.name}.log"

    @property
    def stderr_path(self) -> Path:
        """What its latest process said to people."""
        return self.directory / f"{self.name}.err"

    def spawn(self, *more: str, join: Sequence[str] = ()) -> None:
        """Start the process and do not wait."""
        if not self.ended:
            raise RuntimeError(f"{self.name} runs already")
        seeds = [part for seed in join for part in ("--join", seed)]
        arguments = ["--name", self.name, "--bind", self.bind, "--http", self.http_bind]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("SHOAL_")}
        environ |= {lifeline.VARIABLE: str(os.getpid()), **self.environ}
        self.log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.home(), self.log_path.open("ab") as log, self.stderr_path.open("wb") as errors:
            self.process = subprocess.Popen(
                [*COMMAND, "agent", *arguments, "--data-dir", str(self.data_dir), "--log-json", *self.options,
                 *more, *seeds],
                stdin=subprocess.DEVNULL, stdout=log, stderr=errors, env=environ, process_group=0,
            )  # fmt: skip
        self.listening = {}

    def start(self, *more: str, join: Sequence[str] = ()) -> None:
        """Start the process and wait until it says where it listens."""
        self.spawn(*more, join=join)
        self.wait_listening()

    def wait_listening(self) -> None:
        """Wait until the log says where it listens."""

        def listens() -> bool:
            found = self.logged("listening")
            if not found and self.ended:
                raise NotSo(f"{self.name} ended before it listened: {self.last_words()}")
            self.listening = found[0] if found else {}
            return bool(found)

        wait_until(f"{self.name} listens", listens, START_TIMEOUT_S)

    @property
    def pid(self) -> int:
        """Of the present process."""
        return self._started().pid

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self.process

    @property
    def ended(self) -> bool:
        """Whether its process is over, or never was."""
        return self.process is None or self.process.poll() is not None

    def send_signal(self, number: int) -> None:
        """Send a signal by process id."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill -9, and reap."""
        if self.process is not None and self.process.poll() is None:
            self.send_signal(signal.SIGKILL)
            self.process.wait()

    def wait_end(self, timeout_s: float = END_TIMEOUT_S) -> int:
        """Wait for the process's end; its exit code, negative for a signal.

        Raises:
            NotSo: it runs on.
        """
        try:
            return self._started().wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise NotSo(f"{self.name} runs on after {timeout_s:g} s: {self.last_words()}") from None

    def rss_kib(self) -> int:
        """Give the process's resident memory."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        if found is None:
            raise NotSo(f"{self.name} has no memory: it is a zombie")
        return int(found[1])

    # --- what it says ---------------------------------------------------------------------------

    def log(self) -> list[dict[str, Any]]:
        """Give every whole line that its latest process logged."""
        return self._log_from(self.log_start)

    def history(self, event: str = "") -> list[dict[str, Any]]:
        """Give every whole line that its processes logged, of one event or of all, the former processes' first."""
        return [entry for entry in self._log_from(0) if not event or entry.get("event") == event]

    def _log_from(self, start: int) -> list[dict[str, Any]]:
        with self.log_path.open("rb") as file:
            file.seek(start)
            lines = file.read().decode(errors="replace").split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def logged(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Give the entries of an event in which these fields have these values."""
        wanted = {"event": event, **fields}
        return [entry for entry in self.log() if wanted.items() <= entry.items()]

    def messages(self) -> str:
        """Give the log's plain sentences, one a line."""
        return "\n".join(str(entry["message"]) for entry in self.log() if "message" in entry)

    def stderr(self) -> str:
        """Give what it said to people."""
        return self.stderr_path.read_text(errors="replace")

    def last_words(self) -> str:
        """Give the end of both."""
        return f"{self.log_path.read_text(errors='replace')[-600:]} {self.stderr()[-600:]}"

    # --- asking ---------------------------------------------------------------------------------

    @property
    def gossip(self) -> str:
        """host:port as bound."""
        return str(self.listening["gossip"])

    @property
    def url(self) -> str:
        """Of its HTTP listener."""
        return str(self.listening["http"])

    @property
    def id(self) -> str:
        """26 letters."""
        return str(self.listening["id"])

    @property
    def token(self) -> str:
        """The admin token it made."""
        return (self.data_dir / "admin.token").read_text().strip()

    def client(self, token: str | None = None) -> Client:
        """Give a client with the admin token, or another."""
        return Client(self.url, self.token if token is None else token)

    def ask(self, method: str, path: str, params: dict[str, str] | None = None, body: Any = None) -> Answer:
        """Make a request with the admin token; any status is an answer."""
        with self.place():
            return self.client().exchange(method, path, params or {}, body, timeout_s=35)

    def get(self, path: str) -> Any:
        """Fetch JSON."""
        with self.place():
            return self.client().get(path)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Give its members by name."""
        return {row["name"]: row for row in self.get("/v1/cluster/members")["members"]}

    def view(self) -> dict[str, dict[str, Any]]:
        """Give its members by name; nothing while it does not answer."""
        try:
            return self.rows()
        except ClientError:
            return {}

    def statuses(self) -> dict[str, str]:
        """Give each member's status by name; nothing while it does not answer."""
        return {name: str(row["status"]) for name, row in self.view().items()}

    def sees(self, name: str, *statuses: str) -> bool:
        """Tell whether it shows a member in one of some statuses; "" stands for not at all."""
        held = self.statuses()
        return bool(held) and held.get(name, "") in statuses

    def metric(self, name: str, **labels: str) -> float:
        """Read one figure of /metrics; 0 where it is not there."""
        with self.place():
            text = self.client().call("GET", "/metrics").body.decode()
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in text.splitlines():
            found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
            if found and wanted == set(filter(None, (found[1] or "").split(","))):
                return float(found[2])
        return 0.0

    def drops(self, reason: str) -> float:
        """Give how many datagrams were dropped for a reason."""
        return self.metric("shoal_datagrams_dropped_total", reason=reason)

    def shoal(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `shoal` command against it."""
        with self.place():
            return run_shoal(*arguments, "--http", self.url, "--data-dir", str(self.data_dir))


def run_shoal(*arguments: str, timeout_s: float = 40.0) -> subprocess.CompletedProcess[str]:
    """Run a `shoal` command to its end."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SHOAL_")}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout_s, env=environ, check=False
    )
