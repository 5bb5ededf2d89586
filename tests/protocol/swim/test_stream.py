"""Streams: whose word is expected, and what becomes of any other."""

from collections.abc import Callable

import pytest

from protocol.error import MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.effect import Dial, JoinEnded, StreamClose, StreamSend
from protocol.swim.engine import Engine
from protocol.swim.settings import Settings
from protocol.swim.stream import PEER_STREAMS_MAX, STREAMS_MAX
from protocol.ulid import MemberId
from protocol.wire.message import (
    Ack,
    Claim,
    Join,
    JoinAnswer,
    KeyringOffer,
    Ping,
    StreamMessage,
    StreamPing,
    StreamPong,
    SyncBuckets,
    SyncClaims,
    SyncEnd,
    SyncRoot,
    SyncSummaries,
)
from tests.protocol.swim.bench import ME, PEER, SUBJECT, advance, only, said, say, started, status
from tests.protocol.wire.sample import author

WORDS: dict[str, StreamMessage] = {
    "ping": StreamPing(1),
    "pong": StreamPong(1, 1),
    "join": Join(Claim(PEER.record(5))),
    "answer": JoinAnswer(Claim(PEER.record(5)), True),
    "root": SyncRoot(1, bytes(8)),
    "buckets": SyncBuckets(bytes(2_048)),
    "summaries": SyncSummaries(b"", (), True),
    "claims": SyncClaims((), (), (), True),
    "end": SyncEnd(),
    "keyring": KeyringOffer(b"x"),
}


NOW = 1.5
"""The first probe has timed out by then, wherever in the first interval it began."""


def accepted() -> tuple[Engine, int]:
    """An accepted stream of PEER; its first word is to come."""
    engine = started(ME, None, PEER.record(5))
    stream = engine.new_stream()
    engine.handle_stream_opened(0.0, stream, PEER.id)
    return engine, stream


def join_checked() -> tuple[Engine, int]:
    """PEER said Join, and is being pinged."""
    engine, stream = accepted()
    engine.handle_stream_message(0.0, stream, WORDS["join"])
    return engine, stream


def joining() -> tuple[Engine, int]:
    """We dialled a join, and PEER's answer is to come."""
    engine = started(ME)
    stream, _ = engine.join(0.0, PEER.record(5).address)
    effects = engine.handle_stream_opened(0.0, stream, PEER.id)
    assert only(StreamSend, effects) == [StreamSend(stream, Join(Claim(engine.local.record)))]
    return engine, stream


def probing() -> tuple[Engine, int]:
    """A probe's last word: the pong is to come."""
    engine, stream = dialling()
    opened = engine.handle_stream_opened(NOW, stream, PEER.id)
    assert isinstance(only(StreamSend, opened)[0].message, StreamPing)
    return engine, stream


def dialling() -> tuple[Engine, int]:
    """A probe's last word: a stream is being opened."""
    engine = started(ME, None, PEER.record(5))
    dials: list[Dial] = []
    while not dials and (due := engine.next_deadline()) is not None:
        dials = only(Dial, engine.handle_timer(due))
    (dial,) = dials
    assert dial.purpose is Purpose.PING
    return engine, dial.stream


TAKEN = {
    accepted: {"ping", "root", "join"},
    join_checked: set[str](),
    joining: {"answer"},
    probing: {"pong"},
}


@pytest.mark.parametrize("situation", TAKEN)
@pytest.mark.parametrize("word", WORDS)
def test_stream_word_out_of_turn_is_malformed(situation, word: str) -> None:  # type: ignore[no-untyped-def]
    """Each situation takes its own words, and no other; nothing of them is merged."""
    engine, stream = situation()
    if word in TAKEN[situation]:
        engine.handle_stream_message(NOW, stream, WORDS[word])
        return
    root = engine.membership.hash.root
    with pytest.raises(MalformedMessage):
        engine.handle_stream_message(NOW, stream, WORDS[word])
    assert engine.membership.hash.root == root
    engine.handle_stream_closed(NOW, stream)
    assert len(engine.streams) == 0


def test_stream_word_on_a_stream_nobody_knows_is_nothing() -> None:
    """It was closed here a moment ago."""
    engine = started(ME)
    assert engine.handle_stream_message(0.0, 77, SyncEnd()) == []


