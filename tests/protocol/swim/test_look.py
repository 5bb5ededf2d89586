"""A look of one's own: when it is taken, what it asks, and what it may shorten."""

from itertools import pairwise

import pytest

from protocol.status import Status
from protocol.swim.effect import Dial, Effect, Send, StreamClose
from protocol.swim.engine import Engine
from protocol.swim.evidence import PathKind, PathResult, PathTried, is_gone
from protocol.swim.look import LOOKERS, LOOKS_MAX
from protocol.swim.settings import Settings
from protocol.swim.suspicion import GONE_SHARE, suspicion_shortest_s
from protocol.wire.message import Ack, Nack, Ping, PingReq
from tests.protocol.swim.bench import FIRST, ME, SUBJECT, advance, only, say, started, status, tell
from tests.protocol.wire.sample import Author, author

CROWD = [author(number) for number in range(10, 18)]
SHORTEST_S = suspicion_shortest_s(4, 10, 1.0)
GONE_S = GONE_SHARE * SHORTEST_S


def accused(*, own_look: bool = True, accusers: int = 3) -> tuple[Engine, list[Effect]]:
    """Give an engine among ten, that probes nobody, and what it did when others had accused SUBJECT at time 0."""
    people = (SUBJECT.record(FIRST), *(who.record(FIRST) for who in CROWD))
    engine = started(ME, Settings.lan(own_look=own_look, second_look=False), *people)
    engine.prober.rest()
    effects: list[Effect] = []
    for who in CROWD[:accusers]:
        effects += tell(engine, 0.0, who.accuse(SUBJECT.id, FIRST), sender=who)
    return engine, effects


def pings(effects: list[Effect], to: Author = SUBJECT) -> list[Ping]:
    """Give the pings to one member."""
    return [m for s in only(Send, effects) if s.to == to.id for m in s.packet.messages if isinstance(m, Ping)]


def requests(effects: list[Effect]) -> dict[bytes, PingReq]:
    """Give what relays were asked, by relay."""
    return {s.to: m for s in only(Send, effects) for m in s.packet.messages if isinstance(m, PingReq)}


def look_around(engine: Engine, *, nacks: bool, refused: bool) -> None:
    """Let the first ping be unanswered, and the relays and the port say what they may."""
    effects = advance(engine, 0.6)
    (dial,) = only(Dial, effects)
    assert dial.to == SUBJECT.id
    if refused:
        engine.handle_port_refused(0.61, dial.stream, "connection refused")
    advance(engine, 0.9)
    if nacks:
        for relay, request in requests(effects).items():
            say(engine, 0.9, Nack(request.number), sender=next(who for who in CROWD if who.id == relay))


def failed_at(engine: Engine) -> float:
    """Tell, to a tenth of a second, when the subject is held failed."""
    for tenth in range(6, 400):
        advance(engine, tenth / 10)
        if status(engine) is Status.FAILED:
            return tenth / 10
    raise AssertionError("never")


def test_look_begins_with_the_accusation_and_brings_it() -> None:
    """One ping, with what the suspect is charged with, whoever accuses it afterwards."""
    _, effects = accused()
    assert len(pings(effects)) == 1
    assert any(s.packet.claims for s in only(Send, effects) if s.to == SUBJECT.id)


def test_look_asks_relays_and_the_port_when_nothing_comes_back() -> None:
    """As many relays as a probe asks."""
    engine, _ = accused()
    effects = advance(engine, 0.6)
    assert len(requests(effects)) == engine.core.settings.indirect_probes
    assert len(pings(effects)) == 1
    assert len(only(Dial, effects)) == 1


def test_look_ends_with_an_answer() -> None:
    """Nobody else is asked, and the refutation has the time it had before."""
    engine, effects = accused()
    say(engine, 0.1, Ack(pings(effects)[0].number, 0), sender=SUBJECT)
    later = advance(engine, SHORTEST_S - 0.1)
    assert (only(Dial, later), requests(later), len(engine.looker)) == ([], {}, 0)
    assert status(engine) is Status.SUSPECT


