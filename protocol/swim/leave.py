"""A graceful leave: tell some members at once, repeat until they heard, and take 5 s at most."""

from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.swim.effect import Expelled, LeaveEnded, PersistPresence
from protocol.swim.local import LocalMember
from protocol.swim.ping import Answered, Pinger
from protocol.swim.probe import Prober
from protocol.swim.verdict import Verdicts
from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import Revocation

LEAVE_LONGEST_S = 5.0
"""Design 7. An operator's Ctrl-C is not kept waiting longer."""
LEAVE_FANOUT = 64
"""Members told directly, by 64 datagrams at once: in a cluster of that size all know within milliseconds; in a larger
one each spreads it on. (With 8 of 20 the last one knew after one more round of gossip, 0.2 s.)"""
LEAVE_HEARD_MIN = 3
"""Members that must have answered, where there are as many: one could crash with the news."""
LEAVE_ROUNDS_MIN = 2
"""Rounds before those who do not answer (they may be failing themselves) are given up on."""


class Leaving:
    """The state between goodbye and exit; `goodbye` itself lives in LocalMember."""

    def __init__(self, core: Core, local: LocalMember, pinger: Pinger, prober: Prober, verdicts: Verdicts) -> None:
        self._core = core
        self._local = local
        self._pinger = pinger
        self._prober = prober
        self._verdicts = verdicts
        self._ends_at: float | None = None
        self._untold: set[MemberId] = set()
        self._heard = 0
        self._rounds = 0
        self._wanted = 0

    @property
    def under_way(self) -> bool:
        """Whether a leave has begun and not ended."""
        return self._ends_at is not None

    def begin(self, now: float) -> None:
        """Say goodbye; the engine goes silent, and LeaveEnded follows."""
        core = self._core
        if self.under_way or self._local.goodbye:
            if not self.under_way:
                core.emit(LeaveEnded())
            return
        self._fall_silent(now)
        without = frozenset((core.own_id,))
        self._untold = set(core.membership.sample_live(core.rng, LEAVE_FANOUT, without))
        self._heard, self._rounds, self._wanted = 0, 0, min(LEAVE_HEARD_MIN, len(self._untold))
        self._ends_at = now + LEAVE_LONGEST_S
        self.handle_timer(now)

    def expel(self, now: float, revocation: Revocation) -> None:
        """Fall silent without a goodbye to anybody: this node was revoked, and nobody listens to it any more."""
        self.cancel()
        if not self._local.goodbye:
            self._fall_silent(now)
        self._core.emit(Expelled(revocation))

    def _fall_silent(self, now: float) -> None:
        core = self._core
        core.emit(PersistPresence(left=True))
        self._prober.rest()
        for timer in (Timer.SYNC, Timer.RETRY):
            core.timers.disarm(timer)
        for member in list(core.membership):
            self._verdicts.clear(member.id)
        self._local.say_goodbye(now)
        core.silent = True
        core.timers.disarm(Timer.GOSSIP)

    def cancel(self) -> None:
        """Return before the leave was over; whoever waits for its end is told."""
        if self.under_way:
            self._end()

    def handle_timer(self, now: float) -> None:
        """Tell those who have not answered once more; end when enough have, or time is up."""
        core = self._core
        if self._ends_at is None:
            return
        if now >= self._ends_at or not self._untold or self._repeated_enough():
            self._end()
            return
        self._rounds += 1
        wait_s = core.settings.probe_timeout_s
        for id in sorted(self._untold):
            self._pinger.ask(now, id, wait_s, self._told(id), claims=(Claim(self._local.record),))
        core.timers.arm(min(self._ends_at, now + wait_s), Timer.LEAVE)

    def _repeated_enough(self) -> bool:
        return self._heard >= self._wanted and self._rounds >= LEAVE_ROUNDS_MIN

    def _told(self, id: MemberId) -> Answered:
        def done(now: float, answered: bool) -> None:
            del now
            if answered and id in self._untold:
                self._untold.discard(id)
                self._heard += 1
                if self.under_way and not self._untold:
                    self._end()

        return done

    def _end(self) -> None:
        self._ends_at = None
        self._core.timers.disarm(Timer.LEAVE)
        self._core.emit(LeaveEnded())
