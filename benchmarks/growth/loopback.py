"""A loopback of one's own: a network namespace in which nothing but the measured processes speaks.

Its interface counts every packet that any of them sends, with IP and transport headers, datagrams and streams alike;
the agents' own counters know datagrams only, and have to be asked over HTTP. Needs Linux and root, and no tool.
"""

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWNET = 0x40000000
"""From <linux/sched.h>."""
_SIOCSIFFLAGS = 0x8914
_IFF_UP_AND_RUNNING = 0x41
_NAMESPACE = Path("/proc/thread-self/ns/net")
_COUNTERS = Path("/proc/thread-self/net/dev")
"""The thread's own: /proc/net is the process's first thread's, which may be in another namespace."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent over loopback since its namespace began; each packet once, though it arrives there too."""

    packets: int
    bytes: int
    """From the IP header on; loopback has no frame around it."""


@contextmanager
def own_loopback() -> Iterator[bool]:
    """Let this thread, and what it starts, speak over a loopback of their own, for as long as the block lasts.

    Gives False, with nothing changed, where that cannot be had: no Linux, no root.
    """
    if sys.platform != "linux":
        yield False
        return
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open(_NAMESPACE, os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            yield False
            return
        try:
            _raise_loopback()
            yield True
        finally:
            if libc.setns(before, CLONE_NEWNET) != 0:
                number = ctypes.get_errno()
                raise OSError(number, f"cannot return to the first network namespace: {os.strerror(number)}")
    finally:
        os.close(before)


def read_sent() -> Sent:
    """Read what loopback has carried.

    Raises:
        OSError: this system has no /proc.
    """
    return decode_sent(_COUNTERS.read_text())


def decode_sent(text: str) -> Sent:
    """Take loopback's line out of a /proc/net/dev.

    Raises:
        LookupError: it has none.
    """
    for line in text.splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            columns = [int(number) for number in numbers.split()]
            return Sent(packets=columns[9], bytes=columns[8])
    raise LookupError("no interface is called lo")


def _raise_loopback() -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", _IFF_UP_AND_RUNNING)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)
