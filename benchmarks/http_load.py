"""Load on one HTTP route over kept connections: by wrk, or by a client that only counts answers."""

import re
import subprocess
import time
from functools import partial

import trio


def load_with_wrk(port: int, path: str, connection_count: int, duration_s: float) -> tuple[int, float]:
    """Give the number of answers and the seconds they took.

    Raises:
        RuntimeError: an answer was not 200, or wrk's report cannot be read.
    """
    whole_s = max(1, round(duration_s))  # wrk takes no fractions
    command = ["wrk", "-t", "1", "-c", str(connection_count), "-d", f"{whole_s}s", f"http://127.0.0.1:{port}{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=whole_s + 30)
    found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", done.stdout)
    if found is None or "Non-2xx" in done.stdout:
        raise RuntimeError(f"wrk reports: {done.stdout}")
    return int(found[1]), float(found[2]) / (1_000 if found[3] == "ms" else 1)


def load_with_client(port: int, path: str, connection_count: int, duration_s: float) -> tuple[int, float]:
    """Do the same without wrk: slower than wrk, and lighter than the server."""
    return trio.run(partial(_load, port, path, connection_count, duration_s))


async def _load(port: int, path: str, connection_count: int, duration_s: float) -> tuple[int, float]:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    counts = [0] * connection_count
    began = time.monotonic()
    with trio.move_on_after(duration_s):
        async with trio.open_nursery() as nursery:
            for index in range(connection_count):
                nursery.start_soon(_ask, port, request, counts, index)
    return sum(counts), time.monotonic() - began


async def _ask(port: int, request: bytes, counts: list[int], index: int) -> None:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        while True:
            await stream.send_all(request)
            await _read_answer(stream)
            counts[index] += 1


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
