"""One row of the list: what is signed about a member, and what this node alone makes of it."""

from dataclasses import dataclass, field, replace

from protocol.address import Address
from protocol.status import Status
from protocol.swim.entry import Entry
from protocol.swim.evidence import EvidenceLog
from protocol.ulid import MemberId
from protocol.wire.codec import AGE_S_MAX
from protocol.wire.message import Claim
from protocol.wire.statement import Record

NEVER = -1


@dataclass(slots=True)
class Member:
    """Mutable, and owned by Membership alone: others read it. A row of a census is shared: `copy` it to write.

    Times are seconds of the engine's clock; a learned age can put them before the engine's start.
    """

    entry: Entry
    since: float
    """When the status last changed here."""
    gone_at: float
    """When the accusation, or the goodbye, first stood anywhere, as far as we were told."""
    first_seen: float
    failed_incarnation: int = NEVER
    """The incarnation at which this node's own suspicion ran out."""
    mark: int = 0
    """The entry's share of the view hash."""
    evidence: EvidenceLog = field(default_factory=EvidenceLog)

    def copy(self) -> "Member":
        """Give a row that can be written, with a log of its own, from one of which nothing was noted yet."""
        return replace(self, evidence=EvidenceLog())

    @property
    def record(self) -> Record:
        """The subject's own words."""
        return self.entry.record

    @property
    def id(self) -> MemberId:
        """The subject."""
        return self.entry.record.id

    @property
    def address(self) -> Address:
        """Where the subject says it listens."""
        return self.entry.record.address

    @property
    def status(self) -> Status:
        """Derive the status; never merged, never sent."""
        record = self.entry.record
        if record.goodbye:
            return Status.LEFT
        if self.failed_incarnation == record.incarnation:
            return Status.LEFT if self.entry.eviction else Status.FAILED
        return Status.SUSPECT if self.entry.accusations else Status.ALIVE

    @property
    def is_live(self) -> bool:
        """Whether the member counts: alive or suspect."""
        return self.status in (Status.ALIVE, Status.SUSPECT)

    def charges(self, now: float) -> tuple[Claim, ...]:
        """Give what speaks against the member, with its age: what it must refute."""
        age_s = self.age_s(now)
        claims = [Claim(accusation, age_s) for accusation in self.entry.accusations]
        if self.entry.eviction:
            claims.append(Claim(self.entry.eviction, age_s))
        return tuple(claims)

    def claims(self, now: float) -> tuple[Claim, ...]:
        """Give all that is signed about the member, as a sync sends it."""
        age_s = self.age_s(now) if self.record.goodbye else 0
        return (Claim(self.record, age_s), *self.charges(now))

    def age_s(self, now: float) -> int:
        """Tell how long the member has been accused or gone, whole seconds."""
        return bounded_age_s(now - self.gone_at)


def bounded_age_s(age_s: float) -> int:
    """Give an age in whole seconds that every decoder takes, however old a sender said it is."""
    return min(max(0, int(age_s)), AGE_S_MAX)
