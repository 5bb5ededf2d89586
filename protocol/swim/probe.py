"""The failure detector's question, one member at a time (SWIM section 3.1 and 4.3, Lifeguard 4.1).

    0            probe timeout                              interval
    |-- ping ----|-- ping again, ping-req to k relays, -----|
                     and a stream as the last word

Both times stretch with awareness. An ack from the target or from an asked relay, or a pong on the stream,
ends the probe well; silence until the interval ends it with an accusation.

Each interval has one probe. It begins at the interval's end at the latest, and earlier where the node is awake
anyway, because another has just pinged it (`early_probe`, ours): to wake up costs an idle process more than the probe.
So a member is asked as often as before; between two probes of one node pass up to two intervals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from protocol.purpose import Purpose
from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.swim.effect import Dial
from protocol.swim.evidence import PathKind, PathResult, PathTried
from protocol.swim.member import Member
from protocol.swim.ring import ProbeRing
from protocol.swim.suspicion import suspicion_shortest_s
from protocol.ulid import MemberId
from protocol.wire.message import Claim, Ping, PingReq

Accuse = Callable[[float, Member, tuple[PathTried, ...]], None]


@dataclass(slots=True)
class Probe:
    """The one probe under way."""

    number: int
    target: MemberId
    incarnation: int
    """The target's, when the probe began: silence says something about that one alone."""
    began_at: float
    relays: dict[MemberId, PathResult] = field(default_factory=dict)
    stream: int | None = None
    stream_result: PathResult = PathResult.SILENCE
    stream_detail: str = "no answer"
    timed_out: bool = False
    early_s: float = 0.0
    """By how much it began before its time, to which the next one keeps."""

    def paths(self) -> tuple[PathTried, ...]:
        """Give the ways tried, as evidence."""
        tried = [PathTried(PathKind.DIRECT, PathResult.SILENCE)]
        tried += [PathTried(PathKind.RELAY, result, relay) for relay, result in self.relays.items()]
        if self.stream is not None:
            tried.append(PathTried(PathKind.STREAM, self.stream_result, detail=self.stream_detail))
        return tuple(tried)


