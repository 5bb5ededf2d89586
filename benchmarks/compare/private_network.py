"""A network that one cluster has to itself: a Linux network namespace with loopback alone. Needs root.

It has no name and leaves nothing behind: the kernel removes it when the last process in it has ended and this
program has closed its descriptor, however that comes about.
"""

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

CLONE_NEWNET = 0x40000000
"""From <linux/sched.h>."""
SIOCSIFFLAGS = 0x8914
"""From <linux/sockios.h>."""
IFF_UP, IFF_RUNNING = 0x1, 0x40
OWN = Path("/proc/self/ns/net")


class PrivateNetwork:
    """Open until `close`; only for programs whose sockets are made by their main thread."""

    def __init__(self) -> None:
        """Make it.

        Raises:
            OSError: the kernel refuses, or is not Linux.
        """
        if sys.platform != "linux":
            raise OSError("network namespaces are Linux's")
        home = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("unshare", CLONE_NEWNET)
            try:
                self._descriptor = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
                _raise_loopback()
            finally:
                _call("setns", home, CLONE_NEWNET)
        finally:
            os.close(home)

    def close(self) -> None:
        """Let it go; it lasts as long as processes are in it."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be in it, for the processes that are started while the block lasts."""
        home = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("setns", self._descriptor, CLONE_NEWNET)
            try:
                yield
            finally:
                _call("setns", home, CLONE_NEWNET)
        finally:
            os.close(home)


def why_no_network() -> str:
    """Say why such networks cannot be made here; empty if they can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "a cluster has a network of its own only for root"
    with suppress(OSError), PrivateNetwork():
        return ""
    return "this kernel makes no network namespaces"


def _raise_loopback() -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", IFF_UP | IFF_RUNNING)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments):
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
