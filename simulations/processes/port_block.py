"""Ports that agents keep over a restart, though other runs on this machine start and end agents at the same time.

A port that the system chose (port 0) is anybody's again as soon as its agent is down: the next run's agent, or any
client's connection, may have it when the agent comes back. So each process that starts agents takes a block of ports
to itself, below those that the system gives out, for as long as it lives.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle

FIRST_PORT = 20_000
BLOCK_PORTS = 400
"""A run of 50 agents takes 100. Each comes round again when all were given: its agent is gone by then."""
BLOCKS_MAX = 30
"""Runs side by side. The last block ends at 31,999; Linux gives out ports from 32,768 on."""

_held: list[tuple[socket.socket | None, Iterator[int]]] = []
"""This process's block, once it has one: the lock, open until the process ends, and the ports in turn."""


def free_port() -> int:
    """Give a port of this process's block that is free on 127.0.0.1 now, by UDP and by TCP.

    Raises:
        OSError: every block is taken, or every port of this process's.
    """
    if not _held:
        _held.append(_take_block())
    for _, port in zip(range(BLOCK_PORTS), _held[0][1], strict=False):
        if _is_free(port):
            return port
    raise OSError(f"none of this run's {BLOCK_PORTS} ports is free")


def free_address() -> str:
    """Give 127.0.0.1 with such a port."""
    return f"127.0.0.1:{free_port()}"


def _take_block() -> tuple[socket.socket | None, Iterator[int]]:
    for number in range(BLOCKS_MAX):
        first = FIRST_PORT + number * BLOCK_PORTS
        ports = cycle(range(first, first + BLOCK_PORTS))
        if sys.platform != "linux":
            return None, ports  # no lock that goes with its process and leaves no file: whatever is bound is passed by
        lock = socket.socket(socket.AF_UNIX)
        with suppress(OSError):
            lock.bind(f"\0shoal-ports-{first}")
            return lock, ports
        lock.close()
    raise OSError(f"all {BLOCKS_MAX} blocks of ports are taken by other runs")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as agents do; listeners still collide
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
