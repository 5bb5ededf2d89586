"""A local cluster of real processes: started, watched, and taken down without a trace.

Each node is a `shoal agent` of its own on loopback, with ports the system chooses and a data directory below
one base directory. The first is the seed of the others. However this process ends, the nodes end: by its own
hand in order, or, where it was killed, by their lifeline.
"""

import contextlib
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from node.http_client import Client, ClientError
from node.interruption import Interruption
from node.up_child import AGENT_COMMAND, Child, shown_command
from node.up_table import Screen, open_screen, print_once
from node.up_watch import ASKED_AT_ONCE_MAX, Row, Watch

NODE_COUNT_MAX = 64
"""Each node is a process of some 50 MiB; more belong in the simulator."""
START_TIMEOUT_S = 60.0
"""Until a node says where it listens. A start takes a second; many at once on a busy machine take more."""
ONCE_TIMEOUT_S = 60.0
"""With `once`: until every node sees all."""
LEAVE_TIMEOUT_S = 8.0
"""A leave takes at most 5 s; who has not ended by then is killed."""
REFRESH_S = 0.5
LOG_PAUSE_S = 0.05
"""Between two looks into a log or at a process that is to end."""

EXIT_DONE = 0
EXIT_INTERRUPTED = 130


class UpError(Exception):
    """The cluster could not be brought up; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    node_count: int = 5
    profile: str = "local"
    base_dir: Path | None = None
    """None: a temporary one, removed at the end."""
    keeps_base_dir: bool = False
    once: bool = False
    """Print the table when all see all, and end."""


def run_up(plan: Plan, command: Sequence[str] = AGENT_COMMAND) -> int:
    """Run a local cluster until a signal, and give the exit code.

    `command` is what stands before `agent` and its flags.

    Raises:
        UpError: a node did not start, or with `once` not all saw all in time. Everything is taken down then too.
    """
    with _base_dir(plan) as base_dir, Interruption() as interruption:
        cluster = Cluster(plan, base_dir, command, interruption)
        try:
            cluster.start()
            return cluster.watch_once() if plan.once else cluster.watch()
        except _InterruptedError:
            return EXIT_INTERRUPTED
        finally:
            cluster.stop()


class Cluster:
    """The nodes of one run."""

    def __init__(self, plan: Plan, base_dir: Path, command: Sequence[str], interruption: Interruption) -> None:
        self._command = command
        self._interruption = interruption
        key_file = base_dir / "cluster.key"
        options = ["--key-file", str(key_file), "--profile", plan.profile]
        if not key_file.exists():
            _write_key_file(key_file)
        names = [f"n{number}" for number in range(1, plan.node_count + 1)]
        self.children = [Child(name, base_dir / name, options) for name in names]

    def start(self) -> None:
        """Start the first node, then the others at once, and wait until all say where they listen.

        Raises:
            UpError: one ended or said nothing in time.
        """
        seed, *others = self.children
        self._start_together([seed])
        for child in others:
            child.seeds = [seed.gossip]
        self._start_together(others)

    def watch(self) -> int:
        """Show the cluster until a signal comes; give the exit code."""
        screen = open_screen()
        try:
            with Watch(self.children) as watch:
                while True:
                    rows = watch.rows()
                    screen.show(rows, list(self._hints(rows)))
                    if self._interruption.wait(REFRESH_S):
                        self._say_farewell(screen)
                        return EXIT_DONE
        finally:
            screen.close()

    def watch_once(self) -> int:
        """Wait until every node answers and is alive for all, print the table, and give the exit code.

        Raises:
            UpError: not all saw all in time.
        """
        deadline = time.monotonic() + ONCE_TIMEOUT_S
        with Watch(self.children) as watch:
            while True:
                rows = watch.rows()
                if all(row.is_well for row in rows[: len(self.children)]):
                    print_once(rows)
                    return EXIT_DONE
                if time.monotonic() > deadline:
                    raise UpError(f"after {ONCE_TIMEOUT_S:g} s not all nodes see all: {_describe(rows)}")
                self._pause(REFRESH_S)

    def stop(self) -> None:
        """Let every node leave, for at most 8 s; kill what is left, or all of it at a further signal."""
        deadline = time.monotonic() + LEAVE_TIMEOUT_S
        count = self._interruption.count
        by_hand = [child for child in self.children if child.http and child.end_words()]
        for child in self.children:
            child.signal(signal.SIGINT)
        _leave_by_http(by_hand, deadline)
        while self._is_anyone_left() and time.monotonic() < deadline and self._interruption.count == count:
            self._interruption.wait(LOG_PAUSE_S)
        for child in self.children:
            if child.process:
                child.signal(signal.SIGKILL)
                child.process.wait()

    def _start_together(self, children: Sequence[Child]) -> None:
        for child in children:
            try:
                child.start(self._command)
            except OSError as error:
                raise UpError(f"{child.name} cannot be started: {error}") from None
        deadline = time.monotonic() + START_TIMEOUT_S
        for child in children:
            while not child.read_addresses():
                if ended := child.end_words():
                    raise UpError(f"{child.name} {ended} before it was ready: {child.last_words()}")
                if time.monotonic() > deadline:
                    raise UpError(f"{child.name} did not say where it listens within {START_TIMEOUT_S:g} s")
                self._pause(LOG_PAUSE_S)

    def _pause(self, duration_s: float) -> None:
        if self._interruption.wait(duration_s):
            raise _InterruptedError

    def _is_anyone_left(self) -> bool:
        return any(child.process and child.process.poll() is None for child in self.children)

    def _hints(self, rows: Sequence[Row]) -> Iterator[str]:
        living = [child for child in self.children if not child.end_words()]
        gone = [  # the nodes' rows come first
            child for child, row in zip(self.children, rows, strict=False) if child.end_words() and not row.answers
        ]
        if living:
            shoal, first, victim = shown_command(), living[0], (gone or living)[-1]
            yield "Try, in another terminal (Ctrl-C here leaves):"
            yield f"  export SHOAL_HTTP_ADDR={first.http}"
            yield f"  export SHOAL_DATA_DIR={first.data_dir}"
            if not gone:
                yield f"  kill -9 {victim.pid}"
            yield f"  {shoal} members"
            yield f"  {shoal} explain {victim.name}"
            yield f"  {shoal} force-leave {victim.name}"
        for child in gone:
            ended = child.end_words()
            yield f"{child.name} was {ended}" if ended.startswith("killed") else f"{child.name} {ended}"
            yield "  start it again:"
            yield from (f"    {line}" for line in _continued(child.restart_line()))

    def _say_farewell(self, screen: Screen) -> None:
        screen.say(f"leaving; Ctrl-C again kills the nodes at once (they are given {LEAVE_TIMEOUT_S:g} s)")


def _continued(command: str) -> list[str]:
    """Break a command before its flags, as a shell reads it: a terminal's own folding cannot be pasted."""
    first, *rest = re.split(r" (?=--)", command)
    lines = [first, *(f"    {flag}" for flag in rest)]
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


