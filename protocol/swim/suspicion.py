"""How long an accused member has to refute (SWIM section 4.2, Lifeguard section 4.2).

    shortest = alpha * max(1, log10 n) * probe interval        longest = beta * shortest
    expected = alpha - 2 independent confirmations, 0 when fewer than that many could give one
    timeout  = max(shortest, longest - (longest - shortest) * ln(C + 1) / ln(expected + 1))

Distinct accusers shorten the wait to the shortest, never below: identities cost nothing to whoever
holds the cluster key. Who has seen by itself that the process is gone (`evidence.is_gone`) waits 0.6 of the shortest,
whoever else accuses.
"""

from dataclasses import dataclass, field
from math import log, log10

from protocol.swim.settings import Settings
from protocol.ulid import MemberId

GONE_SHARE = 0.6
"""Of the shortest wait, once this node has seen that a process is gone: 3.1 s of 5.2 s among 20. What is left is for
one that is started again at once; a node takes half a second for that."""


def suspicion_shortest_s(alpha: int, live_count: int, probe_interval_s: float) -> float:
    """Give the shortest wait among `live_count` members (alive or suspect, self included)."""
    return alpha * max(1.0, log10(max(1, live_count))) * probe_interval_s


def confirmations_expected(alpha: int, live_count: int) -> int:
    """Give K: how many further accusers there will be if the member is dead; 0 in tiny clusters."""
    expected = alpha - 2
    return expected if live_count - 2 >= expected else 0


def suspicion_timeout_s(shortest_s: float, longest_s: float, expected: int, confirmations: int) -> float:
    """Give the wait after `confirmations` of `expected` independent ones."""
    if expected < 1:
        return shortest_s
    share = log(confirmations + 1) / log(expected + 1)
    return max(shortest_s, longest_s - (longest_s - shortest_s) * share)


@dataclass(slots=True)
class Suspicion:
    """One member's running suspicion at one incarnation."""

    incarnation: int
    started_at: float
    shortest_s: float
    longest_s: float
    expected: int
    accusers: set[MemberId] = field(default_factory=set)
    seen_gone: bool = False
    """Whether this node has seen by itself that the process is gone."""

    @classmethod
    def begin(cls, now: float, incarnation: int, live_count: int, settings: Settings) -> "Suspicion":
        """Start the clock; without Lifeguard's suspicion the wait is the shortest whoever confirms."""
        shortest = suspicion_shortest_s(settings.suspicion_alpha, live_count, settings.probe_interval_s)
        if not settings.lha_suspicion:
            return cls(incarnation, now, shortest, shortest, 0)
        expected = confirmations_expected(settings.suspicion_alpha, live_count)
        return cls(incarnation, now, shortest, shortest * settings.suspicion_beta, expected)

    def confirm(self, accuser: MemberId) -> bool:
        """Count an accuser once; tell whether its voice was still wanted (and is worth passing on)."""
        if accuser in self.accusers or len(self.accusers) > self.expected:
            return False
        self.accusers.add(accuser)
        return True

    def hasten(self) -> None:
        """Wait for the shortest time only: others have waited for the longest already."""
        self.longest_s = self.shortest_s

    @property
    def timeout_s(self) -> float:
        """The wait as it stands: the first accuser opens the suspicion, the others confirm it."""
        if self.seen_gone:
            return GONE_SHARE * self.shortest_s
        return suspicion_timeout_s(self.shortest_s, self.longest_s, self.expected, max(0, len(self.accusers) - 1))

    @property
    def deadline(self) -> float:
        """When the member is failed if nothing else is heard."""
        return self.started_at + self.timeout_s
