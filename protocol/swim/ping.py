"""Pings outside the probe: for others (ping-req), to old contacts, to newcomers, for a leave.

They feed no awareness: their silence says nothing about this node.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.ulid import MemberId
from protocol.wire.message import Ack, Claim, Nack, Ping, PingReq

PINGS_MAX = 512
"""Pings outstanding at once; beyond it the newest counts as unanswered, and relays say nack."""
RELAYS_EACH_MAX = 4
"""Pings relayed at once for one asker: an honest one has a single probe under way."""
RELAYS_MAX = PINGS_MAX // 2
"""Pings relayed at once for all: however many ask, half is left for this node's own questions."""
NACK_SHARE = 0.8
"""A relay waits this share of the budget it was given, so that its nack is back before the prober's
time is up. (Go memberlist's relay waits its own probe timeout: at default timing its nack comes too
late, and 25 of 44 healthy probers of a dead member blamed themselves.)"""

Answered = Callable[[float, bool], None]
"""What to do when the answer, or the end of the wait, has come: (now, whether it was answered)."""


@dataclass(frozen=True, slots=True)
class _Outstanding:
    target: MemberId
    done: Answered


class Pinger:
    """Asks and remembers whom, by the ping's random number."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._outstanding: dict[int, _Outstanding] = {}
        self._relays: dict[MemberId, int] = {}
        self._relay_count = 0

    @property
    def is_busy(self) -> bool:
        """Whether one more ping would count as unanswered without having been sent."""
        return len(self._outstanding) >= PINGS_MAX

    def ask(
        self,
        now: float,
        target: MemberId,
        wait_s: float,
        done: Answered,
        *,
        claims: Sequence[Claim] = (),
        introduce: bool = False,
    ) -> None:
        """Ping a peer; `done` is called once, with the answer or at the end of the wait."""
        core = self._core
        if self.is_busy or core.address(target) is None:
            done(now, False)
            return
        number = core.number()
        while number in self._outstanding:
            number = core.number()
        self._outstanding[number] = _Outstanding(target, done)
        core.timers.arm(now + wait_s, Timer.PING, number)
        core.send(now, target, (Ping(number),), claims, introduce=introduce)

    def handle_ack(self, now: float, sender: MemberId, number: int) -> bool:
        """Take an answer; False if nobody here waits for it from that sender."""
        ping = self._outstanding.get(number)
        if ping is None or ping.target != sender:
            return False
        del self._outstanding[number]
        self._core.timers.disarm(Timer.PING, number)
        ping.done(now, True)
        return True

    def handle_timer(self, now: float, number: int) -> None:
        """Give up on a ping."""
        ping = self._outstanding.pop(number, None)
        if ping is not None:
            ping.done(now, False)

    def relay(self, now: float, origin: MemberId, request: PingReq) -> None:
        """Ping the target for another member, and tell it ack or nack while that still helps it."""
        core = self._core

        def answer(at: float, answered: bool) -> None:
            if answered:
                core.send(at, origin, (Ack(request.number, core.membership.hash.root),))
            else:
                core.send(at, origin, (Nack(request.number),))

        def done(at: float, answered: bool) -> None:
            self._end_relay(origin)
            answer(at, answered)

        if request.target == core.own_id:
            answer(now, True)
            return
        if self._relay_count >= RELAYS_MAX or self._relays.get(origin, 0) >= RELAYS_EACH_MAX:
            answer(now, False)
            return
        core.counters.relayed_pings += 1
        self._relays[origin] = self._relays.get(origin, 0) + 1
        self._relay_count += 1
        slowest_s = core.settings.probe_interval_s * core.settings.awareness_max
        wait_s = min(request.budget_ms / 1000, slowest_s) * NACK_SHARE
        self.ask(now, request.target, wait_s, done, claims=self._charges(now, request.target))

    def _end_relay(self, origin: MemberId) -> None:
        self._relay_count -= 1
        self._relays[origin] -= 1
        if not self._relays[origin]:
            del self._relays[origin]

    def _charges(self, now: float, target: MemberId) -> tuple[Claim, ...]:
        return self._core.charges(now, target) if self._core.settings.buddy else ()
