"""Local health: how much a node doubts itself (Lifeguard section 4.1; memberlist awareness.go)."""


class Awareness:
    """A score of 0 (healthy) to `largest - 1`; every probe interval and timeout stretches with it."""

    def __init__(self, largest: int, *, enabled: bool = True) -> None:
        self._largest = largest
        self._enabled = enabled
        self.score = 0

    def feed(self, delta: int) -> None:
        """Move the score: -1 for a probe that succeeded, +1 or more for signs that we are the slow one."""
        if self._enabled and (delta > 0 or self.score):
            self.score = min(max(self.score + delta, 0), self._largest - 1)

    def scale(self, seconds: float) -> float:
        """Stretch a time by score + 1."""
        return seconds * (self.score + 1)