class Prober:
    """Runs probes while there is anybody to probe; its timer is armed only then."""

    def __init__(self, core: Core, accuse: Accuse) -> None:
        self._core = core
        self._accuse = accuse
        self._ring = ProbeRing(core.rng, core.census, core.own_id)
        self._probe: Probe | None = None
        self._dialled: set[int] = set()
        """Streams dialled for probes, until the shell says how that ended: a probe may be over sooner."""

    @property
    def current(self) -> Probe | None:
        """The probe under way."""
        return self._probe

    def watch(self, now: float, id: MemberId) -> None:
        """Put a live member on the ring, and begin to probe if nothing was going on."""
        if id == self._core.own_id:
            return
        if id not in self._ring:
            self._ring.add(id)
        self.wake(now)

    def wake(self, now: float) -> None:
        """Arm the first probe, at a random moment of the interval so that nodes do not march in step."""
        core = self._core
        if core.silent or core.timers.deadline(Timer.PROBE) is not None:
            return
        core.timers.arm(now + core.rng.random() * core.settings.probe_interval_s, Timer.PROBE)

    def rest(self) -> None:
        """Stop probing; the probe under way comes to nothing."""
        self._probe = None
        self._core.timers.disarm(Timer.PROBE)
        self._core.timers.disarm(Timer.PROBE_TIMEOUT)

    def handle_timer(self, now: float) -> None:
        """End the present probe and begin the next."""
        core, probe = self._core, self._probe
        self._probe = None
        if probe is not None:
            core.timers.disarm(Timer.PROBE_TIMEOUT)
            self._fail(now, probe)
        if not core.silent:
            self._begin_next(now)

    def begin_early(self, now: float) -> None:
        """Begin this interval's probe, as this node is awake; not where one is under way, or was already.

        Nor while this node doubts itself: then it is to do less, and its intervals are longer.
        """
        core = self._core
        due = core.timers.deadline(Timer.PROBE)
        if self._probe is not None or due is None or core.awareness.score or not core.settings.early_probe:
            return
        early_s = due - now
        if early_s <= core.settings.probe_interval_s:
            self._begin_next(now, early_s)

    def begin_anew(self, now: float) -> None:
        """Ask the same member once more: what the probe under way did not hear, it may have slept through.

        Under the same number, so that an answer to the first question still counts.
        """
        probe = self._probe
        if probe is None:
            return
        self._probe = None
        self._core.timers.disarm(Timer.PROBE_TIMEOUT)
        if self._core.membership.is_live(probe.target):
            self._begin(now, probe.target, probe.number, probe.early_s)
        else:
            self._core.timers.arm(now, Timer.PROBE)

    def _begin_next(self, now: float, early_s: float = 0.0) -> None:
        target = self._ring.next(self._core.membership.is_live)
        if target is not None:
            self._begin(now, target, self._core.number(), early_s)

    def _begin(self, now: float, target: MemberId, number: int, early_s: float = 0.0) -> None:
        core = self._core
        core.counters.probes += 1
        member = core.membership.get(target)
        self._probe = Probe(number, target, member.record.incarnation if member else 0, now, early_s=early_s)
        scale = core.awareness.scale
        core.timers.arm(now + scale(core.settings.probe_timeout_s), Timer.PROBE_TIMEOUT)
        core.timers.arm(now + scale(core.settings.probe_interval_s), Timer.PROBE)
        core.send(now, target, (Ping(number),), self._charges(now, target))

    def _charges(self, now: float, target: MemberId) -> tuple[Claim, ...]:
        return self._core.charges(now, target) if self._core.settings.buddy else ()

    def handle_timeout(self, now: float) -> None:
        """Ask in every other way: relays, a stream, and the same ping again with an introduction."""
        core, probe = self._core, self._probe
        ends_at = core.timers.deadline(Timer.PROBE)
        if probe is None or ends_at is None:
            return
        probe.timed_out = True
        core.send(now, probe.target, (Ping(probe.number),), self._charges(now, probe.target), introduce=True)
        budget_ms = max(1, int((ends_at - now) * 1000))
        without = frozenset((core.own_id, probe.target))
        for relay in core.membership.sample_live(core.rng, core.settings.indirect_probes, without):
            probe.relays[relay] = PathResult.SILENCE
            core.send(now, relay, (PingReq(probe.number, probe.target, budget_ms),))
        address = core.address(probe.target)
        if core.settings.stream_fallback and address is not None:
            probe.stream = core.new_stream()
            self._dialled.add(probe.stream)
            core.emit(Dial(probe.stream, probe.target, address, Purpose.PING))

    def handle_ack(self, now: float, sender: MemberId, number: int) -> bool:
        """Take an answer from the target itself or from a relay that was asked."""
        probe = self._probe
        if probe is None or probe.number != number:
            return False
        if sender == probe.target:
            self._take_rtt(now, probe)
            self._succeed(probe, -1 if not probe.timed_out else 0)
            return True
        if sender in probe.relays:
            self._succeed(probe, 0)
            return True
        return False

    def handle_nack(self, sender: MemberId, number: int) -> None:
        """Note that a relay is well but could not reach the target."""
        probe = self._probe
        if probe is not None and probe.number == number and sender in probe.relays:
            probe.relays[sender] = PathResult.NACK

    def handle_pong(self, sender: MemberId, number: int) -> None:
        """Take the stream's answer: alive, though datagrams do not come through."""
        probe = self._probe
        if probe is not None and probe.number == number and sender == probe.target:
            self._succeed(probe, 0)

    def take_opened(self, stream: int) -> bool:
        """Tell whether a stream that opened was dialled for a probe."""
        if stream not in self._dialled:
            return False
        self._dialled.remove(stream)
        return True

    def handle_stream_failed(self, stream: int, reason: str, *, refused: bool) -> None:
        """Note why the stream gave no answer; the datagrams may still. `refused`: nobody listens at that port."""
        self._dialled.discard(stream)
        if self._probe is not None and self._probe.stream == stream:
            self._probe.stream_detail = reason
            if refused:
                self._probe.stream_result = PathResult.REFUSED

    def _take_rtt(self, now: float, probe: Probe) -> None:
        if not probe.timed_out and self._core.stalled_at < probe.began_at:
            self._core.round_trips.add(probe.target, now - probe.began_at)
            self._core.when_measured(now, probe.target, now - probe.began_at)

    def _succeed(self, probe: Probe, awareness: int) -> None:
        timers = self._core.timers
        timers.disarm(Timer.PROBE_TIMEOUT)
        due = timers.deadline(Timer.PROBE)
        if probe.early_s and due is not None:
            timers.arm(due + probe.early_s, Timer.PROBE)
        self._probe = None
        self._core.awareness.feed(awareness)

    def _is_proven(self, now: float, relay: MemberId) -> bool:
        """Tell whether a relay's silence says something about this node: it has been asked in turn, or would be failed.

        Whoever holds the cluster key makes identities that answer nobody, as many as it likes.
        """
        member = self._core.membership.get(relay)
        if member is None:
            return False
        settings = self._core.settings
        live_count = self._core.membership.live_count
        shortest_s = suspicion_shortest_s(settings.suspicion_alpha, live_count, settings.probe_interval_s)
        longest_s = settings.suspicion_beta * shortest_s
        return now - member.first_seen > longest_s or self._core.round_trips.get(relay) is not None

    def _fail(self, now: float, probe: Probe) -> None:
        core = self._core
        if core.membership.get(probe.target) is None:  # put out, or reaped, meanwhile: nobody was to answer
            return
        core.counters.probe_failures += 1
        missed = sum(
            1 for relay, result in probe.relays.items() if result is not PathResult.NACK and self._is_proven(now, relay)
        )
        core.awareness.feed(missed if probe.relays else 1)
        member = core.membership.get(probe.target)
        if member is not None and member.is_live and member.record.incarnation == probe.incarnation:
            self._accuse(now, member, probe.paths())
