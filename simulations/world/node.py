"""A simulated process: its engine, its disk, its clock, and what befalls it as a whole."""

from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from protocol.address import Address
from protocol.security.keyring import Keyring
from protocol.swim.effect import Change, Contact, Expelled, JoinEnded, SteppedDown
from protocol.swim.engine import Engine
from protocol.swim.local import Profile
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation

BACKLOG_MAX = 2_048
"""Arrivals kept for a process that does not read: a socket buffer of 212,992 bytes holds about as many small
datagrams; what comes beyond is dropped, as the kernel does."""

Arrival = tuple[Callable[[Any], None], Any]


@dataclass(slots=True)
class Disk:
    """What a node finds again after a restart."""

    reserve: int = 0
    contacts: MutableMapping[MemberId, Contact] = field(default_factory=dict)
    left: bool = False
    revocations: dict[MemberId, Revocation] = field(default_factory=dict)
    facts: dict[bytes, bytes] = field(default_factory=dict)
    """What the node was told to say, by key: it says it again at each start."""
    keyring: Keyring | None = None
    """The cluster's keys, where messages are sealed; None until a process has run with this disk."""

    def copy(self) -> "Disk":
        """Give what a copied data directory holds."""
        keyring = None if self.keyring is None else Keyring.from_offer(self.keyring.encode_offer())
        return replace(
            self,
            contacts=dict(self.contacts),
            revocations=dict(self.revocations),
            facts=dict(self.facts),
            keyring=keyring,
        )


@dataclass(slots=True)
class Clock:
    """What one machine's clocks make of virtual time: now = offset_s + rate * virtual."""

    rate: float = 1.0
    """1.0001 gains 8.6 s a day."""
    offset_s: float = 0.0
    """Of the monotonic clock: how long the machine had run. Jumps go forwards only."""
    wall_offset_s: float = 0.0
    """Of the wall clock, which may jump either way."""

    def local(self, virtual: float) -> float:
        """Give the machine's monotonic time."""
        return virtual * self.rate + self.offset_s

    def virtual(self, local: float) -> float:
        """Give the virtual time at which the machine's monotonic clock shows a time."""
        return (local - self.offset_s) / self.rate

    def drift(self, virtual: float, rate: float) -> None:
        """Run at another rate from now on; time does not jump."""
        self.offset_s = self.local(virtual) - virtual * rate
        self.rate = rate


@dataclass(slots=True, eq=False)
class Node:
    """One simulated process and its disk; a restart keeps the node and makes another engine."""

    index: int
    id: MemberId
    name: str
    address: Address
    settings: Settings
    key: bytes
    """The secret that signs; in the world of objects a hash, sealed it is an Ed25519 seed."""
    profile: Profile
    engine: Engine
    disk: Disk
    clock: Clock
    running: bool = True
    life: int = 0
    """Grows with each crash: what was meant for an earlier process finds another number."""
    paused_until: float = 0.0
    """The whole process stands still until then: timers and sockets."""
    blocked_until: float = 0.0
    """Messages stand still until then, both ways, while timers run (the anomaly of the Lifeguard paper)."""
    backlog: deque[Arrival] = field(default_factory=deque)
    """What waits in the sockets of a paused process, or before a blocked one's message handler."""
    held: deque[Arrival] = field(default_factory=deque)
    """What a blocked process wants to send."""
    armed_at: float | None = None
    """Virtual time for which the next timer is planned."""
    changes: list[Change] = field(default_factory=list)
    joins: list[JoinEnded] = field(default_factory=list)
    refusals: list[Expelled | SteppedDown] = field(default_factory=list)
    """That it was put out, or lost the last seat."""
    leave_ended: bool = False
    cloned: bool = False
    sent: int = 0
    """Datagrams."""
    streams_dialled: int = 0
    dropped: int = 0
    """Arrivals for which the backlog had no room."""

    def now(self, virtual: float) -> float:
        """Give the process's monotonic time."""
        clock = self.clock
        return virtual * clock.rate + clock.offset_s

    def is_stalled(self, now: float) -> bool:
        """Tell whether nothing that arrives is handled now."""
        return now < self.paused_until or now < self.blocked_until

    def keep(self, queue: deque[Arrival], arrival: Arrival) -> None:
        """Put something into the backlog or behind what is held, if there is room."""
        if len(queue) < BACKLOG_MAX:
            queue.append(arrival)
        else:
            self.dropped += 1
