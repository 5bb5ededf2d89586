"""Why a verdict was reached: kept for each member, bounded, shown by `shoal explain`."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from protocol.status import Status
from protocol.ulid import MemberId

EVIDENCE_MAX = 32
"""Entries kept per member: several full stories of suspicion, failure and return."""


class PathKind(Enum):
    """Ways on which a member was asked for a sign of life."""

    DIRECT = "direct"
    RELAY = "relay"
    STREAM = "stream"


class PathResult(Enum):
    """What came of asking."""

    ACK = "ack"
    NACK = "nack"
    SILENCE = "silence"
    REFUSED = "refused"
    """Nobody listens at that port, says the system of its host."""


@dataclass(frozen=True, slots=True)
class PathTried:
    """One way on which a probe went."""

    kind: PathKind
    result: PathResult
    relay: MemberId | None = None
    rtt_s: float | None = None
    detail: str = ""


def is_gone(paths: tuple[PathTried, ...]) -> bool:
    """Tell whether a member's process has ended, as far as one can see from elsewhere.

    Its port refuses a connection, so its host runs and can be reached; and a relay, which is well, had no answer from
    it either. Silence alone, on however many ways, says nothing of the kind.
    """
    results = {(path.kind, path.result) for path in paths}
    return (
        (PathKind.STREAM, PathResult.REFUSED) in results
        and (PathKind.RELAY, PathResult.NACK) in results
        and not any(path.result is PathResult.ACK for path in paths)
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """One change, and what led to it."""

    at: float
    """Seconds of the engine's clock."""
    event: str
    """The change's kind, or `accused`, `confirmed`, `probe-failed`, `look-failed`, `evicted`."""
    incarnation: int
    status: Status
    """Of the member, after it."""
    rtt_s: float | None = None
    """Smoothed round trip of this node's probes of it, as far as measured."""
    by: MemberId | None = None
    """Who accused, confirmed, evicted; the subject itself where it spoke."""
    paths: tuple[PathTried, ...] = ()
    awareness: int = 0
    """This node's own score at that moment: how much it doubted itself."""
    stall_s: float = 0.0
    """How long this node itself had last been stalled, if within the last probe interval."""
    confirmations: int = 0
    note: str = ""


class EvidenceLog:
    """The last 32 pieces of evidence about one member; costs nothing while empty."""

    __slots__ = ("_entries", "dropped")

    def __init__(self) -> None:
        self._entries: deque[Evidence] | None = None
        self.dropped = 0
        """How many older entries had to go."""

    def add(self, evidence: Evidence) -> None:
        """Append, dropping the oldest beyond the bound."""
        if self._entries is None:
            self._entries = deque(maxlen=EVIDENCE_MAX)
        if len(self._entries) == EVIDENCE_MAX:
            self.dropped += 1
        self._entries.append(evidence)

    def __iter__(self) -> Iterator[Evidence]:
        return iter(self._entries or ())

    def __len__(self) -> int:
        return len(self._entries or ())