def test_stream_join_with_anothers_record_is_malformed() -> None:
    """Neither in the question nor in the answer."""
    engine, stream = accepted()
    with pytest.raises(MalformedMessage, match="another's"):
        engine.handle_stream_message(0.0, stream, Join(Claim(SUBJECT.record(5))))
    engine, stream = joining()
    with pytest.raises(MalformedMessage, match="another's"):
        engine.handle_stream_message(0.0, stream, JoinAnswer(Claim(SUBJECT.record(5)), True))
    with pytest.raises(MalformedMessage, match="another's"):
        engine.handle_stream_message(0.0, stream, JoinAnswer(Claim(PEER.accuse(ME.id, 5)), True))


def test_stream_ping_is_answered_and_closed() -> None:
    """With the view hash."""
    engine, stream = accepted()
    effects = engine.handle_stream_message(0.0, stream, StreamPing(9))
    assert effects == [StreamSend(stream, StreamPong(9, engine.membership.hash.root)), StreamClose(stream)]


def test_stream_pong_saves_the_probe() -> None:
    """Nobody is accused, and the prober does not doubt itself."""
    engine, stream = probing()
    probe = engine.prober.current
    assert probe is not None
    engine.handle_stream_message(NOW, stream, StreamPong(probe.number, engine.membership.hash.root))
    assert engine.prober.current is None
    assert engine.counters.probe_failures == 0


@pytest.mark.parametrize("number", [0, 1 << 31])
def test_stream_pong_of_another_number_saves_nothing(number: int) -> None:
    """The number was drawn at random for this probe."""
    engine, stream = probing()
    engine.handle_stream_message(NOW, stream, StreamPong(number, 0))
    assert engine.prober.current is not None


def test_stream_opened_after_its_probe_was_over_is_closed() -> None:
    """A slow handshake: neither side must be left waiting for the other's first word."""
    engine, stream = dialling()
    probe = engine.prober.current
    assert probe is not None
    say(engine, NOW, Ack(probe.number, engine.membership.hash.root))
    assert engine.prober.current is None
    assert engine.handle_stream_opened(NOW, stream, PEER.id) == [StreamClose(stream)]
    assert len(engine.streams) == 0


def test_stream_that_failed_is_no_longer_waited_for() -> None:
    """Its number is not kept."""
    engine, stream = dialling()
    engine.handle_stream_closed(NOW, stream, None, "refused")
    assert engine.prober._dialled == set()


def test_streams_are_bounded() -> None:
    """One more than 256 is closed at once; those in conversation go on."""
    engine = started(ME, None, PEER.record(5))
    for _ in range(STREAMS_MAX):
        assert engine.handle_stream_opened(0.0, engine.new_stream(), PEER.id) == []
    extra = engine.new_stream()
    assert engine.handle_stream_opened(0.0, extra, PEER.id) == [StreamClose(extra)]
    assert len(engine.streams) == STREAMS_MAX


def test_join_answer_tells_whether_datagrams_reach() -> None:
    """The newcomer is pinged at its advertised address: silence is told, and so is an ack."""
    engine, stream = join_checked()
    (silent,) = only(StreamSend, advance(engine, 0.5))
    assert isinstance(silent.message, JoinAnswer)
    assert not silent.message.datagrams_reach
    engine, stream = accepted()
    effects = engine.handle_stream_message(0.0, stream, WORDS["join"])
    (ping,) = [message for message in said(effects, PEER.id) if isinstance(message, Ping)]
    (answer,) = only(StreamSend, say(engine, 0.1, Ack(ping.number, 0)))
    assert isinstance(answer.message, JoinAnswer)
    assert answer.message.datagrams_reach


def test_join_refused_or_broken_off_ends_with_its_reason() -> None:
    """JoinEnded comes once."""
    for refusal, reason in ((Refusal.NAME_IN_USE, ""), (None, "timed out")):
        engine = started(ME)
        stream, effects = engine.join(0.0, PEER.record(5).address)
        assert [dial.purpose for dial in only(Dial, effects)] == [Purpose.JOIN]
        ended = engine.handle_stream_closed(0.0, stream, refusal, reason)
        assert ended == [JoinEnded(stream, None, refusal, reason)]
        assert engine.handle_stream_closed(0.0, stream, refusal, reason) == []


def test_join_of_one_that_the_limit_keeps_out_is_broken_off() -> None:
    """Two were let through the handshake for one seat: the second must not believe that it is in."""
    engine = started(ME, Settings.lan(members_max=2), SUBJECT.record(5))
    stream = engine.new_stream()
    engine.handle_stream_opened(0.0, stream, PEER.id)
    assert StreamClose(stream) in engine.handle_stream_message(0.0, stream, WORDS["join"])
    assert status(engine, PEER) is None
    assert len(engine.streams) == 0


