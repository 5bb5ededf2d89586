"""What a word about who is out does to one engine, in each state of its subject, and what it does to a sync."""

import pytest

from protocol.error import InvalidRequest
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.candidate import Candidate
from protocol.swim.deadline import Timer
from protocol.swim.effect import (
    ChangeKind,
    Contact,
    Dial,
    ForgetContact,
    JoinEnded,
    RevocationTaken,
    Send,
    StreamClose,
    StreamSend,
    StreamVerdict,
)
from protocol.swim.engine import Engine
from protocol.swim.reception import REVOCATIONS_BURST
from protocol.swim.revocations import revocation_rank
from protocol.ulid import MemberId
from protocol.wire.message import (
    Claim,
    Packet,
    Ping,
    SyncClaims,
    SyncRoot,
    SyncSummaries,
)
from protocol.wire.statement import VERSION_MAX, Revocation, decode_statement
from tests.protocol.swim.bench import (
    ACCUSER,
    FIRST,
    ME,
    PEER,
    SUBJECT,
    changes,
    kinds,
    make_engine,
    only,
    said,
    started,
    status,
    tell,
    told,
)
from tests.protocol.wire.sample import HOME, author

NOW = 1.0
ABOUT = SUBJECT.id
OUT, OLDER, NEWER, BACK = (
    PEER.revoke(ABOUT, 10),
    PEER.revoke(ABOUT, 9),
    ACCUSER.revoke(ABOUT, 11),
    PEER.revoke(ABOUT, 11, revoked=False),
)
LEAVE, REAP, JOIN = ChangeKind.LEAVE, ChangeKind.REAP, ChangeKind.JOIN


def in_state(state: str) -> Engine:
    """Give an engine in whose list the subject is in a state."""
    engine = started(ME, None, PEER.record(FIRST), ACCUSER.record(FIRST))
    if state != "unknown":
        tell(engine, 0.5, SUBJECT.record(FIRST))
    if state in ("suspect", "failed", "evicted", "reaped"):
        tell(engine, 0.5, ACCUSER.accuse(ABOUT, FIRST))
    if state in ("failed", "evicted", "reaped"):
        engine.verdicts.handle_timer(0.5, ABOUT)
        engine.core.timers.disarm(Timer.SUSPICION, ABOUT)  # it was served
    if state == "evicted":
        tell(engine, 0.5, PEER.evict(ABOUT, FIRST))
    if state == "reaped":
        member = engine.membership.get(ABOUT)
        assert member is not None
        engine.reception._forget(0.5, member, 0.5)
    if state == "gone":
        tell(engine, 0.5, SUBJECT.record(FIRST, goodbye=True))
    if state in ("out", "back"):
        tell(engine, 0.5, OUT)
    if state == "back":
        tell(engine, 0.5, BACK)
    engine.core.drain()
    return engine


# --- every state, every word --------------------------------------------------------------------

PUT_OUT: dict[str, list[ChangeKind]] = {
    "unknown": [],
    "alive": [LEAVE, REAP],
    "suspect": [LEAVE, REAP],
    "failed": [LEAVE, REAP],
    "evicted": [LEAVE, REAP],
    "gone": [REAP],
    "reaped": [],
    "out": [],
    "back": [],
}
"""What listeners hear when a member is put out."""


@pytest.mark.parametrize("state", PUT_OUT)
def test_revoked_member_is_off_everything(state: str) -> None:
    """List, hash, names, address book, timers and rumors: nothing of it is left, and no seat is taken."""
    engine = in_state(state)
    effects = tell(engine, NOW, NEWER)
    assert only(RevocationTaken, effects) == [RevocationTaken(NEWER)]
    assert kinds(effects) == PUT_OUT[state]
    assert status(engine) is None
    assert engine.membership.find("n3") is None
    assert engine.core.book.get(ABOUT) is None
    assert engine.core.address(ABOUT) is None
    assert engine.membership.revocations.bars(ABOUT)
    assert [key for key in engine.core.rumors._sent if key[0] == ABOUT] == []
    assert all(about != ABOUT for _, about in engine.core.timers._armed)
    clean = started(ME, None, PEER.record(FIRST), ACCUSER.record(FIRST), NEWER)
    assert engine.membership.hash.root == clean.membership.hash.root
    assert engine.membership.seats_taken == 3
    assert [effect.id for effect in only(ForgetContact, effects)] == (
        [ABOUT] if state not in ("unknown", "gone", "out", "back") else []
    )


