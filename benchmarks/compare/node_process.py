"""One process of a product's node, its output in a pipe; it dies with this program."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from benchmarks.agent_process import FOREIGN_VARIABLES, ROOT
from node.lifeline import PR_SET_PDEATHSIG

LAST_LINES_MAX = 5
LINE_SIZE_MAX = 64 * 1024
"""What is longer without an end is no line of a log."""
END_MAX_S = 10.0
"""The kernel's time to end what was killed."""


class NodeProcess:
    """What was started, and what it has said."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start it; its network is the caller's.

        Raises:
            OSError: it cannot be started.
        """
        self.name = name
        self.is_told_to_end = False
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES_MAX)
        self._rest = b""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN_VARIABLES)}
        self.started_at = time.monotonic()
        """On the monotonic clock, just before exec."""
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT,
            env={**inherited, **environ}, process_group=0, bufsize=0,
            preexec_fn=_tether(),  # noqa: PLW1509 - there is one thread
        )  # fmt: skip
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def fileno(self) -> int:
        """Give the pipe's end to wait at."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def read_lines(self) -> list[str] | None:
        """Give the lines that have come in full; None at the end of all."""
        try:
            data = os.read(self.fileno(), LINE_SIZE_MAX)
        except BlockingIOError:
            return []
        if not data:
            return None
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_SIZE_MAX:
            self._rest = b""
        lines = [line.decode(errors="replace") for line in whole]
        self.last_lines.extend(line for line in lines if line.strip())
        return lines

    def send_signal(self, number: signal.Signals) -> float:
        """Tell it to end; the time just before."""
        self.is_told_to_end = True
        now = time.monotonic()
        self._process.send_signal(number)
        return now

    def has_ended(self) -> bool:
        """Tell whether the process is over."""
        return self._process.poll() is not None

    def close(self) -> None:
        """Kill it if it runs, and reap it."""
        self.is_told_to_end = True
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(END_MAX_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _tether() -> Callable[[], None] | None:
    """Make what a child does before exec to die with its parent, as node.lifeline does for agents of our own."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tether() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    return tether
