"""Virtual time: what happens next, in an order that only the seed decides."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

Handler = Callable[[Any], None]


class Schedule:
    """A heap of (time, serial, handler, argument). Times are virtual seconds from 0; ties in the order planned."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events = 0
        self._serial = 0
        self._heap: list[tuple[float, int, Handler, Any]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def plan(self, at: float, handler: Handler, argument: object = None) -> None:
        """Call a handler at a time, or now if that is past."""
        self._serial += 1
        heappush(self._heap, (at if at > self.now else self.now, self._serial, handler, argument))

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Plan an action that takes nothing."""
        self.plan(time, _call, action)

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Plan an action some seconds from now."""
        self.plan(self.now + delay_s, _call, action)

    def run(self, duration_s: float) -> None:
        """Let time pass."""
        end = self.now + duration_s
        heap, pop, count = self._heap, heappop, 0
        try:
            while heap and heap[0][0] <= end:
                self.now, _, handler, argument = pop(heap)
                count += 1
                handler(argument)
        finally:
            self.events += count
        self.now = end

    def run_until(self, condition: Callable[[], bool], longest_s: float, step_s: float = 0.1) -> float | None:
        """Let time pass until a condition holds; give how long it took, or None if it never did."""
        began = self.now
        while self.now - began < longest_s:
            if condition():
                return self.now - began
            self.run(step_s)
        return self.now - began if condition() else None


def _call(action: Callable[[], None]) -> None:
    action()