@pytest.mark.parametrize("state", [state for state, told_ in PUT_OUT.items() if told_])
def test_revoked_member_is_said_to_have_left_by_whom(state: str) -> None:
    """Whoever watches reads who did it; the last that is shown is that it left."""
    engine = in_state(state)
    heard = changes(tell(engine, NOW, NEWER), ABOUT)
    for change in heard:
        assert change.evidence is not None
        assert (change.evidence.by, change.evidence.note) == (ACCUSER.id, "revoked")
    assert {change.status for change in heard} == {Status.LEFT}


STATES = list(PUT_OUT)
WORDS: dict[str, Revocation] = {"older": OLDER, "out": OUT, "newer": NEWER, "back": BACK}
HELD: dict[str, dict[str, Revocation]] = {
    **{state: dict(WORDS) for state in STATES if state not in ("out", "back")},
    "out": {"older": OUT, "out": OUT, "newer": NEWER, "back": BACK},
    "back": {"older": BACK, "out": BACK, "newer": NEWER, "back": BACK},
}
"""What is held after each word, in each state: of one version out beats in."""
CELLS = [(state, word) for state in STATES for word in WORDS]


@pytest.mark.parametrize(("state", "word"), CELLS, ids=[f"{state}-{word}" for state, word in CELLS])
def test_revocation_word_in_each_state(state: str, word: str) -> None:
    """What is held, whether it is news, and that its subject is on the list only if it is not out."""
    engine = in_state(state)
    before, on_list = engine.membership.revocations.get(ABOUT), status(engine)
    effects = tell(engine, NOW, WORDS[word])
    held = HELD[state][word]
    assert engine.membership.revocations.get(ABOUT) == held
    news = held != before
    assert only(RevocationTaken, effects) == ([RevocationTaken(held)] if news else [])
    assert status(engine) is (None if held.revoked else on_list)
    root = engine.membership.hash.root
    assert only(RevocationTaken, tell(engine, NOW, WORDS[word])) == []
    assert engine.membership.hash.root == root


@pytest.mark.parametrize(
    ("state", "word", "better"), [("out", "older", OUT), ("back", "older", BACK), ("back", "out", BACK)]
)
def test_revocation_stale_word_is_answered_with_what_beats_it(state: str, word: str, better: Revocation) -> None:
    """Once per probe interval and subject."""
    engine = in_state(state)
    engine.core.rumors.drop(None)  # type: ignore[arg-type]  # what is not about a membership
    assert told(tell(engine, NOW, WORDS[word]), PEER.id) == [better]
    assert told(tell(engine, NOW + 0.1, WORDS[word]), PEER.id) == []
    assert engine.counters.corrections == 1


def test_revocation_that_is_held_is_not_answered() -> None:
    """Who says the same needs no correction."""
    engine = in_state("out")
    assert told(tell(engine, NOW, OUT), PEER.id) == []
    assert engine.counters.corrections == 0


# --- what the revoked may still do --------------------------------------------------------------


@pytest.mark.parametrize("age", [0, 1, 1_000])
@pytest.mark.parametrize("goodbye", [True, False])
@pytest.mark.parametrize("way", ["gossip", "introduction"])
def test_revoked_members_record_is_refused(way: str, goodbye: bool, age: int) -> None:
    """Of any incarnation, alive or goodbye, whoever brings it; nothing goes back to it."""
    engine = in_state("out")
    root, record = engine.membership.hash.root, SUBJECT.record(FIRST + age, goodbye=goodbye)
    if way == "gossip":
        effects = tell(engine, NOW, record)
    else:
        effects = engine.handle_introduced(NOW, ABOUT, Packet((Ping(1),)), record)
    assert status(engine) is None
    assert engine.membership.hash.root == root
    assert said(effects, ABOUT) == []
    assert told(effects, ABOUT) == []
    assert engine.counters.claims_refused == 1
    assert changes(effects) == []


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("dialled", [True, False])
def test_revoked_peer_is_refused_at_the_door(purpose: Purpose, dialled: bool) -> None:
    """Whoever dialled, for whatever."""
    engine = in_state("out")
    candidate = Candidate(ABOUT, SUBJECT.key, "n3", "", HOME, purpose)
    effects = engine.handle_stream_proposed(NOW, 7, candidate, dialled=dialled)
    assert only(StreamVerdict, effects) == [StreamVerdict(7, Refusal.REVOKED)]