def test_port_that_refuses_ends_the_wait_sooner() -> None:
    """Seen by itself, and through a relay."""
    engine, _ = accused()
    look_around(engine, nacks=True, refused=True)
    assert failed_at(engine) == pytest.approx(GONE_S, abs=0.11)
    assert len(engine.looker) == 0
    member = engine.membership.get(SUBJECT.id)
    assert member is not None
    assert list(member.evidence)[-1].note == "its port refuses connections: the process is gone"


def test_port_that_refuses_counts_as_all_confirmations() -> None:
    """Whoever has accused: it is this node's own evidence."""
    engine, _ = accused(accusers=1)
    look_around(engine, nacks=True, refused=True)
    assert failed_at(engine) == pytest.approx(GONE_S, abs=0.11)


@pytest.mark.parametrize(("nacks", "refused"), [(True, False), (False, True), (False, False)])
def test_silence_shortens_nothing(nacks: bool, refused: bool) -> None:
    """Neither that of the port, nor that of all relays: what is not seen is waited for."""
    engine, _ = accused()
    look_around(engine, nacks=nacks, refused=refused)
    assert failed_at(engine) == pytest.approx(SHORTEST_S, abs=0.11)


def test_relay_that_was_answered_ends_the_look() -> None:
    """Whatever the port says: somebody hears the suspect."""
    engine, _ = accused()
    effects = advance(engine, 0.6)
    (dial,) = only(Dial, effects)
    (one, request), (other, _), *_ = requests(effects).items()
    engine.handle_port_refused(0.61, dial.stream, "connection refused")
    say(engine, 0.7, Nack(request.number), sender=next(who for who in CROWD if who.id == other))
    say(engine, 0.8, Ack(request.number, 0), sender=next(who for who in CROWD if who.id == one))
    assert failed_at(engine) == pytest.approx(SHORTEST_S, abs=0.11)


def test_stream_that_opens_is_closed_and_ends_the_look() -> None:
    """Somebody shook hands as the suspect: it lives."""
    engine, _ = accused()
    effects = advance(engine, 0.6)
    (dial,) = only(Dial, effects)
    for relay, request in requests(effects).items():
        say(engine, 0.7, Nack(request.number), sender=next(who for who in CROWD if who.id == relay))
    closed = only(StreamClose, engine.handle_stream_opened(0.8, dial.stream, SUBJECT.id))
    assert [effect.stream for effect in closed] == [dial.stream]
    assert failed_at(engine) == pytest.approx(SHORTEST_S, abs=0.11)


def test_stream_of_a_look_that_is_over_is_closed() -> None:
    """Silent hosts, of which a hostile member makes as many as it likes, must not hold what syncs dial with."""
    engine, _ = accused()
    (dial,) = only(Dial, advance(engine, 0.6))
    assert [effect.stream for effect in only(StreamClose, advance(engine, 1.5))] == [dial.stream]
    engine.handle_stream_closed(1.6, dial.stream, None, "given up")
    assert len(engine.looker) == 0


def test_strangers_say_nothing_about_a_look() -> None:
    """Only relays that were asked are heard."""
    engine, _ = accused()
    effects = advance(engine, 0.6)
    (dial,) = only(Dial, effects)
    asked = requests(effects)
    stranger = next(who for who in CROWD if who.id not in asked)
    engine.handle_port_refused(0.61, dial.stream, "connection refused")
    say(engine, 0.7, Nack(next(iter(asked.values())).number), sender=stranger)
    assert failed_at(engine) == pytest.approx(SHORTEST_S, abs=0.11)


def test_refutation_meanwhile_is_what_counts() -> None:
    """The look that was under way says something about the incarnation before."""
    engine, _ = accused()
    advance(engine, 0.6)
    tell(engine, 0.7, SUBJECT.record(FIRST + 1), sender=SUBJECT)
    advance(engine, 1.5)
    assert (status(engine), len(engine.looker)) == (Status.ALIVE, 0)


