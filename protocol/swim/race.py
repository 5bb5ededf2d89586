"""Two newcomers, one seat: who tells whom to step down, and who believes it.

They came in through different members, each of which saw a free seat. A member that hears of both tells the one of
the larger id which one of a smaller id there is (`NoSeat`), with that one's record. Whoever is told steps down only
on its own evidence: it joined lately, sees that one alive, and more members than seats. Who is itself on its way in,
or has just come, does not know who was there before it, and judges nobody smaller.
"""

from protocol.swim.core import Core
from protocol.swim.effect import SteppedDown
from protocol.swim.leave import Leaving
from protocol.swim.local import LocalMember
from protocol.swim.stream import Streams
from protocol.ulid import MemberId
from protocol.wire.message import Claim, Message, NoSeat

Told = tuple[tuple[Message, ...], list[Claim]]
"""What goes to a loser: the message, and the winner's record."""
NOTHING: Told = ((), [])


class SeatRace:
    """Owned by one Engine."""

    def __init__(self, core: Core, local: LocalMember, streams: Streams, leaving: Leaving) -> None:
        self._core = core
        self._local = local
        self._streams = streams
        self._leaving = leaving
        self._told_of: MemberId | None = None
        """A winner of whom this node was told while its own join was under way."""

    def settle(self, now: float) -> None:
        """Tell all who lost, as a newcomer is let in."""
        core = self._core
        for loser in core.membership.admission.losers(now):
            messages, claims = self.words_for(now, loser)
            if loser != core.own_id and messages:
                core.send(now, loser, messages, claims)

    def words_for(self, now: float, id: MemberId) -> Told:
        """Give what is said beside an ack to a newcomer that has to step down; to others nothing."""
        membership = self._core.membership
        admission = membership.admission
        if not admission.excess or self._streams.is_joining:
            return NOTHING
        if admission.on_probation(now) and id < self._core.own_id:
            return NOTHING
        if id not in admission.losers(now):
            return NOTHING
        winner = min(admission.rivals(now))
        member = membership.get(winner)
        return NOTHING if winner >= id or member is None else ((NoSeat(winner),), [Claim(member.record)])

    def meet(self, now: float, winner: MemberId) -> None:
        """Be told that this node lost; judged when its join is over, if one is under way."""
        if self._streams.is_joining:
            self._told_of = winner
        else:
            self._judge(now, winner)

    def end_join(self, now: float) -> None:
        """Judge what was told while this node was on its way in."""
        winner, self._told_of = self._told_of, None
        if winner is not None and not self._streams.is_joining:
            self._judge(now, winner)

    def _judge(self, now: float, winner: MemberId) -> None:
        core, admission = self._core, self._core.membership.admission
        if self._local.goodbye or not admission.on_probation(now) or not admission.excess:
            return
        if winner < core.own_id and core.membership.is_live(winner):
            core.emit(SteppedDown())
            self._leaving.begin(now)