def test_sync_one_in_flight_with_each_peer_and_one_a_second() -> None:
    """Whoever disagrees."""
    engine = started(ME, None, PEER.record(5), SUBJECT.record(5))
    engine.core.rumors.drop(PEER.id)
    engine.core.rumors.drop(SUBJECT.id)
    engine.core.rumors.drop(ME.id)
    engine.core.quiet_since = 0.0
    streams = engine.streams
    streams.consider_hash(0.5, PEER.id, 1)
    assert only(Dial, engine.core.drain()) == []
    streams.consider_hash(2.0, PEER.id, engine.membership.hash.root)
    assert only(Dial, engine.core.drain()) == []
    streams.consider_hash(2.0, PEER.id, 1)
    streams.consider_hash(2.5, SUBJECT.id, 1)
    streams.consider_hash(4.0, PEER.id, 1)
    (dial,) = only(Dial, engine.core.drain())
    engine.handle_stream_closed(4.0, dial.stream, None, "timed out")
    streams.consider_hash(4.0, SUBJECT.id, 1)
    streams.consider_hash(4.5, PEER.id, 1)
    assert len(only(Dial, engine.core.drain())) == 1


def test_sync_is_begun_in_the_midst_of_more_rumors_than_gossip_can_tell() -> None:
    """One rumor is left to gossip; hundreds are told by a sync at once."""
    engine = started(ME, None, PEER.record(5))
    engine.streams.consider_hash(5.0, PEER.id, 1)
    assert only(Dial, engine.core.drain()) == []
    engine.core.spread(5.0, *(Claim(author(number).record(5)) for number in range(100, 120)))
    engine.streams.consider_hash(5.0, PEER.id, 1)
    assert [dial.purpose for dial in only(Dial, engine.core.drain())] == [Purpose.SYNC]


def test_sync_that_a_peer_does_not_finish_makes_its_hash_wait() -> None:
    """Two seconds, then four, ...; others are heeded meanwhile, and a finished one forgives."""
    engine = started(ME, None, PEER.record(5), SUBJECT.record(5))
    for id in (PEER.id, SUBJECT.id, ME.id):
        engine.core.rumors.drop(id)
    engine.core.quiet_since = 0.0
    streams, began = engine.streams, []
    for now in (2.0, 3.5, 4.5, 6.0, 8.0, 9.0):
        streams.consider_hash(now, PEER.id, int(now * 10))
        for dial in only(Dial, engine.core.drain()):
            began.append(now)
            engine.handle_stream_closed(now, dial.stream, None, "broken off")
    assert began == [2.0, 4.5, 9.0]
    streams.consider_hash(10.5, SUBJECT.id, 7)
    assert [dial.to for dial in only(Dial, engine.core.drain())] == [SUBJECT.id]


def test_streams_of_one_peer_leave_room_for_others() -> None:
    """One that opens them without end holds eight, not all."""
    engine = started(ME, None, PEER.record(5), SUBJECT.record(5))
    closed = []
    for _ in range(12):
        stream = engine.new_stream()
        closed += only(StreamClose, engine.handle_stream_opened(1.0, stream, PEER.id, Purpose.SYNC))
    assert len(closed) == 12 - PEER_STREAMS_MAX
    assert only(StreamClose, engine.handle_stream_opened(1.0, engine.new_stream(), SUBJECT.id, Purpose.SYNC)) == []


def quiet_pair() -> Engine:
    """Two peers whose views differ from ours, long after the last rumor."""
    engine = started(ME, None, PEER.record(5), SUBJECT.record(5))
    for who in (ME, PEER, SUBJECT):
        engine.core.rumors.drop(who.id)
    engine.core.quiet_since = -60.0
    engine.core.drain()
    return engine


def end_sync(engine: Engine, now: float, stream: int, peer: MemberId) -> None:
    """Let a sync end at once, without any news."""
    engine.handle_stream_opened(now, stream, peer)
    engine.handle_stream_message(now, stream, SyncEnd())


def test_sync_that_brought_nothing_is_not_repeated_for_the_same_two_views() -> None:
    """What one side does not admit stays apart; another view of that peer is another matter."""
    engine = quiet_pair()
    engine.streams.consider_hash(2.0, PEER.id, 1)
    (dial,) = only(Dial, engine.core.drain())
    end_sync(engine, 2.0, dial.stream, PEER.id)
    engine.streams.consider_hash(4.0, PEER.id, 1)
    assert only(Dial, engine.core.drain()) == []
    engine.streams.consider_hash(4.0, PEER.id, 2)
    assert only(Dial, engine.core.drain())


