"""Where claims come in: what a verified statement changes, and what follows from it.

Evidence is kept even when it causes no transition; whoever sends a claim older than what is held is
answered with what beats it, within a budget.
"""

from collections.abc import Callable

from protocol.budget import Budget
from protocol.status import Status
from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.swim.effect import ChangeKind, RevocationTaken
from protocol.swim.fact_keeper import FactKeeper
from protocol.swim.leave import Leaving
from protocol.swim.local import LocalMember
from protocol.swim.member import Member
from protocol.swim.membership import Applied, Outcome
from protocol.swim.probe import Prober
from protocol.swim.race import SeatRace
from protocol.swim.retry import Retrier
from protocol.swim.revocations import revocation_rank
from protocol.swim.stream import Streams
from protocol.swim.verdict import Verdicts
from protocol.ulid import MemberId
from protocol.wire.fact import Fact, fact_id
from protocol.wire.message import Claim, Forgotten
from protocol.wire.statement import Accusation, Eviction, Record, Revocation, statement_subject

ACCUSATIONS_BURST = 32
"""Accusations of one accuser taken at once, before one per probe interval: a prober makes no more than
that in half a minute, and news of them may travel together."""

RECORDS_BURST = 32
RECORDS_PERIOD = 0.25
"""New records of one known member taken at once, and the probe intervals between two after that: twice what one
that is accused without end needs. More would be a line of log, an event and a rumor each, at its author's pace."""


REVOCATIONS_BURST = 256
REVOCATIONS_PERIOD = 0.125
"""News of who is out taken from gossip at once, and the probe intervals between two after that: each is a write to the
disk and a rumor. A sync brings what is refused here."""
TOLD_MAX = 8
"""Members, on average, that tell a peer it was put out: its datagrams are not answered any more."""


