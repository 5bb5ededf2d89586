"""Signals that ask a synchronous program to stop, as something it can wait for."""

import contextlib
import os
import select
import signal
from types import FrameType
from typing import Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """While entered, SIGINT, SIGTERM and SIGHUP raise nothing: `wait` returns early and `count` grows.

    The handler writes to a pipe, which may be done at any instruction; the locks inside an Event may not
    be taken there.
    """

    def __init__(self) -> None:
        self.count = 0
        """How many of the signals have come."""
        self._reading = self._writing = -1
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        self._before = {number: signal.signal(number, self._handle) for number in STOP_SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self._reading)
        os.close(self._writing)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the time or a signal; tell whether one has come since the last call."""
        ready, _, _ = select.select([self._reading], [], [], max(0.0, timeout_s))
        if ready:
            os.read(self._reading, 64)
        return bool(ready)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"!")