def test_revoked_peers_streams_are_closed() -> None:
    """Those it opened, and those it was dialled on; of others none."""
    engine = in_state("alive")
    theirs, others = engine.new_stream(), engine.new_stream()
    engine.handle_stream_opened(NOW, theirs, ABOUT, Purpose.SYNC)
    engine.handle_stream_opened(NOW, others, PEER.id, Purpose.SYNC)
    engine.streams.dial_sync(NOW, ABOUT)
    (dial,) = only(Dial, engine.core.drain())
    effects = tell(engine, NOW, OUT)
    assert {effect.stream for effect in only(StreamClose, effects)} == {theirs, dial.stream}
    assert len(engine.streams) == 1
    assert engine.handle_stream_message(NOW, theirs, SyncRoot(1, bytes(8))) == []


def test_revoked_peers_join_ends_with_the_reason() -> None:
    """This node was joining through it."""
    engine = started(ME)
    stream, _ = engine.join(0.0, HOME)
    engine.handle_stream_opened(0.0, stream, ABOUT)
    ended = only(JoinEnded, tell(engine, NOW, OUT))
    assert [(end.peer, end.refusal) for end in ended] == [(None, Refusal.REVOKED)]


@pytest.mark.parametrize("dialled", [True, False])
def test_revoked_peers_stream_that_opens_too_late_is_closed(dialled: bool) -> None:
    """It was judged before it was put out, and withheld the end of its handshake until after."""
    engine = in_state("alive")
    stream = engine.new_stream()
    if dialled:
        engine.streams.dial_sync(NOW, ABOUT)
        stream = only(Dial, engine.core.drain())[0].stream
    candidate = Candidate(ABOUT, SUBJECT.key, "n3", "", HOME, Purpose.SYNC)
    effects = engine.handle_stream_proposed(NOW, stream, candidate, dialled=dialled)
    assert only(StreamVerdict, effects) == [StreamVerdict(stream, None)]
    tell(engine, NOW, OUT)
    effects = engine.handle_stream_opened(NOW, stream, ABOUT, None if dialled else Purpose.SYNC)
    assert only(StreamClose, effects) == [StreamClose(stream)]
    assert len(engine.streams) == 0
    assert engine.handle_stream_message(NOW, stream, SyncRoot(1, bytes(8))) == []


def test_revoked_peer_gets_nothing_more_on_the_stream_that_brought_the_word() -> None:
    """It told of its own revocation in a sync: what follows on that stream is its close, once."""
    engine = in_state("alive")
    stream = engine.new_stream()
    engine.handle_stream_opened(NOW, stream, ABOUT, Purpose.SYNC)
    engine.handle_stream_message(NOW, stream, SyncRoot(1, bytes(8)))
    engine.handle_stream_message(NOW, stream, SyncSummaries(b"", (), True))
    effects = engine.handle_stream_message(NOW, stream, SyncClaims((Claim(OUT),), (), (), True))
    assert [effect for effect in effects if isinstance(effect, StreamSend | StreamClose)] == [StreamClose(stream)]


def test_revoked_newcomer_whose_record_came_first_is_removed() -> None:
    """In one packet, in either order."""
    for claims in ((SUBJECT.record(FIRST), OUT), (OUT, SUBJECT.record(FIRST))):
        engine = in_state("unknown")
        engine.handle_packet(NOW, PEER.id, Packet((), tuple(Claim(statement) for statement in claims)))
        assert status(engine) is None
        assert engine.membership.live_count == 3


def test_revoked_contact_on_disk_is_not_tried() -> None:
    """The process ended between the two writes."""
    engine = make_engine()
    contact = Contact.of(SUBJECT.record(FIRST))
    engine.start(0.0, [contact, Contact.of(PEER.record(FIRST))], revocations=[OUT])
    asked: set[MemberId] = set()
    while (due := engine.next_deadline()) is not None and due < 20.0:
        asked |= {send.to for send in only(Send, engine.handle_timer(due))}
    assert asked == {PEER.id}


def test_revoked_probe_target_is_no_failed_probe() -> None:
    """The probe under way comes to nothing: the prober neither accuses nor doubts itself."""
    engine = started(ME, None, SUBJECT.record(FIRST))
    now = 0.0
    while engine.prober.current is None:
        now = engine.next_deadline() or 0.0
        engine.handle_timer(now)
    tell(engine, now, OUT)
    while (due := engine.next_deadline()) is not None and due < now + 5.0:
        engine.handle_timer(due)
    assert engine.core.awareness.score == 0
    assert status(engine) is None