class Reception:
    """Merges claims, and tells the other parts what is new."""

    _verdicts: Verdicts
    _prober: Prober
    _streams: Streams
    _retrier: Retrier
    _leaving: Leaving
    _race: SeatRace

    def __init__(self, core: Core, local: LocalMember, facts: FactKeeper) -> None:
        self._core = core
        self._local = local
        self._facts = facts
        self._accusations = Budget(core.settings.probe_interval_s, ACCUSATIONS_BURST)
        self._records = Budget(core.settings.probe_interval_s * RECORDS_PERIOD, RECORDS_BURST)
        self._revocations = Budget(core.settings.probe_interval_s * REVOCATIONS_PERIOD, REVOCATIONS_BURST)
        self._answers: list[Claim] = []
        self.when_wanted: Callable[[float], None] = _stay
        """What it is to return after a goodbye; the engine's."""

    def connect(
        self,
        verdicts: Verdicts,
        prober: Prober,
        streams: Streams,
        retrier: Retrier,
        leaving: Leaving,
        race: SeatRace,
    ) -> None:
        """Learn to know the parts that are told of news; called once, before anything comes in."""
        self._verdicts = verdicts
        self._prober = prober
        self._streams = streams
        self._retrier = retrier
        self._leaving = leaving
        self._race = race

    def take_answers(self) -> list[Claim]:
        """Hand over the claims with which the last sender is to be corrected."""
        if not self._answers:
            return []
        answers, self._answers = self._answers, []
        return list(dict.fromkeys(answers))

    def _own_member(self) -> Member:
        member = self._core.membership.get(self._core.own_id)
        if member is None:
            raise LookupError("the engine was not started")
        return member

    # --- claims ---------------------------------------------------------------------------------

    def accept(self, now: float, sender: MemberId, claim: Claim) -> bool:
        """Merge one verified claim, and do what follows; False if its subject was forgotten here."""
        core = self._core
        statement = claim.statement
        if isinstance(statement, Revocation):
            self._take_revocation(now, sender, statement)
            return True
        if isinstance(statement, Fact):
            better = self._facts.take(now, statement)
            if better is not None and self._may_correct(now, sender, fact_id(statement.owner, statement.key)):
                self._answers.append(better)
            return True
        if statement_subject(statement) == core.own_id:
            self._meet_claim(now, sender, claim)
            return True
        if isinstance(statement, Accusation) and not self._affords(now, statement):
            core.counters.accusations_over_budget += 1
            return True
        if isinstance(statement, Record) and not self._affords_record(now, statement):
            core.counters.records_over_budget += 1
            return True
        applied = core.membership.apply(now, claim)
        member = applied.member
        match applied.outcome:
            case Outcome.NEWS if member is not None:
                self._handle_news(now, member, applied, claim)
            case Outcome.KNOWN if member is not None:
                if isinstance(statement, Accusation) and applied.status_before is not None:
                    self._verdicts.handle_accused(now, member, claim, applied.status_before)
                self._arm_reap(now, member)
            case Outcome.STALE if member is not None:
                self._correct(now, sender, member)
            case Outcome.FORGOTTEN:
                if statement_subject(statement) == sender:
                    self.tell_forgotten(now, sender)
                return False
            case Outcome.REFUSED:
                core.counters.claims_refused += 1
            case _:
                pass
        return True

    def _affords(self, now: float, accusation: Accusation) -> bool:
        member = self._core.membership.get(accusation.subject)
        if member is not None and accusation in member.entry.accusations:
            return True
        if member is None or accusation.incarnation != member.record.incarnation:
            return True
        return self._accusations.take(now, accusation.accuser)

    def _affords_record(self, now: float, record: Record) -> bool:
        """Spend one of its author's if it is news about a known member; a sync brings what is refused here."""
        member = self._core.membership.get(record.id)
        if member is None or record.incarnation <= member.record.incarnation or record.goodbye:
            return True
        return self._records.take(now, record.id)

    def _meet_claim(self, now: float, sender: MemberId, claim: Claim) -> None:
        statement = claim.statement
        by = None
        if isinstance(statement, Accusation):
            by = statement.accuser
        elif isinstance(statement, Eviction):
            by = statement.issuer
        if self._local.meet(now, claim):
            self._core.membership.admission.note_heal(now)  # who charged us was cut off from us, or is lying
            self._core.note(now, self._own_member(), "refuted", by=by)
            self._answers.append(Claim(self._local.record))
        elif statement.raw != self._local.record.raw and self._may_correct(now, sender, self._core.own_id):
            self._answers.append(Claim(self._local.record))

    def _may_correct(self, now: float, sender: MemberId, subject: MemberId) -> bool:
        return sender != self._core.own_id and self._core.corrections.take(now, (sender, subject))

    def _correct(self, now: float, sender: MemberId, member: Member) -> None:
        """Answer an outdated claim with what beats it, once per probe interval and subject."""
        if self._may_correct(now, sender, member.id):
            self._core.counters.corrections += 1
            self._answers.extend(member.claims(now))

    def tell_forgotten(self, now: float, subject: MemberId) -> None:
        """Tell a subject at which incarnation it was reaped or pruned here."""
        forgotten = self._core.membership.forgotten(subject)
        if forgotten is not None and self._may_correct(now, subject, subject):
            self._core.send(now, subject, (Forgotten(subject, forgotten[0]),), gossip=False)

    def take_forgotten(self, now: float, id: MemberId, incarnation: int, age_s: int) -> None:
        """Hear that a member was reaped or pruned elsewhere; the larger age wins, and we ourselves refute."""
        if id == self._core.own_id:
            if self._local.meet_forgotten(now, Forgotten(id, incarnation)):
                self._core.membership.admission.note_heal(now)
                self._core.note(now, self._own_member(), "refuted", note="had been reaped, pruned or charged elsewhere")
                self._answers.append(Claim(self._local.record))
            return
        member = self._core.membership.get(id)
        if member is not None and not member.is_live and member.record.incarnation <= incarnation:
            self._core.membership.set_gone_at(member, now - age_s)
            self._arm_reap(now, member)

    # --- news -----------------------------------------------------------------------------------

    def _handle_news(self, now: float, member: Member, applied: Applied, claim: Claim) -> None:
        statement = claim.statement
        before = applied.status_before
        if isinstance(statement, Record):
            self._handle_record(now, member, applied, claim)
        elif isinstance(statement, Accusation):
            if before is not None:
                self._verdicts.handle_accused(now, member, claim, before)
        elif isinstance(statement, Eviction):
            self._core.spread(now, claim)
            self._core.note(now, member, "evicted", by=statement.issuer)
            if before is Status.FAILED:
                self._core.change(now, ChangeKind.LEAVE, member, by=statement.issuer)
            self._prune_if_asked(now, member)

    def _handle_record(self, now: float, member: Member, applied: Applied, claim: Claim) -> None:
        core, record, before = self._core, member.record, applied.record_before
        core.spread(now, claim)
        if before is not None and before.incarnation == record.incarnation and not record.goodbye:
            if member.is_live:  # an equivocator: the larger digest of two records of one incarnation
                core.change(now, ChangeKind.UPDATE, member, by=member.id)
            return
        self._verdicts.clear(member.id)
        if record.goodbye:
            self._retrier.part(member.id)
            self._arm_reap(now, member)
            if before is not None and applied.status_before is not Status.LEFT:
                core.change(now, ChangeKind.LEAVE, member, by=member.id)
            self._reap_surplus(now)
            return
        core.timers.disarm(Timer.REAP, member.id)
        self._retrier.meet(now, record)
        self._prober.watch(now, member.id)
        self._streams.arm_slow_sync(now)
        if before is not None and not before.goodbye and applied.status_before in (Status.FAILED, Status.LEFT):
            core.membership.admission.note_heal(now)
        for kind in _record_changes(before, record, applied.status_before):
            core.change(now, kind, member, by=member.id)
        if before is None or before.goodbye:
            self._race.settle(now)
        if before is None or before.name != record.name or applied.status_before in (Status.FAILED, Status.LEFT):
            self._look_for_conflict(now, member)

    def return_if_left(self, now: float) -> None:
        if self._local.goodbye:
            self.when_wanted(now)

    # --- who is out -----------------------------------------------------------------------------

    def affords_revocation(self, now: float, revocation: Revocation) -> bool:
        """Spend on news of who is out that gossip brings."""
        held = self._core.membership.revocations.get(revocation.subject)
        if held is not None and revocation_rank(revocation) <= revocation_rank(held):
            return True
        return self._revocations.take(now)

    def _take_revocation(self, now: float, sender: MemberId, revocation: Revocation) -> None:
        core, subject = self._core, revocation.subject
        held = core.membership.revocations.get(subject)
        if not core.membership.revocations.merge(revocation):
            if held is not None and held.raw != revocation.raw and self._may_correct(now, sender, subject):
                core.counters.corrections += 1
                self._answers.append(Claim(held))
            return
        core.emit(RevocationTaken(revocation))
        core.spread(now, Claim(revocation))
        if revocation.revoked:
            if subject == core.own_id:
                self._leaving.expel(now, revocation)
            else:
                self._put_out(now, revocation)

    def _put_out(self, now: float, revocation: Revocation) -> None:
        """Take a revoked peer off everything, and see that it hears of it."""
        core, subject = self._core, revocation.subject
        key, address = core.public_key(subject), core.address(subject)
        tells = revocation.issuer == core.own_id or core.rng.random() * core.membership.live_count < TOLD_MAX
        if tells and key is not None and address is not None:
            core.tell_parted(subject, key, address, Claim(revocation))
        core.rumors.drop(subject)
        self._streams.close_with(now, subject)
        self._retrier.part(subject)
        member = core.membership.get(subject)
        if member is None:
            return
        if not member.record.goodbye:
            core.change(now, ChangeKind.LEAVE, member, status=Status.LEFT, by=revocation.issuer, note="revoked")
        self._verdicts.clear(subject)
        core.timers.disarm(Timer.REAP, subject)
        core.change(now, ChangeKind.REAP, member, status=Status.LEFT, by=revocation.issuer, note="revoked")
        self._facts.drop(subject)
        core.membership.drop(member)
        core.round_trips.drop(subject)
        core.agreed_at.pop(subject, None)

    # --- conflicts, failures, reaping -----------------------------------------------------------

    def _look_for_conflict(self, now: float, member: Member) -> None:
        if self._core.membership.names.is_disputed(member.record.name):
            self._core.change(now, ChangeKind.CONFLICT, member, note="another live member has this name")

    def handle_failed(self, now: float, member: Member) -> None:
        self._arm_reap(now, member)
        if not self._prune_if_asked(now, member):
            self._retrier.handle_failed(now, member.id)
        self._reap_surplus(now)

    def _reap_surplus(self, now: float) -> None:
        """Reap before their time those gone for longest: who joins and leaves under ever new ids fills no memory."""
        while (member := self._core.membership.surplus()) is not None:
            self._forget(now, member, member.gone_at)

    def _prune_if_asked(self, now: float, member: Member) -> bool:
        eviction = member.entry.eviction
        if eviction is None or not eviction.prune or member.status is not Status.LEFT:
            return False
        self._forget(now, member, gone_at=now - self._core.settings.reap_after_s)
        self._retrier.part(member.id)
        return True

    def _arm_reap(self, now: float, member: Member) -> None:
        if not member.is_live:
            at = max(now, member.gone_at + self._core.settings.reap_after_s)
            self._core.timers.arm(at, Timer.REAP, member.id)

    def _forget(self, now: float, member: Member, gone_at: float) -> None:
        self._verdicts.clear(member.id)
        self._core.timers.disarm(Timer.REAP, member.id)
        self._core.change(now, ChangeKind.REAP, member)
        self._facts.drop(member.id)
        self._core.membership.forget(member, gone_at)
        self._core.round_trips.drop(member.id)
        self._core.agreed_at.pop(member.id, None)

    def handle_reap_timer(self, now: float, id: MemberId) -> None:
        member = self._core.membership.get(id)
        if member is None or member.is_live or id == self._core.own_id:
            return
        if now >= member.gone_at + self._core.settings.reap_after_s:
            self._forget(now, member, member.gone_at)
        else:
            self._arm_reap(now, member)


def _stay(now: float) -> None:
    del now


def _record_changes(before: Record | None, record: Record, status: Status | None) -> list[ChangeKind]:
    """Tell what a record of a larger incarnation means to those who watch."""
    if before is None or status in (Status.FAILED, Status.LEFT):
        return [ChangeKind.JOIN]
    if before.start != record.start:
        return [ChangeKind.RESTART]
    changes = [ChangeKind.ALIVE] if status is Status.SUSPECT else []
    if _content(before) != _content(record):
        changes.append(ChangeKind.UPDATE)
    return changes


def _content(record: Record) -> tuple[object, ...]:
    return (record.name, record.address, record.tags, record.display_name, record.version, record.license_id)
