"""The member list: entries merged from claims, statuses derived, and the view hash over them.

It decides whether a claim is news; what follows from news (timers, rumors, events) is the engine's.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.admission import Admission
from protocol.swim.census import EMPTY_CENSUS, Census
from protocol.swim.entry import Entry, add_statement, record_rank
from protocol.swim.facts import Facts
from protocol.swim.layered import LayeredDict
from protocol.swim.live import LiveList
from protocol.swim.member import Member
from protocol.swim.name_index import NameIndex
from protocol.swim.revocations import Revocations
from protocol.swim.settings import Settings
from protocol.swim.view_hash import ViewHash, entry_mark
from protocol.ulid import MemberId
from protocol.wire.fact import Fact
from protocol.wire.message import Claim
from protocol.wire.statement import Record, Revocation, statement_subject

FORGOTTEN_MAX = 4_096
"""Reaped or pruned (id, incarnation) remembered; beyond it the oldest may return second-hand once."""
LIST_FACTOR_MAX = 2
"""Failed and left members on the list, as a multiple of members_max: they never keep a live one out."""


class Outcome(Enum):
    """What a claim came to."""

    NEWS = auto()
    """The entry changed."""
    KNOWN = auto()
    """It was held already (its age may have been news)."""
    STALE = auto()
    """Something that beats it is held: the sender should hear of it."""
    FORGOTTEN = auto()
    """Reaped or pruned here at this incarnation or above."""
    UNFOUNDED = auto()
    """About nobody we know, at an incarnation nobody signed, or too old to matter."""
    REFUSED = auto()
    """The rules of admission keep the subject out."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one claim: the member (None if not on the list) and what it was before."""

    outcome: Outcome
    member: Member | None = None
    status_before: Status | None = None
    record_before: Record | None = None


