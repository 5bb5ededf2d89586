"""A look of one's own at a member that another accused.

What others say shortens nobody's patience: voices cost nothing to whoever holds the cluster key. What a member has
seen by itself may. So who hears an accusation asks the suspect at once, on the three ways of a probe:

    0            probe timeout                              interval
    |-- ping ----|-- ping again, ping-req to k relays, -----|
                     and a stream

An answer ends the look; the ping carried the accusation, so the refutation comes with it. If nothing answers, a relay
says the same, and the port itself refuses, then the system of that host is well and the process is gone
(`evidence.is_gone`): this member, and it alone, then waits a share of the shortest suspicion. A host that is silent, a
process that is paused and a network that is cut refuse nothing, and are waited for as ever; but for a firewall that
rejects instead of dropping, and for one on the way who drops what both say and forges a refusal: there a member is held
failed that much sooner than by dropping alone.

Ours beyond SWIM and Lifeguard; `Settings.own_look` switches it off. In a cluster of n it costs each of min(n, 64)
members some ten datagrams and a connection per failure, and one datagram and its answer per wrong accusation.
"""

from dataclasses import dataclass, field

from protocol.purpose import Purpose
from protocol.swim.core import Core
from protocol.swim.effect import Dial, StreamClose
from protocol.swim.evidence import PathKind, PathResult, PathTried
from protocol.swim.member import Member
from protocol.swim.ping import Pinger
from protocol.swim.verdict import Verdicts
from protocol.ulid import MemberId
from protocol.wire.message import PingReq

LOOKERS = 64
"""Members that look, on average, however many there are: a suspect that lives answers each, and a thousand connections
at once would end one that is merely slow."""
LOOKS_MAX = 32
"""Looks under way at once; of more suspects the others are waited for as ever."""


@dataclass(slots=True)
class Look:
    """One look under way."""

    subject: MemberId
    incarnation: int
    number: int
    """What relays answer with."""
    answered: bool = False
    relays: dict[MemberId, PathResult] = field(default_factory=dict)
    stream: int | None = None
    stream_result: PathResult = PathResult.SILENCE
    stream_detail: str = "no answer"

    def paths(self) -> tuple[PathTried, ...]:
        """Give the ways tried, as evidence."""
        tried = [PathTried(PathKind.DIRECT, PathResult.SILENCE)]
        tried += [PathTried(PathKind.RELAY, result, relay) for relay, result in self.relays.items()]
        if self.stream is not None:
            tried.append(PathTried(PathKind.STREAM, self.stream_result, detail=self.stream_detail))
        return tuple(tried)


class Looker:
    """Looks at suspects, and tells `verdicts` what it saw."""

    def __init__(self, core: Core, pinger: Pinger, verdicts: Verdicts) -> None:
        self._core = core
        self._pinger = pinger
        self._verdicts = verdicts
        self._looks: dict[int, Look] = {}
        """By number."""
        self._streams: dict[int, int] = {}
        """The number of the look that dialled, by stream, until the shell says how that ended."""

    def __len__(self) -> int:
        return len(self._looks)

    def begin(self, now: float, member: Member) -> None:
        """Look at a member that another has just accused, if this node is one of those that look."""
        core = self._core
        if not core.settings.own_look or core.silent or self._pinger.is_busy or len(self._looks) >= LOOKS_MAX:
            return
        live_count = core.membership.live_count
        if live_count > LOOKERS and core.rng.random() * live_count >= LOOKERS:
            return
        look = Look(member.id, member.record.incarnation, core.number())
        if look.number in self._looks:
            return
        self._looks[look.number] = look

        def done(at: float, answered: bool) -> None:
            if answered or not self._is_wanted(look):
                del self._looks[look.number]
            else:
                self._ask_around(at, look)

        wait_s = core.awareness.scale(core.settings.probe_timeout_s)
        self._pinger.ask(now, look.subject, wait_s, done, claims=core.charges(now, look.subject), introduce=True)

    def _is_wanted(self, look: Look) -> bool:
        suspicion = self._verdicts.suspicion(look.subject)
        return not self._core.silent and suspicion is not None and suspicion.incarnation == look.incarnation

    def _ask_around(self, now: float, look: Look) -> None:
        core = self._core
        settings = core.settings

        def done(at: float, answered: bool) -> None:
            del self._looks[look.number]
            if look.stream in self._streams:  # a host that is silent holds up no other stream until that times out
                core.emit(StreamClose(look.stream))
            if not answered and not look.answered and self._is_wanted(look):
                self._verdicts.take_look(at, look.subject, look.paths())

        wait_s = core.awareness.scale(settings.probe_interval_s - settings.probe_timeout_s)
        without = frozenset((core.own_id, look.subject))
        for relay in core.membership.sample_live(core.rng, settings.indirect_probes, without):
            look.relays[relay] = PathResult.SILENCE
            core.send(now, relay, (PingReq(look.number, look.subject, max(1, int(wait_s * 1000))),))
        address = core.address(look.subject)
        if address is not None:
            look.stream = core.new_stream()
            self._streams[look.stream] = look.number
            core.emit(Dial(look.stream, look.subject, address, Purpose.PING))
        self._pinger.ask(now, look.subject, wait_s, done, introduce=True)

    # --- what comes back ------------------------------------------------------------------------

    def handle_ack(self, sender: MemberId, number: int) -> bool:
        """Take a relay's word that the suspect answered it; False if it was not asked for one."""
        look = self._looks.get(number)
        if look is None or sender not in look.relays:
            return False
        look.relays[sender] = PathResult.ACK
        look.answered = True
        return True

    def handle_nack(self, sender: MemberId, number: int) -> None:
        """Take a relay's word that it could not reach the suspect either."""
        look = self._looks.get(number)
        if look is not None and look.relays.get(sender) is PathResult.SILENCE:
            look.relays[sender] = PathResult.NACK

    def take_opened(self, stream: int) -> bool:
        """Tell whether a stream that opened was dialled for a look, which ends well with that."""
        number = self._streams.pop(stream, None)
        if number is None:
            return False
        if number in self._looks:
            self._looks[number].answered = True
        return True

    def handle_stream_failed(self, stream: int, reason: str, *, refused: bool) -> None:
        """Note that a stream gave no answer; `refused`: the host's system said that nobody listens there."""
        look = self._looks.get(self._streams.pop(stream, -1))
        if look is not None:
            look.stream_detail = reason
            if refused:
                look.stream_result = PathResult.REFUSED
