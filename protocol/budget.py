"""Limits on what one insider can make others do: so many acts a second, then silence."""

from collections import OrderedDict
from collections.abc import Hashable

HOLDERS_MAX = 4_096
"""Buckets kept; the one unused for longest is dropped, and begins anew with a full allowance."""


class Budget:
    """A token bucket per holder: `burst` acts at once, then one per `period_s`. `now` in seconds."""

    def __init__(self, period_s: float, burst: int) -> None:
        self._period_s = period_s
        self._burst = burst
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, now: float, holder: Hashable = None) -> bool:
        """Spend one act of the holder's; False, and nothing is spent, when none is left."""
        tokens, at = self._buckets.pop(holder, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + max(0.0, now - at) / self._period_s)
        allowed = tokens >= 1.0
        self._buckets[holder] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > HOLDERS_MAX:
            self._buckets.popitem(last=False)
        return allowed