def test_sync_with_one_peer_does_not_settle_a_difference_with_another() -> None:
    """A second peer differed while the first sync was in flight: it has its own sync after that."""
    engine = quiet_pair()
    engine.streams.consider_hash(2.0, PEER.id, 1)
    (dial,) = only(Dial, engine.core.drain())
    engine.streams.consider_hash(2.1, SUBJECT.id, 2)
    end_sync(engine, 2.2, dial.stream, PEER.id)
    engine.core.drain()
    engine.streams.consider_hash(4.0, SUBJECT.id, 2)
    assert [dial.to for dial in only(Dial, engine.core.drain())] == [SUBJECT.id]


def test_sync_of_the_slow_timer_does_not_settle_one_that_broke_off() -> None:
    """The difference that it was started for was never looked at."""
    engine = quiet_pair()
    engine.streams.consider_hash(2.0, PEER.id, 1)
    (dial,) = only(Dial, engine.core.drain())
    engine.handle_stream_closed(2.0, dial.stream, None, "timed out")
    engine.streams.dial_sync(4.0, SUBJECT.id)
    (dial,) = only(Dial, engine.core.drain())
    end_sync(engine, 4.0, dial.stream, SUBJECT.id)
    engine.streams.consider_hash(6.0, PEER.id, 1)
    assert [dial.to for dial in only(Dial, engine.core.drain())] == [PEER.id]


def slow_syncs(agree: Callable[[float], int], periods: int) -> list[int]:
    """Tell in which periods a slow sync was dialled, where an ack a second shows what `agree` gives for a view hash."""
    engine = quiet_pair()
    dialled = []
    for period in range(periods):
        for second in range(30):
            engine.streams.consider_hash(period * 30.0 + second, PEER.id, agree(period) ^ engine.membership.hash.root)
            for dial in only(Dial, engine.core.drain()):
                engine.handle_stream_closed(period * 30.0 + second, dial.stream, None, "")
        engine.streams.handle_sync_timer(period * 30.0 + 29.5)
        for dial in only(Dial, engine.core.drain()):
            dialled.append(period)
            engine.handle_stream_opened(period * 30.0 + 29.5, dial.stream, dial.to or PEER.id)
            engine.handle_stream_message(period * 30.0 + 29.6, dial.stream, SyncEnd())
            engine.core.drain()
    return dialled


def test_slow_sync_is_left_out_nine_times_of_ten_while_all_agree() -> None:
    """What no view hash shows is found in the tenth; where the counting begins is each node's chance."""
    went_through = slow_syncs(lambda _: 0, 35)
    first = went_through[0]
    assert 0 <= first <= 9
    assert went_through == list(range(first, 35, 10))


def test_slow_sync_that_breaks_off_is_made_up_for_in_the_next_period() -> None:
    """A keyring that differs is not left for ten more periods because the one peer that was asked had no time."""
    engine = quiet_pair()
    dialled = []
    for period in range(22):
        now = period * 30.0
        engine.streams.consider_hash(now + 29.0, PEER.id, engine.membership.hash.root)
        engine.streams.handle_sync_timer(now + 29.5)
        for dial in only(Dial, engine.core.drain()):
            dialled.append(period)
            engine.handle_stream_closed(now + 29.6, dial.stream, Refusal.BUSY)
    assert dialled == list(range(dialled[0], 22))


def test_slow_sync_goes_through_where_somebody_disagrees() -> None:
    """Within half a period before."""
    assert slow_syncs(lambda period: int(period) % 2, 6) == [1, 3, 5]


@pytest.mark.parametrize("word", ["ping", "join", "root"])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_stream_begins_with_what_it_was_judged_for(word: str, purpose: Purpose) -> None:
    """A stream opened to sync cannot join past the check of names, nor any other way round."""
    engine = started(ME, None, PEER.record(5))
    stream = engine.new_stream()
    engine.handle_stream_opened(0.0, stream, PEER.id, purpose)
    fits = {"ping": [Purpose.PING], "join": [Purpose.JOIN, Purpose.INVITE], "root": [Purpose.SYNC]}
    if purpose in fits[word]:
        assert engine.handle_stream_message(0.0, stream, WORDS[word])
        return
    with pytest.raises(MalformedMessage, match="another purpose"):
        engine.handle_stream_message(0.0, stream, WORDS[word])