class Membership:
    """Members by id, this node included. Times are seconds of the engine's clock.

    The rows of the census are shared with other nodes: whatever writes to a row asks `writable` for it first.
    """

    def __init__(self, own_id: MemberId, settings: Settings, census: Census = EMPTY_CENSUS) -> None:
        """Begin with the members of a census.

        Raises:
            InvalidRequest: `settings` do not admit them.
        """
        census.check(settings)
        self.own_id = own_id
        self.settings = settings
        self.hash = ViewHash(census.root, census.sums)
        self.names = NameIndex(census.names)
        self._members: LayeredDict[MemberId, Member] = LayeredDict(census.rows)
        self._live = LiveList(census.rows, census.ids)
        self.get: Callable[[MemberId], Member | None] = self._members.get
        """Find a member on the list. The mapping's own method: nothing is asked more often."""
        self.is_live: Callable[[MemberId], bool] = self._live.__contains__
        """Tell whether a member is alive or suspect."""
        self._gone: OrderedDict[MemberId, None] = OrderedDict()
        """Others that are failed or left, in the order in which they became so here."""
        self._failed: set[MemberId] = set()
        self._doomed: set[MemberId] = set()
        """Suspects that were force-left: a newcomer would else count them until its own suspicion runs out."""
        self._forgotten: OrderedDict[MemberId, tuple[int, float]] = OrderedDict()
        self.revocations = Revocations(self.hash)
        self.facts = Facts(self.hash, own_id)
        self.admission = Admission(settings, self.revocations.bars, lambda: self.seats_taken, self._holds_seat)

    # --- asking ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return self._members.each()

    @property
    def live_count(self) -> int:
        """How many are alive or suspect, self included."""
        return self._live.count

    @property
    def seats_taken(self) -> int:
        """How many count for a license: alive, suspect and failed, but for suspects that were evicted already."""
        return self._live.count + len(self._failed) - len(self._doomed)

    def _holds_seat(self, id: MemberId) -> bool:
        return self.is_live(id) or id in self._failed

    def live_ids(self) -> tuple[MemberId, ...]:
        """Give all members alive or suspect, self included."""
        return tuple(self._live)

    def sample_live(self, rng: Random, count: int, without: frozenset[MemberId]) -> list[MemberId]:
        """Choose up to `count` different live members at random, none of `without`."""
        return self._live.sample(rng, count, without)

    def surplus(self) -> Member | None:
        """Find who has been gone for longest, where more are than the list may hold."""
        if len(self._gone) <= LIST_FACTOR_MAX * self.settings.members_max:
            return None
        return self._members[next(iter(self._gone))]

    def forgotten(self, id: MemberId) -> tuple[int, float] | None:
        """Tell the incarnation at which an id was reaped or pruned, and since when it was gone."""
        return self._forgotten.get(id)

    def in_buckets(self, buckets: bytes) -> list[Member]:
        """Give the members whose id ends in one of the bytes, in order of id."""
        wanted = frozenset(buckets)
        return sorted((m for m in self._members.each() if m.id[-1] in wanted), key=lambda m: m.id)

    # --- changing -------------------------------------------------------------------------------

    def judge(self, now: float, id: MemberId, license_id: str, *, lets_in: bool) -> Refusal | None:
        """Judge who shakes hands; one already on the list, but for those that said goodbye, keeps its place."""
        member = self._members.get(id)
        seated = member is not None and not member.record.goodbye
        refusal = self.admission.judge(now, id, license_id, seated=seated, known=member is not None, lets_in=lets_in)
        if refusal is None and not self.is_live(id) and self.live_count >= self.settings.members_max:
            return Refusal.NODE_LIMIT
        return refusal

    def writable(self, id: MemberId) -> Member:
        """Give the row of a member on the list as this node's own; one of the census is copied first.

        What held the row before does not see what is written to the copy.
        """
        member = self._members[id]
        if self._members.is_shared(id):
            member = self._members[id] = member.copy()
        return member

    def apply(self, now: float, claim: Claim) -> Applied:
        """Merge one verified claim. Nothing changes unless the outcome is NEWS (or, for ages, KNOWN)."""
        statement = claim.statement
        member = self._members.get(statement_subject(statement))
        if isinstance(statement, Record):
            return self._apply_record(now, statement, claim.age_s, member)
        if isinstance(statement, Revocation):
            return Applied(Outcome.NEWS if self.revocations.merge(statement) else Outcome.STALE, member)
        if isinstance(statement, Fact):  # said by a member, not of its membership (FactKeeper)
            return Applied(Outcome.UNFOUNDED, member)
        if claim.age_s >= self.settings.reap_after_s and (member is None or member.is_live):
            return Applied(Outcome.UNFOUNDED)
        if member is None:
            return self._unlisted(statement.subject, statement.incarnation)
        if statement.incarnation != member.record.incarnation:
            stale = statement.incarnation < member.record.incarnation
            return Applied(Outcome.STALE if stale else Outcome.UNFOUNDED, member, member.status)
        return self._merge(now, member, add_statement(member.entry, statement), claim.age_s)

    def _unlisted(self, subject: MemberId, incarnation: int) -> Applied:
        forgotten = self._forgotten.get(subject)
        known = forgotten is not None and incarnation <= forgotten[0]
        return Applied(Outcome.FORGOTTEN if known else Outcome.UNFOUNDED)

    def _apply_record(self, now: float, record: Record, age_s: int, member: Member | None) -> Applied:
        if member is not None:
            if record.raw != member.record.raw and record_rank(record) < record_rank(member.record):
                return Applied(Outcome.STALE, member, member.status)
            if self._refuses_back(now, member, record):
                return Applied(Outcome.REFUSED, member, member.status)
            was_away = member.record.goodbye
            applied = self._merge(now, member, add_statement(member.entry, record), age_s)
            if was_away and self.is_live(record.id):
                self.admission.note_newcomer(now, record.id)
            return applied
        forgotten = self._forgotten.get(record.id)
        if forgotten is not None and record.incarnation <= forgotten[0]:
            return Applied(Outcome.FORGOTTEN)
        if record.goodbye and age_s >= self.settings.reap_after_s:
            return Applied(Outcome.UNFOUNDED)
        if self._refuses(now, record):
            return Applied(Outcome.REFUSED)
        member = Member(Entry(record), since=now - age_s, gone_at=now - age_s, first_seen=now)
        self._members[record.id] = member
        self._forgotten.pop(record.id, None)
        self.names.add(record.name, record.id, live=False)  # `_refresh` tells what it is
        self._refresh(member)
        if member.is_live:
            self.admission.note_newcomer(now, record.id)
        return Applied(Outcome.NEWS, member)

    def _refuses(self, now: float, record: Record) -> bool:
        """Tell whether a record of an id that is not on the list is kept off it."""
        if record.id == self.own_id:
            return False
        if record.goodbye:
            return self.revocations.bars(record.id) or len(self._gone) >= LIST_FACTOR_MAX * self.settings.members_max
        if self.live_count >= self.settings.members_max:
            return True
        return not self.admission.admits(now, record.id, record.license_id)

    def _refuses_back(self, now: float, member: Member, record: Record) -> bool:
        """Tell whether a member's new record is refused: of another license, or it left and its seat is gone."""
        if member.id == self.own_id or record.goodbye:
            return False
        if record.license_id != self.admission.terms.license_id:
            return True
        returns = member.record.goodbye and record.incarnation > member.record.incarnation
        return returns and not self.admission.admits(now, record.id, record.license_id)

    def _merge(self, now: float, member: Member, entry: Entry, age_s: int) -> Applied:
        status, record = member.status, member.record
        if entry is member.entry:
            if age_s and status is not Status.ALIVE:
                self.set_gone_at(member, now - age_s)
            return Applied(Outcome.KNOWN, member, status, record)
        member = self.writable(member.id)
        was_charged = bool(member.entry.accusations) or record.goodbye
        member.entry = entry
        if entry.record.name != record.name:
            live = self.is_live(member.id)
            self.names.discard(record.name, member.id, live=live)
            self.names.add(entry.record.name, member.id, live=live)
        charged = bool(entry.accusations) or entry.record.goodbye
        if charged:
            began = now - age_s
            again = not was_charged or entry.record.incarnation != record.incarnation
            member.gone_at = began if again else min(member.gone_at, began)
        self._refresh(member)
        if member.status is not status:
            member.since = now
        return Applied(Outcome.NEWS, member, status, record)

    def mark_failed(self, now: float, member: Member) -> None:
        """Record this node's own verdict on the member's present incarnation."""
        member = self.writable(member.id)
        member.failed_incarnation = member.record.incarnation
        member.since = now
        self._refresh(member)

    def set_gone_at(self, member: Member, at: float) -> None:
        """Take over a larger age of a failed or left member."""
        member = self.writable(member.id)
        member.gone_at = min(member.gone_at, at)

    def forget(self, member: Member, gone_at: float) -> None:
        """Take a member off the list; remember at which incarnation, and since when it was gone."""
        id = member.id
        self.drop(member)
        self._forgotten.pop(id, None)
        self._forgotten[id] = (member.record.incarnation, gone_at)
        if len(self._forgotten) > FORGOTTEN_MAX:
            self._forgotten.popitem(last=False)

    def drop(self, member: Member) -> None:
        """Take a member off the list with all that it said of itself, as if it had never been on it."""
        id = member.id
        self.facts.drop(id)
        self._set_live(member, live=False)
        self._gone.pop(id, None)
        self._failed.discard(id)
        self._doomed.discard(id)
        self.hash.replace(id, member.mark, 0)
        self.names.discard(member.record.name, id, live=False)
        del self._members[id]

    def _refresh(self, member: Member) -> None:
        """Bring view hash and live list up to date with a changed row."""
        mark = entry_mark(member.entry)
        self.hash.replace(member.id, member.mark, mark)
        member.mark = mark
        live = member.is_live
        if live and member.entry.eviction is not None and member.entry.accusations:
            self._doomed.add(member.id)
        else:
            self._doomed.discard(member.id)
        self._set_live(member, live=live)
        if live:
            self._gone.pop(member.id, None)
            self._failed.discard(member.id)
        elif member.id != self.own_id:
            self._gone.setdefault(member.id, None)
            if member.status is Status.FAILED:
                self._failed.add(member.id)
            else:
                self._failed.discard(member.id)

    def _set_live(self, member: Member, *, live: bool) -> None:
        id, name = member.id, member.record.name
        if live == (id in self._live):
            return
        self.names.discard(name, id, live=not live)
        self.names.add(name, id, live=live)
        if live:
            self._live.add(id)
        else:
            self._live.remove(id)

    # --- names ----------------------------------------------------------------------------------

    def shown_name(self, member: Member) -> str:
        """Give the name people see: the record's, or `name~last4` where another has the better right."""
        return self.names.shown(member)

    def name_holder(self, name: str) -> Member | None:
        """Find the live member that a name belongs to."""
        keeper = self.names.keeper(name)
        return self._members[keeper] if keeper is not None and self.is_live(keeper) else None

    def find(self, text: str) -> Member | None:
        """Find a member by shown name, name, "name.region" or id (26 letters)."""
        return self.names.find(text, self)

    def find_in_any_case(self, text: str) -> Member | None:
        """Find as `find`, else the name in another case, else one that left: for what shows a member, not for changes.

        Two names that differ in case are two members, so what changes one must be given its very name.
        """
        exact = self.find(text)
        if exact is not None and exact.status is not Status.LEFT:
            return exact
        return self.names.find_in_any_case(text, self) or exact
