"""A peer that shakes hands: may it come in? The handshake asks here, once it knows who it is."""

from dataclasses import dataclass

from protocol.address import Address
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.core import Core
from protocol.swim.effect import StreamVerdict
from protocol.swim.member import Member
from protocol.swim.ping import Pinger
from protocol.swim.verdict import Verdicts
from protocol.ulid import MemberId
from protocol.wire.message import Claim


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a peer proved and claimed in its hello."""

    id: MemberId
    public_key: bytes
    name: str
    license_id: str
    address: Address
    purpose: Purpose


class Doorkeeper:
    """Judges candidates by license, limit and name, in this order; revocation comes before them."""

    def __init__(self, core: Core, pinger: Pinger, verdicts: Verdicts) -> None:
        self._core = core
        self._pinger = pinger
        self._verdicts = verdicts

    def judge(self, now: float, stream: int, candidate: Candidate, *, dialled: bool) -> None:
        """Emit a StreamVerdict, at once or when the holder of a used name has had time to answer.

        Who wants to come in does not refuse for a name: it is who dialled to join, or who was invited.
        """
        core = self._core
        lets_in = candidate.purpose is (Purpose.INVITE if dialled else Purpose.JOIN)
        refusal = core.membership.judge(now, candidate.id, candidate.license_id, lets_in=lets_in)
        if refusal is Refusal.NODE_LIMIT and candidate.purpose is Purpose.INVITE and core.silent:
            refusal = None  # this node left: it has no seats to give, and its list may be old
        if refusal is None and candidate.purpose in (Purpose.JOIN, Purpose.INVITE):
            core.membership.admission.promise(now, candidate.id)
        if refusal is not None or not lets_in:
            core.emit(StreamVerdict(stream, refusal))
            word = core.membership.revocations.get(candidate.id)
            if (
                refusal is Refusal.REVOKED and word is not None and candidate.id != core.own_id
            ):  # it may have been down when that was said
                core.tell_parted(candidate.id, candidate.public_key, candidate.address, Claim(word))
            return
        holder = core.membership.name_holder(candidate.name)
        if holder is None or holder.id == candidate.id:
            core.emit(StreamVerdict(stream, None))
        elif holder.id == core.own_id:
            core.emit(StreamVerdict(stream, Refusal.NAME_IN_USE))
        elif self._pinger.is_busy:  # who was not asked has not been silent
            core.emit(StreamVerdict(stream, Refusal.BUSY))
        else:
            self._ask_holder(now, stream, holder, candidate)

    def _ask_holder(self, now: float, stream: int, holder: Member, candidate: Candidate) -> None:
        """Let the holder speak first, even where the newcomer says that it listens at its address.

        Only the holder itself can open the ping; where a newcomer took its place nobody does.
        """
        core = self._core
        why = "did not answer when a newcomer of the same name asked to join"
        if holder.address == candidate.address:
            why = "its address was taken over by a newcomer of the same name"

        def done(at: float, answered: bool) -> None:
            if answered:
                core.emit(StreamVerdict(stream, Refusal.NAME_IN_USE))
                return
            if core.silent:  # left meanwhile, or before: whoever has no say signs nothing against the holder
                core.emit(StreamVerdict(stream, Refusal.BUSY))
                return
            held = core.membership.get(holder.id)
            if held is not None and held.is_live:
                self._supersede(at, held, why)
            core.emit(StreamVerdict(stream, None))

        wait_s = core.awareness.scale(core.settings.probe_timeout_s)
        self._pinger.ask(now, holder.id, wait_s, done, introduce=True)

    def _supersede(self, now: float, holder: Member, why: str) -> None:
        """Accuse the former holder, and see that it is left, not failed, if it does not refute."""
        core = self._core
        holder = core.membership.writable(holder.id)
        core.note(now, holder, "superseded", by=core.own_id, note=why)
        self._verdicts.accuse(now, holder, ())
        eviction: Claim = self._verdicts.evict(now, holder, prune=False)
        core.membership.apply(now, eviction)
        core.spread(now, eviction)
