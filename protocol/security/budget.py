"""How often something may happen: a budget that fills with time."""


class Budget:
    """A token bucket: `per_second` on the long run, and at most `burst` at once."""

    __slots__ = ("_burst", "_filled_at", "_left", "_per_second")

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._filled_at: float | None = None

    def take(self, now: float) -> bool:
        """Spend one if there is one; `now` in seconds, monotonic (a step back fills nothing)."""
        if self._filled_at is not None and now > self._filled_at:
            self._left = min(self._burst, self._left + (now - self._filled_at) * self._per_second)
        if self._filled_at is None or now > self._filled_at:
            self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
