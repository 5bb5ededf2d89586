"""Who may be a member: not revoked, of the same license, and with a seat.

Seats are what a license limits: members that are alive, suspect or failed hold one; those that left, were reaped or
revoked do not. The door (the handshake) is strict. Past it there are two ways in beyond the limit, because members
that see different halves of a cluster must come to one view:

* a race: two newcomers take the last seat through different members. Whoever saw a newcomer of a larger id within
  the last RACE_INTERVALS lets one of a smaller id in beside it, and tells the larger to step down (`NoSeat`).
* a partition that healed: both halves let newcomers in while members of the other half had lost their seats. For
  HEAL_INTERVALS after a member returned, or after this node refuted a charge, newcomers of whom it hears are let
  in, and who was a member before comes back at any time. Nobody is removed, and the door stays shut until there
  are seats again.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from protocol.refusal import Refusal
from protocol.swim.settings import Settings
from protocol.ulid import MemberId

RACE_INTERVALS = 10
"""Probe intervals in which two newcomers are rivals: news of one reaches all in one or two."""
RACE_EXCESS_MAX = 8
"""Members beyond the limit that a race may bring for a moment."""
HEAL_INTERVALS = 30
"""Probe intervals for which a healed partition lets in those of the other half."""
RECENT_MAX = 64
"""Newcomers remembered as possible rivals."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a license says to the engine. `seats` None: as many as one process was sized for."""

    license_id: str = ""
    seats: int | None = None
    expired: bool = False
    """No new member is let in at the door."""


class Admission:
    """Judges newcomers; owned by Membership, which tells who holds seats."""

    def __init__(
        self,
        settings: Settings,
        bars: Callable[[MemberId], bool],
        seats_taken: Callable[[], int],
        holds_seat: Callable[[MemberId], bool],
    ) -> None:
        self.terms = Terms(settings.license_id, settings.seats)
        self._bars = bars
        self._seats_taken = seats_taken
        self._holds_seat = holds_seat
        self.was_met: Callable[[MemberId], bool] = _never
        """Whether an id was a member before that neither left nor was put out: its return heals a partition."""
        self._race_s = RACE_INTERVALS * settings.probe_interval_s
        self._heal_s = HEAL_INTERVALS * settings.probe_interval_s
        self._recent: OrderedDict[MemberId, float] = OrderedDict()
        self._promised: OrderedDict[MemberId, float] = OrderedDict()
        self._healed_at = float("-inf")
        self._joined_at = float("-inf")

    # --- what happened --------------------------------------------------------------------------

    def note_newcomer(self, now: float, id: MemberId) -> None:
        """Remember who came lately."""
        if self.terms.seats is None:
            return
        self._recent[id] = now
        if len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)

    def note_joined(self, now: float, own_id: MemberId) -> None:
        """Remember that this node itself has just joined: for a while it steps down for a rival."""
        self._joined_at = now
        self._recent.clear()  # all it heard of by joining were there before it
        self.note_newcomer(now, own_id)

    def promise(self, now: float, id: MemberId) -> None:
        """Remember who passed the door: where another took the seat before its record came, the two are rivals."""
        if self.terms.seats is None:
            return
        self._promised[id] = now
        if len(self._promised) > RECENT_MAX:
            self._promised.popitem(last=False)

    def change_terms(self, terms: Terms) -> None:
        """Go by other terms; who was in under the former ones is nobody's rival for the seats of the new."""
        if terms.seats != self.terms.seats:
            self._recent.clear()
            self._promised.clear()
            self._joined_at = float("-inf")
        self.terms = terms

    def note_heal(self, now: float) -> None:
        """Remember that a partition healed, or may have."""
        self._healed_at = now

    def on_probation(self, now: float) -> bool:
        """Tell whether this node joined so lately that others may have been first."""
        return now - self._joined_at <= self._race_s

    # --- judging --------------------------------------------------------------------------------

    @property
    def excess(self) -> int:
        """How many members there are beyond the seats."""
        return 0 if self.terms.seats is None else max(0, self._seats_taken() - self.terms.seats)

    @property
    def is_full(self) -> bool:
        """Whether no seat is free."""
        return self.terms.seats is not None and self._seats_taken() >= self.terms.seats

    def judge(
        self, now: float, id: MemberId, license_id: str, *, seated: bool, known: bool, lets_in: bool
    ) -> Refusal | None:
        """Judge who shakes hands: revoked, license, limit, in this order.

        `seated`: it is on the list and holds a seat; `known`: it is on the list, so it is no new member that an expired
        license keeps out. `lets_in`: it wants to become a member through us.
        """
        if self._bars(id):
            return Refusal.REVOKED
        if license_id != self.terms.license_id:
            return Refusal.LICENSE_MISMATCH
        if seated:
            return None
        if self.terms.expired and lets_in and not known:
            return Refusal.LICENSE_EXPIRED
        if self.is_full and not self.was_met(id) and (lets_in or not self._is_healing(now)):
            return Refusal.NODE_LIMIT
        return None

    def admits(self, now: float, id: MemberId, license_id: str) -> bool:
        """Judge a record of an id that holds no seat yet, whoever brings it."""
        if self._bars(id) or license_id != self.terms.license_id:
            return False
        if not self.is_full or self._is_healing(now) or self.was_met(id):
            return True
        if self.excess >= RACE_EXCESS_MAX:
            return False
        return self.was_promised(now, id) or any(rival > id for rival in self.rivals(now))

    def was_promised(self, now: float, id: MemberId) -> bool:
        """Tell whether an id passed the door so lately that its record may still be on the way."""
        return now - self._promised.get(id, float("-inf")) <= self._race_s

    def losers(self, now: float) -> list[MemberId]:
        """Give the newcomers that have to step down: those of the largest ids, as many as there are too many."""
        excess = self.excess
        if not excess or self._is_healing(now):
            return []
        return sorted(self.rivals(now), reverse=True)[:excess]

    def _is_healing(self, now: float) -> bool:
        return now - self._healed_at <= self._heal_s

    def rivals(self, now: float) -> list[MemberId]:
        """Give the newcomers of late that hold a seat."""
        return [id for id, at in self._recent.items() if now - at <= self._race_s and self._holds_seat(id)]


def _never(id: MemberId) -> bool:
    del id
    return False
