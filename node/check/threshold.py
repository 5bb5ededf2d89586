"""How many runs in a row it takes until a check changes (SuccessBeforePassing and FailuresBeforeCritical)."""

from node.check.definition import CheckDefinition
from protocol.catalog.check import CheckStatus


class Threshold:
    """The runs of one check in a row. As in Consul 1.8.7, the first run counts whatever it comes to."""

    def __init__(self, definition: CheckDefinition) -> None:
        self._successes_wanted = definition.success_before_passing
        self._failures_wanted = definition.failures_before_critical
        self._successes = self._successes_wanted
        self._failures = self._failures_wanted

    def admits(self, status: CheckStatus) -> bool:
        """Count a run; return whether the check becomes what it came to. A warning is a success."""
        if status is CheckStatus.CRITICAL:
            self._successes = 0
            self._failures += 1
            return self._failures >= self._failures_wanted
        self._failures = 0
        self._successes += 1
        return self._successes >= self._successes_wanted