class _InterruptedError(Exception):
    """A signal came while something was waited for."""


@contextlib.contextmanager
def _base_dir(plan: Plan) -> Iterator[Path]:
    """Give a base directory; a temporary one is removed at the end unless it is to be kept."""
    try:
        if plan.base_dir:
            plan.base_dir.mkdir(parents=True, exist_ok=True)
        path = plan.base_dir.resolve() if plan.base_dir else Path(tempfile.mkdtemp(prefix="shoal-up-"))
    except OSError as error:
        raise UpError(f"{plan.base_dir or tempfile.gettempdir()} cannot be used: {error.strerror}") from None
    try:
        yield path
    finally:
        if plan.base_dir or plan.keeps_base_dir:
            print(f"the nodes' data is in {path}", file=sys.stderr)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _leave_by_http(children: Sequence[Child], deadline: float) -> None:
    """Ask the nodes that were started again by hand to leave: they are not our processes."""
    if children:
        with ThreadPoolExecutor(ASKED_AT_ONCE_MAX) as pool:
            list(pool.map(_ask_to_leave, children, [deadline] * len(children)))


def _ask_to_leave(child: Child, deadline: float) -> None:
    """Make a process that is not ours leave, and wait until it is gone: no signal says so."""
    with contextlib.suppress(ClientError, OSError):
        token = (child.data_dir / "admin.token").read_text().strip()
        client = Client(child.http, token, deadline - time.monotonic())
        client.call("POST", "/v1/cluster/leave")
        while time.monotonic() < deadline:
            time.sleep(LOG_PAUSE_S)
            client.exchange("GET", "/livez")


def _write_key_file(path: Path) -> None:
    from node.new_key_file import write_key_file

    try:
        write_key_file(path)
    except OSError as error:
        raise UpError(f"{path} cannot be written: {error.strerror}") from None


def _describe(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row.name} is {row.seen}" for row in rows if not row.is_well)
