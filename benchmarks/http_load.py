"""Load on one HTTP route over kept connections: by wrk, or by a client that only counts answers."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import quantiles

import trio

TIMEOUT = "20s"
"""What takes longer is in no latency; wrk's own 2 s are reached on a busy machine."""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What one client got."""

    answers: int
    duration_s: float
    p50_s: float
    """Latency, of all connections together."""
    p99_s: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.duration_s


LoadRoute = Callable[[int, str, int, float], Load]
"""Takes port, path, number of connections, and seconds."""


def best_client() -> tuple[str, LoadRoute]:
    """Give wrk where it is installed, else the client of ours; and its name."""
    return ("wrk", load_with_wrk) if shutil.which("wrk") else ("client", load_with_client)


def load_with_wrk(port: int, path: str, connection_count: int, duration_s: float) -> Load:
    """Load a route for so many whole seconds, at least one.

    Raises:
        RuntimeError: an answer was not 200, or wrk's report cannot be read.
    """
    whole_s = max(1, round(duration_s))  # wrk takes no fractions
    command = ["wrk", "-t", "1", "-c", str(connection_count), "-d", f"{whole_s}s", "--latency", "--timeout", TIMEOUT]
    command.append(f"http://127.0.0.1:{port}{path}")
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=whole_s + 30)
    return parse_wrk(done.stdout)


def parse_wrk(report: str) -> Load:
    """Read what `wrk --latency` prints.

    Raises:
        RuntimeError: it is something else, no request was answered, or an answer was not 200.
    """
    found = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)\b", report)
    latencies = {
        int(share): _seconds(text) for share, text in re.findall(r"^ +(\d\d)% +(\S+) *$", report, re.MULTILINE)
    }
    if found is None or "Non-2xx" in report or not {50, 99} <= latencies.keys() or not int(found[1]):
        raise RuntimeError(f"wrk reports: {report}")
    return Load(int(found[1]), _seconds(found[2] + found[3]), latencies[50], latencies[99])


def _seconds(text: str) -> float:
    number, unit = text.rstrip("ums"), text.lstrip("0123456789.")
    return float(number) * _UNITS[unit]


def load_with_client(port: int, path: str, connection_count: int, duration_s: float) -> Load:
    """Do the same without wrk: slower than wrk, and lighter than the server.

    Raises:
        RuntimeError: an answer was not 200, or there were fewer than two.
    """
    return trio.run(partial(_load, port, path, connection_count, duration_s))


async def _load(port: int, path: str, connection_count: int, duration_s: float) -> Load:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    latencies: list[float] = []
    began = time.monotonic()
    with trio.move_on_after(duration_s):
        async with trio.open_nursery() as nursery:
            for _ in range(connection_count):
                nursery.start_soon(_ask, port, request, latencies)
    if len(latencies) < 2:
        raise RuntimeError(f"{len(latencies)} answers in {duration_s:g} s")
    cuts = quantiles(latencies, n=100, method="inclusive")
    return Load(len(latencies), time.monotonic() - began, cuts[49], cuts[98])


async def _ask(port: int, request: bytes, latencies: list[float]) -> None:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        while True:
            asked_at = time.monotonic()
            await stream.send_all(request)
            await _read_answer(stream)
            latencies.append(time.monotonic() - asked_at)


async def _read_answer(stream: trio.SocketStream) -> None:
    """Read one answer with a Content-Length.

    Raises:
        RuntimeError: it is not 200, or the connection ended.
    """
    held = b""
    while (end := held.find(b"\r\n\r\n")) < 0:
        held += await _receive(stream)
    head = held[:end].lower()
    found = re.search(rb"\r\ncontent-length: (\d+)", head)
    if not head.startswith(b"http/1.1 200") or found is None:
        raise RuntimeError(f"an answer that begins {head[:80]!r}")
    missing = int(found[1]) - (len(held) - end - 4)
    while missing > 0:
        missing -= len(await _receive(stream))


async def _receive(stream: trio.SocketStream) -> bytes:
    data = bytes(await stream.receive_some())
    if not data:
        raise RuntimeError("the server closed the connection")
    return data
