"""This node's own row: its record, its incarnation, and how it answers what is said of it.

An incarnation is max(reserve on disk, unix time in ms at start), +1 for each refutation or change. The
reserve on disk lies RESERVE_STEP ahead and is moved when half of it is used, so that a refutation never
waits for the disk, and a restart never reuses an incarnation, whatever the clock says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from protocol.address import Address
from protocol.budget import Budget
from protocol.error import InvalidRequest, MalformedMessage
from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.swim.effect import Cloned, PersistReserve, StartRaised
from protocol.swim.membership import Outcome
from protocol.ulid import MemberId
from protocol.wire.fact import Fact
from protocol.wire.message import Claim, Forgotten
from protocol.wire.statement import (
    INCARNATION_MAX,
    RECORD_SIZE_MAX,
    SIGNATURE_SIZE,
    Accusation,
    Record,
    Revocation,
    check_display_name,
    check_name,
    check_tags,
    decode_statement,
    encode_record,
    encode_revocation,
)

RESERVE_STEP = 1_000_000
"""Incarnations reserved on disk at once: a refutation a second for eleven days."""
REFUTATIONS_BURST = 8
"""Refutations at once, when several charges come one after the other; each has the whole cluster gossip."""
REFUTATION_PAUSE = 0.5
"""Probe intervals between two refutations after the burst: one who accuses each new incarnation at once
(15,006 refutations in ten minutes, unbounded) costs no more, and the shortest suspicion is far longer."""
DOUBT_PAUSE = 10
DOUBTS_BURST = 3
"""Accusations that make a member doubt itself: three, then one in ten probe intervals, from all accusers together.
Whoever accuses without end, under as many names as it likes, would else keep a healthy member's awareness at its
worst, and have it find a crash after half a minute."""
ANNOUNCE_FANOUT = 64
"""Members told directly of who has just come in, by as many datagrams at once: in a cluster of that size all know it
within milliseconds. Gossip alone took three rounds, 0.2 s each, and each newcomer's record waited its turn behind
those of all who started with it."""

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a node says about itself."""

    id: MemberId
    public_key: bytes
    name: str
    address: Address
    start: int
    """64 random bits, new at each start of the process."""
    version: str
    protocol_range: tuple[int, int, int] = (1, 1, 1)
    license_id: str = ""
    display_name: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def first_incarnation(reserve: int, unix_ms: int) -> int:
    """Give the incarnation a start begins with; persist `+ RESERVE_STEP` before anything is sent."""
    return min(max(reserve, unix_ms, 1), INCARNATION_MAX - RESERVE_STEP)


