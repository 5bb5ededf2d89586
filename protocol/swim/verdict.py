"""From accusation to verdict: who is suspect, and when this node holds a member failed."""

from collections import deque
from collections.abc import Callable

from protocol.status import Status
from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.swim.effect import ChangeKind
from protocol.swim.evidence import PathTried, is_gone
from protocol.swim.member import Member
from protocol.swim.ping import Pinger
from protocol.swim.suspicion import Suspicion
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import (
    Accusation,
    Eviction,
    encode_accusation,
    encode_eviction,
)

Sign = Callable[[bytes], bytes]
"""Signs kind and body of a statement, adding domain and cluster: 64 bytes."""

CHECKS_PER_ROUND = 16
"""Old accusations learned at once (a newcomer's first sync) are checked so many at a time."""
LOOKS_MAX = 128
"""Second looks under way at once, a quarter of all pings: a mass of suspects must not keep other questions from
being asked. The others wait for a probe timeout."""
CHECKS_MAX = 16_384
"""As many as the list can hold."""


class Verdicts:
    """Suspicions and their timers. `on_failed` is told of every member this node gives up on."""

    def __init__(self, core: Core, pinger: Pinger, sign: Sign, on_failed: Callable[[float, Member], None]) -> None:
        self._core = core
        self._pinger = pinger
        self._sign = sign
        self._on_failed = on_failed
        self._suspicions: dict[MemberId, Suspicion] = {}
        self._paths: dict[MemberId, tuple[PathTried, ...]] = {}
        self._checks: deque[MemberId] = deque(maxlen=CHECKS_MAX)
        self._look_count = 0
        self.when_accused: Callable[[float, Member], None] = _stay
        """What follows when another has accused somebody, for the first time at an incarnation; the engine's."""

    def suspicion(self, id: MemberId) -> Suspicion | None:
        """Give a member's running suspicion."""
        return self._suspicions.get(id)

    # --- accusing -------------------------------------------------------------------------------

    def accuse(self, now: float, member: Member, paths: tuple[PathTried, ...]) -> None:
        """Sign that a member did not answer us, and act on it as on anybody's accusation."""
        core = self._core
        member = core.membership.writable(member.id)
        core.note(now, member, "probe-failed", by=core.own_id, paths=paths)
        self._paths[member.id] = paths
        body = encode_accusation(core.own_id, member.id, member.record.incarnation)
        accusation = Accusation(self._sign(body) + body, core.own_id, member.id, member.record.incarnation)
        status_before = member.status
        core.membership.apply(now, Claim(accusation))
        self.handle_accused(now, member, Claim(accusation), status_before)
        if core.settings.own_look:
            self._heed(now, member.id, paths)

    def take_look(self, now: float, id: MemberId, paths: tuple[PathTried, ...]) -> None:
        """Take what this node saw when it looked at one that another accused; it did not answer."""
        self._core.note(now, self._core.membership.writable(id), "look-failed", by=self._core.own_id, paths=paths)
        self._paths.setdefault(id, paths)
        self._heed(now, id, paths)

    def _heed(self, now: float, id: MemberId, paths: tuple[PathTried, ...]) -> None:
        """Wait no longer than need be for one whose process is gone, as this node has seen."""
        suspicion = self._suspicions.get(id)
        if suspicion is not None and not suspicion.seen_gone and is_gone(paths):
            suspicion.seen_gone = True
            self._arm(now, id, suspicion)

    def evict(self, now: float, member: Member, *, prune: bool) -> Claim:
        """Sign that a member, once failed, shall be left; the caller applies and spreads it."""
        own = self._core.own_id
        body = encode_eviction(own, member.id, member.record.incarnation, prune)
        eviction = Eviction(self._sign(body) + body, own, member.id, member.record.incarnation, prune)
        return Claim(eviction, member.age_s(now) if not member.is_live else 0)

    def handle_accused(self, now: float, member: Member, claim: Claim, status_before: Status) -> None:
        """Open or confirm a suspicion; pass on what is still wanted."""
        accusation = claim.statement
        if not isinstance(accusation, Accusation) or member.status is not Status.SUSPECT:
            return
        core = self._core
        suspicion = self._suspicions.get(member.id)
        opened = suspicion is None or suspicion.incarnation != accusation.incarnation
        if suspicion is None or opened:
            live = core.membership.live_count
            suspicion = Suspicion.begin(now, accusation.incarnation, live, core.settings)
            self._suspicions[member.id] = suspicion
        if not suspicion.confirm(accusation.accuser):
            return
        self._arm(now, member.id, suspicion)
        core.spread(now, claim)
        confirmations = len(suspicion.accusers) - 1
        if opened or status_before is Status.ALIVE:
            core.counters.suspicions += 1
            core.change(now, ChangeKind.SUSPECT, member, by=accusation.accuser, paths=self._own_paths(accusation))
            if claim.age_s >= suspicion.longest_s and now - member.first_seen < core.settings.probe_interval_s:
                self._check_later(now, member.id)
            elif accusation.accuser != core.own_id:
                self.when_accused(now, member)
        else:
            core.note(now, member, "confirmed", by=accusation.accuser, confirmations=confirmations)

    def _own_paths(self, accusation: Accusation) -> tuple[PathTried, ...]:
        return self._paths.get(accusation.subject, ()) if accusation.accuser == self._core.own_id else ()

    # --- verdicts -------------------------------------------------------------------------------

    def clear(self, id: MemberId) -> None:
        """End a suspicion: refuted, or overtaken by a goodbye."""
        self._paths.pop(id, None)
        if self._suspicions.pop(id, None) is not None:
            self._core.timers.disarm(Timer.SUSPICION, id)

    def handle_timer(self, now: float, id: MemberId) -> None:
        """Take the second look at a suspect, or, where that is switched off, hold it failed."""
        suspicion = self._suspicions.get(id)
        if suspicion is not None and self._core.settings.second_look:
            self._ask_once_more(now, id, suspicion)
        else:
            self._convict(now, id)

    def _arm(self, now: float, id: MemberId, suspicion: Suspicion) -> None:
        """Arm the verdict; with a second look, as much earlier as that may take."""
        at = suspicion.deadline
        if self._core.settings.second_look:
            at -= self._look_s()
        self._core.timers.arm(max(now, at), Timer.SUSPICION, id)  # never late by itself

    def _look_s(self) -> float:
        return self._core.awareness.scale(self._core.settings.probe_timeout_s)

    def _ask_once_more(self, now: float, id: MemberId, suspicion: Suspicion) -> None:
        """Ping a suspect with what it is accused of; its refutation comes with its answer, past all queues.

        So nobody holds a member failed that answers it, however many accuse it and however late the
        refutation is in the queues. (Before, one who held the cluster key and made 110 identities a second
        had a healthy member of 24 held failed by all; and eight identities had one of five, for two seconds.)
        """
        core = self._core

        def done(at: float, answered: bool) -> None:
            self._look_count -= 1
            if self._suspicions.get(id) is not suspicion:
                return
            if answered:  # it lives, and refutes at a bounded pace, if it can read what it is charged with
                core.urge(at, id)
                core.timers.arm(at + core.settings.probe_interval_s, Timer.SUSPICION, id)
            else:
                self._convict(at, id)

        left_s = suspicion.deadline - now
        wait_s = left_s if left_s >= core.settings.probe_timeout_s else self._look_s()
        if self._pinger.is_busy or self._look_count >= LOOKS_MAX:
            core.timers.arm(now + wait_s, Timer.SUSPICION, id)
        else:
            self._look_count += 1
            self._pinger.ask(now, id, wait_s, done, claims=core.charges(now, id), introduce=True)

    def _convict(self, now: float, id: MemberId) -> None:
        suspicion = self._suspicions.pop(id, None)
        member = self._core.membership.get(id)
        if suspicion is None or member is None or member.status is not Status.SUSPECT:
            return
        if suspicion.incarnation != member.record.incarnation:
            return
        core = self._core
        core.membership.mark_failed(now, member)
        core.counters.failures += 1
        paths = self._paths.pop(id, ())
        kind = ChangeKind.LEAVE if member.entry.eviction else ChangeKind.FAILED
        by = member.entry.eviction.issuer if member.entry.eviction else None
        note = "its port refuses connections: the process is gone" if suspicion.seen_gone else ""
        core.change(now, kind, member, by=by, paths=paths, confirmations=max(0, len(suspicion.accusers) - 1), note=note)
        self._on_failed(now, member)

    # --- old accusations ------------------------------------------------------------------------

    def _check_later(self, now: float, id: MemberId) -> None:
        self._checks.append(id)
        if self._core.timers.deadline(Timer.CHECK) is None:
            self._core.timers.arm(now, Timer.CHECK)

    def handle_check_timer(self, now: float) -> None:
        """Ping some members that were failed long before we came; after silence the shortest suspicion is enough.

        The accusation is older than the longest, so the subject had its time; what is missing is our own evidence.
        An age is only its sender's word, so one lost ping must not be all of it (it was: one who held the key
        and 5 % loss had a newcomer hold one healthy member in ten failed).
        """
        core = self._core
        for _ in range(min(CHECKS_PER_ROUND, len(self._checks))):
            if self._pinger.is_busy:
                break
            id = self._checks.popleft()
            if id in self._suspicions:
                wait_s = core.awareness.scale(core.settings.probe_interval_s)
                self._pinger.ask(now, id, wait_s, self._checked(id), claims=core.charges(now, id), introduce=True)
        if self._checks:
            core.timers.arm(now + core.settings.gossip_interval_s, Timer.CHECK)

    def _checked(self, id: MemberId) -> Callable[[float, bool], None]:
        def done(now: float, answered: bool) -> None:
            suspicion = self._suspicions.get(id)
            if not answered and suspicion is not None:
                suspicion.hasten()
                self._arm(now, id, suspicion)

        return done


def _stay(now: float, member: Member) -> None:
    del now, member