def test_look_is_evidence() -> None:
    """It is in the subject's log, with the ways that were tried."""
    engine, _ = accused()
    look_around(engine, nacks=True, refused=True)
    advance(engine, 1.2)
    member = engine.membership.get(SUBJECT.id)
    assert member is not None
    (entry,) = [entry for entry in member.evidence if entry.event == "look-failed"]
    assert {path.result for path in entry.paths} == {PathResult.SILENCE, PathResult.NACK, PathResult.REFUSED}


def test_switched_off_nobody_looks() -> None:
    """And a port that refuses is one more way without an answer."""
    engine, effects = accused(own_look=False)
    assert pings(effects) == []
    assert failed_at(engine) == pytest.approx(SHORTEST_S, abs=0.11)


def test_own_probe_that_met_a_closed_port_ends_the_wait_sooner() -> None:
    """Who accuses has looked already."""
    engine = started(ME, Settings.lan(second_look=False), SUBJECT.record(FIRST), *(w.record(FIRST) for w in CROWD))
    member = engine.membership.get(SUBJECT.id)
    assert member is not None
    paths = (
        PathTried(PathKind.DIRECT, PathResult.SILENCE),
        PathTried(PathKind.RELAY, PathResult.NACK, CROWD[0].id),
        PathTried(PathKind.STREAM, PathResult.REFUSED),
    )
    engine.prober.rest()
    engine.verdicts.accuse(0.0, member, paths)
    assert failed_at(engine) == pytest.approx(GONE_S, abs=0.11)


def test_looks_are_bounded() -> None:
    """Of a mass of suspects some are looked at."""
    crowd = [author(number) for number in range(10, 10 + 2 * LOOKS_MAX)]
    engine = started(ME, Settings.lan(members_max=500), *(who.record(FIRST) for who in crowd))
    engine.prober.rest()
    for who in crowd[1:]:
        tell(engine, 0.0, crowd[0].accuse(who.id, FIRST), sender=crowd[0])
        if len(engine.looker) == LOOKS_MAX:
            break
    before = len(engine.looker)
    tell(engine, 0.0, crowd[1].accuse(crowd[0].id, FIRST), sender=crowd[1])
    assert len(engine.looker) == before <= LOOKS_MAX


def test_in_a_crowd_some_look() -> None:
    """A suspect that lives answers some 64, and not all."""
    crowd = [author(number) for number in range(1, 250)]
    engine = started(crowd[0], Settings.lan(), *(who.record(FIRST) for who in crowd[1:]))
    engine.prober.rest()
    looked = 0
    for accuser, who in pairwise(crowd[1:]):
        looked += len(pings(tell(engine, 0.0, accuser.accuse(who.id, FIRST), sender=accuser), who))
        if len(engine.looker) == LOOKS_MAX:
            break
    accused_count = engine.counters.suspicions
    assert 0.5 * LOOKERS / 249 < looked / accused_count < 2 * LOOKERS / 249


RELAYED = PathTried(PathKind.RELAY, PathResult.NACK)
REFUSED = PathTried(PathKind.STREAM, PathResult.REFUSED)


@pytest.mark.parametrize(
    ("paths", "gone"),
    [
        ((), False),
        ((REFUSED,), False),
        ((RELAYED,), False),
        ((RELAYED, REFUSED), True),
        ((RELAYED, REFUSED, PathTried(PathKind.RELAY, PathResult.ACK)), False),
        ((RELAYED, PathTried(PathKind.STREAM, PathResult.SILENCE)), False),
        ((PathTried(PathKind.RELAY, PathResult.SILENCE), REFUSED), False),
    ],
)
def test_gone_is_what_refuses_and_is_silent_to_others(paths: tuple[PathTried, ...], gone: bool) -> None:
    """Both, and no answer to anybody."""
    assert is_gone(paths) is gone
