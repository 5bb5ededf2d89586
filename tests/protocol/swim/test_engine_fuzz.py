"""Anything well formed, in any order, at any time: no exception, and what must hold holds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.error import MalformedMessage
from protocol.purpose import Purpose
from protocol.status import Status
from protocol.swim.admission import Terms
from protocol.swim.candidate import Candidate
from protocol.swim.census import Census
from protocol.swim.effect import Dial, Effect, PersistReserve, Send
from protocol.swim.engine import Engine
from protocol.swim.settings import Settings
from protocol.swim.view_hash import ViewHash, entry_mark
from protocol.wire.codec import PACKET_SIZE_MAX, decode_packet, encode_packet
from protocol.wire.message import (
    Ack,
    Claim,
    Forgotten,
    Join,
    JoinAnswer,
    KeyringOffer,
    Message,
    Nack,
    NoSeat,
    Packet,
    Ping,
    PingReq,
    StreamMessage,
    StreamPing,
    StreamPong,
    Summary,
    SyncBuckets,
    SyncClaims,
    SyncEnd,
    SyncRoot,
    SyncSummaries,
    Topic,
)
from protocol.wire.statement import INCARNATION_MAX, Revocation, Statement, decode_statement
from tests.protocol.swim.bench import FIRST, ME, make_engine
from tests.protocol.wire.sample import Author, author, open_any

PEOPLE = [author(index) for index in range(1, 7)]  # ME among them
OPERATOR = author(200)

who = st.sampled_from(PEOPLE)
incarnations = st.sampled_from([FIRST - 1, FIRST, FIRST, FIRST + 1, FIRST + 2, FIRST + 9, INCARNATION_MAX])
ages = st.sampled_from([0, 0, 0, 5, 3_600, 86_400, 10**9])
numbers = st.integers(0, 3)
statements: st.SearchStrategy[Statement] = st.one_of(
    st.builds(
        lambda w, i, g, s, name: w.record(i, goodbye=g, start=s, name=name),
        who,
        incarnations,
        st.booleans(),
        st.integers(1, 2),
        st.sampled_from([None, "twin", "other"]),
    ),
    st.builds(lambda w, s, i: w.accuse(s.id, i), who, who, incarnations),
    st.builds(lambda w, s, i, p: w.evict(s.id, i, prune=p), who, who, incarnations, st.booleans()),
    st.builds(
        lambda w, s, v, r: w.revoke(s.id, v, revoked=r), st.just(OPERATOR), who, st.integers(1, 4), st.booleans()
    ),
)
claims = st.builds(Claim, statements, ages)
some_claims = st.lists(claims, max_size=4).map(tuple)
ids = who.map(lambda w: w.id)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Ping, numbers),
    st.builds(Ack, numbers, numbers),
    st.builds(PingReq, numbers, ids, st.sampled_from([0, 1, 500, 600_000])),
    st.builds(Nack, numbers),
    st.builds(Forgotten, ids, incarnations),
    st.builds(KeyringOffer, st.just(b"x")),
    st.builds(NoSeat, ids),
)
topics = st.sampled_from(Topic)
packets = st.builds(Packet, st.lists(messages, max_size=3).map(tuple), some_claims)
stream_messages: st.SearchStrategy[StreamMessage] = st.one_of(
    st.builds(StreamPing, numbers),
    st.builds(StreamPong, numbers, numbers),
    st.builds(Join, claims),
    st.builds(JoinAnswer, claims, st.booleans()),
    st.builds(SyncRoot, numbers, st.just(bytes(8))),
    st.just(SyncBuckets(bytes(2_048))),
    st.builds(
        SyncSummaries,
        st.just(bytes(range(256))),
        st.lists(st.builds(Summary, topics, ids, incarnations, numbers), max_size=4).map(tuple),
        st.booleans(),
    ),
    st.builds(
        SyncClaims,
        some_claims,
        st.lists(st.tuples(topics, ids), max_size=3).map(tuple),
        st.lists(st.tuples(ids, incarnations, ages), max_size=2).map(tuple),
        st.booleans(),
    ),
    st.just(SyncEnd()),
)

steps = st.one_of(
    st.tuples(st.just("packet"), who, packets),
    st.tuples(st.just("opened"), who, st.integers(1, 6), st.sampled_from([None, *Purpose])),
    st.tuples(st.just("proposed"), who, st.integers(1, 6), st.sampled_from(Purpose), st.booleans()),
    st.tuples(st.just("revoke"), who, st.booleans()),
    st.tuples(st.just("stream"), st.integers(1, 6), stream_messages),
    st.tuples(st.just("closed"), st.integers(1, 6)),
    st.tuples(st.just("time"), st.sampled_from([0.01, 0.3, 1.0, 7.0, 40.0, 90_000.0])),
    st.tuples(st.just("force"), who, st.booleans()),
    st.tuples(st.sampled_from(["join", "invite", "leave", "tags", "terms"])),
)


def operate(engine: Engine, now: float, step: tuple[object, ...]) -> list[Effect]:
    """Do what an operator asks of the node."""
    match step:
        case ("force", subject, bool(prune)):
            return engine.force_leave(now, subject.id, prune=prune)  # type: ignore[attr-defined]
        case ("join",):
            return engine.join(now, PEOPLE[1].record().address)[1]
        case ("leave",):
            return engine.leave(now)
        case ("tags",):
            return engine.set_tags(now, {"at": str(now)}, ())
        case ("revoke", Author() as subject, bool(revoked)) if subject.id != ME.id:
            statement = decode_statement(engine.sign_revocation(subject.id, int(now), revoked=revoked))
            assert isinstance(statement, Revocation)
            return engine.take_revocation(now, statement)
        case ("invite",):
            return engine.invite(now, PEOPLE[1].record().address)[1]
        case ("terms",):
            engine.change_terms(Terms("", int(now) % 8, expired=int(now) % 2 == 1))
    return []


def act(engine: Engine, now: float, step: tuple[object, ...]) -> list[Effect]:
    """Do one step; what a stream refuses closes it, as the shell does."""
    match step:
        case ("packet", sender, Packet() as packet):
            return engine.handle_packet(now, sender.id, packet)  # type: ignore[attr-defined]
        case ("opened", Author() as peer, int(stream), purpose):
            return engine.handle_stream_opened(now, stream, peer.id, purpose)  # type: ignore[arg-type]
        case ("proposed", Author() as peer, int(stream), Purpose() as purpose, bool(dialled)):
            candidate = Candidate(peer.id, peer.key, "twin", "", PEOPLE[1].record().address, purpose)
            return engine.handle_stream_proposed(now, stream, candidate, dialled=dialled)
        case ("stream", int(stream), message):
            try:
                return engine.handle_stream_message(now, stream, message)  # type: ignore[arg-type]
            except MalformedMessage:
                return engine.handle_stream_closed(now, stream)
        case ("closed", int(stream)):
            return engine.handle_stream_closed(now, stream, None, "reset")
    return operate(engine, now, step)


def check(engine: Engine, effects: list[Effect]) -> None:
    """Look for what must never be."""
    own = engine.own_member
    assert own.status is (Status.LEFT if engine.local.goodbye else Status.ALIVE)
    assert own.record is engine.local.record
    scratch = ViewHash()
    for member in engine.membership:
        scratch.replace(member.id, 0, entry_mark(member.entry))
    for line in engine.membership.revocations.summaries(bytes(range(256))):
        scratch.replace(line.id, 0, line.mark)
        if engine.membership.revocations.bars(line.id) and line.id != ME.id:
            assert engine.membership.get(line.id) is None
            assert engine.core.book.get(line.id) is None
    assert engine.membership.hash.root == scratch.root
    failed = [member for member in engine.membership if member.status is Status.FAILED]
    doomed = [m for m in engine.membership if m.is_live and m.entry.eviction and m.entry.accusations]
    assert engine.membership.seats_taken == engine.membership.live_count + len(failed) - len(doomed)
    assert set(engine.membership.live_ids()) == {m.id for m in engine.membership if m.is_live}
    for name in {member.record.name for member in engine.membership}:
        bearers = [member for member in engine.membership if member.record.name == name]
        bearers.sort(key=lambda member: (not member.is_live, member.id))
        assert engine.membership.names.ids(name) == tuple(member.id for member in bearers)
        assert [engine.membership.shown_name(member) for member in bearers].count(name) == 1
    for effect in effects:
        if isinstance(effect, Send):
            data = encode_packet(effect.packet)
            assert len(data) <= PACKET_SIZE_MAX - 100
            assert decode_packet(data, open_any) == effect.packet
            assert effect.to != ME.id
        if isinstance(effect, Dial):
            assert effect.to != ME.id
        if isinstance(effect, PersistReserve):
            assert effect.incarnation <= INCARNATION_MAX


@given(st.lists(steps, min_size=5, max_size=40), st.integers(0, len(PEOPLE)))
@settings(max_examples=200, deadline=None)
def test_engine_survives_anything_well_formed(plan: list[tuple[object, ...]], counted: int) -> None:
    """No exception but MalformedMessage on a stream; own row, hash and live list are right after each step.

    With a census to begin with, or without; it is the same at the end.
    """
    census = Census.of([person.record(FIRST) for person in PEOPLE[:counted]], Settings.local())
    before = repr(census)
    engine = make_engine(settings=Settings.local(), census=census)
    effects = engine.start(0.0)
    now, incarnation = 0.0, FIRST
    for step in plan:
        if step[0] == "time":
            end = now + float(step[1])  # type: ignore[arg-type]
            for _ in range(400):
                due = engine.next_deadline()
                if due is None or due > end:
                    break
                now = max(now, due)
                effects += engine.handle_timer(now)
            now = max(now, end)
        else:
            effects += act(engine, now, step)
        check(engine, effects)
        assert engine.local.incarnation >= incarnation
        incarnation = engine.local.incarnation
        effects = []
    assert repr(census) == before
    assert all(not row.evidence for row in census.rows.values())
