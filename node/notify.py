"""Telling the service manager how it goes: systemd's sd_notify protocol, without libsystemd.

Messages are datagrams of KEY=VALUE lines to the unix socket that $NOTIFY_SOCKET names; a name that begins
with "@" is abstract (Linux), its first byte being zero. Without that variable nothing is sent. See
sd_notify(3) and sd_watchdog_enabled(3).
"""

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from typing import Self

STATUS_LENGTH_MAX = 200
"""One line in `systemctl status`."""


class Notifier:
    """Speaks to the service manager; says nothing where there is none. Errors are its own affair."""

    def __init__(self, socket_name: str, watchdog_interval_s: float | None = None) -> None:
        """Speak to the socket of this name; an empty one is nobody."""
        self._path = "\0" + socket_name[1:] if socket_name.startswith("@") else socket_name
        self.watchdog_interval_s = watchdog_interval_s
        """How often `watchdog` must be called, seconds: half of what the manager waits. None: never."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID; what cannot be meant is ignored."""
        name = environ.get("NOTIFY_SOCKET", "")
        if not name.startswith(("/", "@")):
            return cls("")
        return cls(name, _watchdog_interval_s(environ))

    def ready(self, status: str = "") -> bool:
        """Say that the start is complete, or a reload."""
        return self._send("READY=1", status)

    def status(self, status: str) -> bool:
        """Give the line that `systemctl status` shows."""
        return self._send("", status)

    def reloading(self) -> bool:
        """Say that a reload has begun; `ready` ends it."""
        return self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str = "") -> bool:
        """Say that the stop has begun."""
        return self._send("STOPPING=1", status)

    def watchdog(self) -> bool:
        """Say that the node still runs."""
        return self._send("WATCHDOG=1")

    def _send(self, lines: str, status: str = "") -> bool:
        """Send; tell whether the manager took it."""
        if not self._path:
            return False
        if status:
            line = " ".join(status.split())[:STATUS_LENGTH_MAX]
            lines = f"{lines}\nSTATUS={line}" if lines else f"STATUS={line}"
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)  # a manager that does not read must not hold up the node
            sender.sendto(lines.encode(), self._path)
            return True
        return False


def _watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    period, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not (period.isascii() and period.isdecimal()) or int(period[:18]) == 0:
        return None
    if pid and pid != str(os.getpid()):  # meant for another process of the unit
        return None
    return int(period[:18]) / 2e6