class LocalMember:
    """Signs this node's records and puts them on the list; nobody else writes that row."""

    def __init__(self, core: Core, profile: Profile, incarnation: int, sign: Sign) -> None:
        """Take over at an incarnation whose reserve is on disk already.

        Raises:
            InvalidRequest: a name, tag or display name out of bounds, or a record over 640 bytes.
        """
        self._core = core
        self._sign = sign
        self.profile = profile
        self.incarnation = incarnation
        self.goodbye = False
        self._reserve = incarnation + RESERVE_STEP
        self._foreign: tuple[int, int, float] | None = None
        """The foreign start met last, our incarnation since, and when it was met first."""
        self._refutation_pause_s = core.settings.probe_interval_s * REFUTATION_PAUSE
        self._refutations = Budget(self._refutation_pause_s, REFUTATIONS_BURST)
        self._doubts = Budget(DOUBT_PAUSE * core.settings.probe_interval_s, DOUBTS_BURST)
        self._charged_incarnation = -1
        self.record = self._compose(profile, incarnation, goodbye=False)
        counted = core.census.rows.get(profile.id)
        if counted is not None and counted.record.raw == self.record.raw:
            self.record = counted.record  # held once for all

    # --- saying ---------------------------------------------------------------------------------

    def enter(self, now: float) -> None:
        """Put the record on the list, and queue it, unless the list began with it: then the others have it too."""
        claim = Claim(self.record)
        if self._core.membership.apply(now, claim).outcome is not Outcome.KNOWN:
            self._core.spread(now, claim)

    def check(self, profile: Profile) -> None:
        """See whether this node could say something new about itself; changes nothing.

        Raises:
            InvalidRequest: as `update`.
        """
        self._compose(profile, self.incarnation + 1, goodbye=self.goodbye)

    def update(self, now: float, profile: Profile) -> None:
        """Say something new about this node, at the next incarnation.

        Raises:
            InvalidRequest: as `__init__`; nothing changed.
        """
        self._publish(now, profile, self.incarnation + 1, goodbye=self.goodbye)

    def say_goodbye(self, now: float) -> None:
        """Declare that this node leaves; it will not refute that."""
        self._publish(now, self.profile, self.incarnation + 1, goodbye=True)

    def return_from_goodbye(self, now: float) -> None:
        """Be alive again, above the goodbye."""
        self._publish(now, self.profile, self.incarnation + 1, goodbye=False)

    def announce(self, now: float) -> None:
        """Tell others directly that this node has come in; gossip tells whom that misses."""
        core, claims = self._core, (Claim(self.record),)
        for id in core.membership.sample_live(core.rng, ANNOUNCE_FANOUT, frozenset((core.own_id,))):
            core.send(now, id, (), claims, gossip=False)

    def _publish(self, now: float, profile: Profile, incarnation: int, *, goodbye: bool) -> None:
        if incarnation > INCARNATION_MAX:
            raise InvalidRequest("this identity has used up its incarnations: start with a new data directory")
        record = self._compose(profile, incarnation, goodbye=goodbye)
        self.profile, self.incarnation, self.goodbye, self.record = profile, incarnation, goodbye, record
        if incarnation + RESERVE_STEP // 2 > self._reserve:
            self._reserve = incarnation + RESERVE_STEP
            self._core.emit(PersistReserve(self._reserve))
        self.enter(now)

    def _compose(self, profile: Profile, incarnation: int, *, goodbye: bool) -> Record:
        try:
            check_name(profile.name)
            check_tags(tuple(sorted(profile.tags.items())))
            check_display_name(profile.display_name)
            body = encode_record(
                id=profile.id,
                public_key=profile.public_key,
                name=profile.name,
                address=profile.address,
                incarnation=incarnation,
                goodbye=goodbye,
                start=profile.start,
                protocol_range=profile.protocol_range,
                version=profile.version,
                license_id=profile.license_id,
                display_name=profile.display_name,
                tags=profile.tags,
            )
            size = SIGNATURE_SIZE + len(body)
            if size > RECORD_SIZE_MAX:
                raise InvalidRequest(
                    f"name, tags and display name make a record of {size} bytes, at most {RECORD_SIZE_MAX}: "
                    "shorten the tags"
                )
            record = decode_statement(self._sign(body) + body)
        except MalformedMessage as wrong:
            raise InvalidRequest(str(wrong)) from None
        if not isinstance(record, Record):
            raise InvalidRequest("not a record")
        return record

    def sign_revocation(self, subject: MemberId, version: int, *, revoked: bool) -> bytes:
        """Give this node's signed word that an id is out, or in again; nothing changes yet."""
        body = encode_revocation(self.profile.id, self.profile.public_key, subject, version, revoked)
        return self._sign(body) + body

    # --- answering ------------------------------------------------------------------------------

    def meet(self, now: float, claim: Claim) -> bool:
        """Answer a claim about this node; True if it was refuted at once.

        Charges at another incarnation than ours are ignored: below, they are refuted; above, nobody
        signed such a record.
        """
        statement = claim.statement
        if isinstance(statement, Record):
            return self._meet_record(now, statement)
        if isinstance(statement, Revocation | Fact):  # no charge
            return False
        if statement.incarnation != self.incarnation or self.goodbye or not self._refute(now):
            return False
        if isinstance(statement, Accusation) and self._doubts.take(now):
            self._core.awareness.feed(1)  # somebody waited for us in vain; of evictions nobody can say that
        return True

    def meet_forgotten(self, now: float, notice: Forgotten) -> bool:
        """Rise above an incarnation at which somebody reaped or pruned this node."""
        if notice.incarnation != self.incarnation or self.goodbye:
            return False
        return self._refute(now)

    def _meet_record(self, now: float, record: Record) -> bool:
        if record.incarnation < self.incarnation or record.raw == self.record.raw:
            return False
        if record.incarnation > INCARNATION_MAX - RESERVE_STEP:  # no start of ours begins there; no room above
            self._core.emit(Cloned(record.address))
            return False
        if record.start != self.profile.start and self._is_twin(now, record):
            self._core.emit(Cloned(record.address))
        self._core.emit(StartRaised(record.incarnation + 1))
        self._publish(now, self.profile, record.incarnation + 1, goodbye=self.goodbye)
        if record.start != self.profile.start:
            known = self._foreign
            met_at = known[2] if known is not None and known[0] == record.start else now
            self._foreign = (record.start, self.incarnation, met_at)
        return True

    def _is_twin(self, now: float, record: Record) -> bool:
        """Tell whether a foreign start is another process of now, not our own past.

        A disk restored from a backup, or lost while the clock was behind, leaves records of earlier starts with
        others, who may tell them one after the other. Only a twin rises above what we said in answer to it.
        """
        if self._foreign is None:
            return False
        start, incarnation, at = self._foreign
        later = now - at >= self._core.settings.probe_interval_s / 2
        return record.start == start and record.incarnation > incarnation and later

    def handle_timer(self, now: float) -> None:
        """Refute what came too soon after other charges, unless this node has risen above it since."""
        if self._charged_incarnation == self.incarnation and not self.goodbye:
            self._refute(now)

    def _refute(self, now: float) -> bool:
        """Rise by one, now or, if that was done too often of late, after a pause."""
        core = self._core
        if not self._refutations.take(now, None):
            self._charged_incarnation = self.incarnation
            if core.timers.deadline(Timer.REFUTATION) is None:
                core.timers.arm(now + self._refutation_pause_s, Timer.REFUTATION)
            return False
        core.counters.refutations += 1
        self._publish(now, self.profile, self.incarnation + 1, goodbye=False)
        return True

    def renamed(self, display_name: str) -> Profile:
        """Give the profile with another display name."""
        return replace(self.profile, display_name=display_name)

    def retagged(self, set_: dict[str, str], delete: tuple[str, ...]) -> Profile:
        """Give the profile with tags set and deleted."""
        tags = {key: value for key, value in self.profile.tags.items() if key not in delete}
        return replace(self.profile, tags=tags | set_)