# --- telling ------------------------------------------------------------------------------------


def test_revoked_member_hears_of_it_from_the_issuer() -> None:
    """Before its key and address are gone; and the key is at hand when the datagram is sealed."""
    engine = in_state("alive")
    raw = engine.sign_revocation(ABOUT, 1_000, revoked=True)
    word = decode_statement(raw)
    assert isinstance(word, Revocation)
    assert (word.issuer, word.issuer_key, word.version) == (ME.id, ME.key, 1_000)
    assert status(engine) is Status.ALIVE
    effects = engine.take_revocation(NOW, word)
    assert told(effects, ABOUT) == [word]
    assert engine.public_key(ABOUT) == SUBJECT.key
    assert status(engine) is None


def test_revoked_contact_that_was_reaped_hears_of_it_too() -> None:
    """It is off the list, but still in the address book: what is sent to it can be sealed."""
    engine = in_state("reaped")
    word = decode_statement(engine.sign_revocation(ABOUT, 1_000, revoked=True))
    assert isinstance(word, Revocation)
    effects = engine.take_revocation(NOW, word)
    assert told(effects, ABOUT) == [word]
    assert engine.public_key(ABOUT) == SUBJECT.key


def test_revocation_is_told_on_by_all_who_hear_of_it() -> None:
    """As a rumor, which no record of its subject replaces."""
    engine = in_state("alive")
    tell(engine, NOW, OUT)
    tell(engine, NOW, SUBJECT.record(FIRST + 1))
    engine.core.gossip(NOW)
    assert OUT in told(engine.core.drain(), PEER.id)


def test_revocation_of_an_id_nobody_knows_is_held() -> None:
    """And told on; should it come, it stays out."""
    engine = in_state("unknown")
    effects = tell(engine, NOW, OUT)
    assert only(RevocationTaken, effects) == [RevocationTaken(OUT)]
    assert told(effects, ABOUT) == []
    assert len(engine.core.rumors) > 0
    tell(engine, NOW, SUBJECT.record(FIRST))
    assert status(engine) is None


def test_revocation_of_oneself_or_beyond_the_largest_is_not_signed() -> None:
    """One clear sentence, and nothing changes."""
    engine = in_state("alive")
    with pytest.raises(InvalidRequest, match="leaves"):
        engine.sign_revocation(ME.id, 1_000, revoked=True)
    tell(engine, NOW, PEER.revoke(ABOUT, VERSION_MAX))
    with pytest.raises(InvalidRequest, match="nothing can follow"):
        engine.sign_revocation(ABOUT, 1_000, revoked=False)


def test_revocation_signed_here_follows_the_word_that_is_held() -> None:
    """Though that is dated ahead of this node's clock."""
    engine = in_state("out")
    word = decode_statement(engine.sign_revocation(ABOUT, 3, revoked=False))
    assert isinstance(word, Revocation)
    assert word.version == OUT.version + 1
    engine.take_revocation(NOW, word)
    assert not engine.membership.revocations.bars(ABOUT)


# --- budgets ------------------------------------------------------------------------------------


def words_about_many(count: int, version: int = 1) -> list[Revocation]:
    """Give words about ids that nobody knows."""
    return [PEER.revoke(author(5_000 + number).id, version) for number in range(count)]


def take(engine: Engine, now: float, said_: list[Revocation]) -> int:
    """Let gossip bring words; tell how many were taken."""
    return sum(len(only(RevocationTaken, tell(engine, now, word))) for word in said_)


def test_revocations_by_gossip_have_a_budget() -> None:
    """256 at once, then 8 per probe interval; what is known costs nothing."""
    engine = in_state("alive")
    said_ = words_about_many(REVOCATIONS_BURST + 50)
    assert take(engine, NOW, said_) == REVOCATIONS_BURST
    assert take(engine, NOW, said_[:REVOCATIONS_BURST]) == 0
    assert take(engine, NOW + 1.0, said_[REVOCATIONS_BURST:]) == 8


def test_revocations_of_one_version_have_a_budget_too() -> None:
    """Whoever signs one word again and again can say it in the order in which each beats the one before."""
    engine = in_state("alive")
    said_ = [PEER.revoke(ABOUT, 10, salt=b"%d" % number) for number in range(2_000)]
    assert take(engine, NOW, sorted(said_, key=revocation_rank)) <= REVOCATIONS_BURST
