"""One probe from its ping to its verdict, and what it does to awareness."""

import pytest

from protocol.status import Status
from protocol.swim.effect import Dial, Effect, Send
from protocol.swim.engine import Engine
from protocol.swim.evidence import PathKind, PathResult
from protocol.swim.settings import Settings
from protocol.wire.message import Ack, Nack, Packet, Ping, PingReq
from protocol.wire.statement import Accusation
from tests.protocol.swim.bench import ACCUSER, FIRST, ME, PEER, SUBJECT, only, said, say, started, status
from tests.protocol.wire.sample import Author, author

PEOPLE = [PEER, SUBJECT, ACCUSER, author(5), author(6)]


class Bench:
    """An engine in its first probe, by the clock of its own deadlines."""

    def __init__(self, settings: Settings | None = None, people: list[Author] = PEOPLE) -> None:
        self.engine: Engine = started(ME, settings, *(who.record(FIRST) for who in people))
        for who in people:
            self.engine.core.round_trips.add(who.id, 0.001)
        self.now = 0.0
        self.engine.core.awareness.feed(3)
        while self.engine.prober.current is None:
            self.step()
        probe = self.engine.prober.current
        self.probe = probe
        self.target = next(who for who in people if who.id == probe.target)
        self.engine.core.round_trips.drop(self.target.id)

    def step(self) -> list[Effect]:
        """Serve the next deadline."""
        due = self.engine.next_deadline()
        assert due is not None
        self.now = max(self.now, due)
        return self.engine.handle_timer(self.now)

    def time_out(self) -> list[Effect]:
        """Go on until relays are asked."""
        while True:
            effects = self.step()
            if self.probe.timed_out:
                return effects

    def fail(self) -> list[Effect]:
        """Go on until the probe is over."""
        while True:
            effects = self.step()
            if self.engine.prober.current is not self.probe:
                return effects

    @property
    def score(self) -> int:
        """The engine's doubt in itself; 3 before the probe."""
        return self.engine.core.awareness.score


def test_probe_answered_in_time_lowers_awareness_and_measures_the_round_trip() -> None:
    """By one; the first round trip is taken as it is."""
    bench = Bench()
    say(bench.engine, bench.now + 0.02, Ack(bench.probe.number, 0), sender=bench.target)
    assert bench.engine.prober.current is None
    assert bench.score == 2
    assert bench.engine.round_trip_s(bench.target.id) == pytest.approx(0.02)


@pytest.mark.parametrize("wrong", ["number", "sender"])
def test_probe_answer_of_another_is_none(wrong: str) -> None:
    """Nor one with another number."""
    bench = Bench()
    other = next(who for who in PEOPLE if who is not bench.target)
    number = bench.probe.number + (wrong == "number")
    say(bench.engine, bench.now, Ack(number, 0), sender=other if wrong == "sender" else bench.target)
    assert bench.engine.prober.current is bench.probe


def test_probe_timeout_asks_relays_a_stream_and_the_target_again() -> None:
    """Three different relays, never the target; with what is left of the interval; an introduction beside the ping."""
    bench = Bench()
    effects = bench.time_out()
    asked = {
        send.to: message
        for send in only(Send, effects)
        for message in send.packet.messages
        if isinstance(message, PingReq)
    }
    assert len(asked) == 3
    assert not {bench.target.id, ME.id} & set(asked)
    left_ms = 1000 * 4 * (1.0 - 0.5)  # the score of 3 stretches both interval and timeout fourfold
    assert {message.budget_ms for message in asked.values()} <= {int(left_ms), int(left_ms) - 1}
    assert [message for message in said(effects, bench.target.id) if isinstance(message, Ping)]
    assert any(send.introduce for send in only(Send, effects) if send.to == bench.target.id)
    assert [dial.to for dial in only(Dial, effects)] == [bench.target.id]


@pytest.mark.parametrize("late", [True, False])
def test_probe_saved_after_the_timeout_leaves_awareness_as_it_was(late: bool) -> None:
    """By the target's late ack, or by a relay's; neither is a round trip."""
    bench = Bench()
    bench.time_out()
    relay = next(who for who in PEOPLE if who.id in bench.probe.relays)
    say(bench.engine, bench.now, Ack(bench.probe.number, 0), sender=bench.target if late else relay)
    assert bench.engine.prober.current is None
    assert bench.score == 3
    assert bench.engine.round_trip_s(bench.target.id) is None


