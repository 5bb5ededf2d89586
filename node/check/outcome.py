"""What one run of a check came to, and how much is kept of what was said."""

import os
import socket
from dataclasses import dataclass

import trio

from protocol.catalog.check import CheckStatus

OUTPUT_SIZE_MAX = 4_096
"""Bytes of what a program or an owner says; the node that has the check shows as much."""
REASON_LENGTH_MAX = 500
_CONNECTING = "Error connecting to"
"""How Trio begins its own words before the system's."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run came to."""

    status: CheckStatus
    output: str


def critical(output: str) -> Outcome:
    """Give the outcome of a run that came to nothing."""
    return Outcome(CheckStatus.CRITICAL, output)


def exit_status(code: int) -> CheckStatus:
    """Give what a program's exit code says: 0 passing, 1 warning."""
    return {0: CheckStatus.PASSING, 1: CheckStatus.WARNING}.get(code, CheckStatus.CRITICAL)


class Tail:
    """The last bytes of a stream of any length."""

    def __init__(self, size_max: int = OUTPUT_SIZE_MAX) -> None:
        self._size_max = size_max
        self._kept = bytearray()
        self.size = 0
        """Bytes that came in all."""

    def add(self, data: bytes | bytearray) -> None:
        """Take what came next."""
        self.size += len(data)
        self._kept += data[-self._size_max :]
        del self._kept[: -self._size_max]

    def last(self) -> str:
        """Return what is kept."""
        return self._kept.decode(errors="replace")

    def text(self) -> str:
        """Return what is kept, with a line before it if something was left out."""
        if self.size <= self._size_max:
            return self.last()
        return f"Captured {self._size_max} of {self.size} bytes\n...\n{self.last()}"


def clip_words(text: str, size_max: int = OUTPUT_SIZE_MAX) -> str:
    """Return the beginning of what an owner wrote, with a note of how much there was if it had more bytes."""
    data = text.encode(errors="replace")
    if len(data) <= size_max:
        return data.decode()
    kept = data[:size_max].decode(errors="replace")
    return f"{kept} ... (captured {size_max} of {len(data)} bytes)"


def show_duration(seconds: float) -> str:
    """Write a time as Go does: 30s, 1m30s, 500ms."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{shown}{rest:g}s"


def reason_of(error: BaseException) -> str:
    """Say in a few words why a connection failed; in lower case, as programs that read checks know it from Go."""
    while isinstance(error, BaseExceptionGroup):  # each of a name's addresses refused
        error = error.exceptions[0]
    cause = error.__cause__
    if isinstance(error, OSError) and error.errno is None and cause is not None:
        return reason_of(cause)
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, trio.BrokenResourceError):
        return reason_of(cause) if cause is not None else "connection broken"
    if isinstance(error, OSError) and error.strerror:
        words = error.strerror
        if error.errno and words.startswith(_CONNECTING):
            words = os.strerror(error.errno)
        return words[:1].lower() + words[1:]
    return str(error)[:REASON_LENGTH_MAX] or type(error).__name__