def test_probe_relay_that_was_not_asked_saves_nothing() -> None:
    """An ack from anybody else is not believed."""
    bench = Bench(Settings.lan(indirect_probes=1))
    bench.time_out()
    idle = next(who for who in PEOPLE if who.id not in bench.probe.relays and who is not bench.target)
    say(bench.engine, bench.now, Ack(bench.probe.number, 0), sender=idle)
    assert bench.engine.prober.current is bench.probe


@pytest.mark.parametrize("nacks", [0, 1, 3])
def test_probe_failed_feeds_awareness_by_the_nacks_it_missed(nacks: int) -> None:
    """Lifeguard: three relays asked, those who said nack prove that we can be heard."""
    bench = Bench()
    bench.time_out()
    for who in [who for who in PEOPLE if who.id in bench.probe.relays][:nacks]:
        say(bench.engine, bench.now, Nack(bench.probe.number), sender=who)
    bench.fail()
    assert bench.score == 3 + 3 - nacks
    assert status(bench.engine, bench.target) is Status.SUSPECT


def test_probe_failed_believes_no_silence_of_relays_that_never_answered() -> None:
    """Whoever holds the key makes members that answer nobody; their silence says nothing about us."""
    bench = Bench()
    for who in PEOPLE:
        bench.engine.core.round_trips.drop(who.id)
    bench.time_out()
    bench.fail()
    assert bench.score == 3


def test_probe_failed_without_relays_feeds_awareness_by_one() -> None:
    """N = 2: there is nobody to ask."""
    bench = Bench(people=[PEER])
    bench.fail()
    assert bench.score == 4


def test_probe_failed_is_an_accusation_with_its_evidence() -> None:
    """Signed, for the target's incarnation; the ways tried are in the log."""
    bench = Bench()
    bench.time_out()
    relays = [who for who in PEOPLE if who.id in bench.probe.relays]
    say(bench.engine, bench.now, Nack(bench.probe.number), sender=relays[0])
    bench.engine.handle_stream_closed(bench.now, bench.probe.stream or 0, None, "connection refused")
    bench.fail()
    member = bench.engine.membership.get(bench.target.id)
    assert member is not None
    (accusation,) = member.entry.accusations
    assert (accusation.accuser, accusation.incarnation) == (ME.id, FIRST)
    failed = next(note for note in member.evidence if note.event == "probe-failed")
    assert [(path.kind, path.result) for path in failed.paths if path.relay in (None, relays[0].id)] == [
        (PathKind.DIRECT, PathResult.SILENCE),
        (PathKind.RELAY, PathResult.NACK),
        (PathKind.STREAM, PathResult.SILENCE),
    ]
    assert failed.paths[-1].detail == "connection refused"
    assert failed.awareness == 5  # 3 before, and two relays of three said nothing


def test_probe_of_one_that_left_meanwhile_accuses_nobody() -> None:
    """It said goodbye between the ping and the end of the wait."""
    bench = Bench()
    bench.time_out()
    bench.engine.handle_introduced(bench.now, bench.target.id, Packet(), bench.target.record(FIRST + 1, goodbye=True))
    bench.fail()
    member = bench.engine.membership.get(bench.target.id)
    assert member is not None
    assert not [s for s in member.entry.accusations if isinstance(s, Accusation)]
    assert status(bench.engine, bench.target) is Status.LEFT


def test_probe_lateness_of_our_own_gives_the_target_its_time() -> None:
    """A stall over the end of the wait: the probe begins anew, and the answer to its first question still counts."""
    bench = Bench()
    bench.time_out()
    woken = bench.now + 20.0
    bench.engine.handle_timer(woken)
    again = bench.engine.prober.current
    say(bench.engine, woken + 0.1, Ack(bench.probe.number, 0), sender=bench.target)
    assert again is not None
    assert (again.number, again.target, again.began_at) == (bench.probe.number, bench.probe.target, woken)
    assert bench.engine.prober.current is None
    assert bench.engine.counters.probe_failures == 0
    assert bench.engine.counters.stalls == 1
