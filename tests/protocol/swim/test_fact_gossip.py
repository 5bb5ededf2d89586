"""What members hear of each other's facts: what is taken, answered, passed on and refused, and what goes before."""

from protocol.swim.core import FACT_RUMOR_SIZE_MAX, FACT_RUMORS_MAX
from protocol.swim.effect import Effect, FactTaken, Send
from protocol.swim.engine import Engine
from protocol.swim.fact_keeper import FACTS_BURST
from protocol.swim.sync import Stage, SyncExchange
from protocol.ulid import MemberId
from protocol.wire.codec import decode_stream_message, encode_packet, encode_stream_message, encoded_claim_size
from protocol.wire.fact import Fact
from protocol.wire.message import Claim, Packet, StreamMessage
from protocol.wire.statement import statement_digest
from tests.protocol.swim.bench import ME, PEER, SUBJECT, advance, only, started, tell, told
from tests.protocol.wire.fact_sample import sign_fact, sign_horizon
from tests.protocol.wire.sample import Author, author, open_any

T = 1_700_000_000_000
STRANGER = author(9)


def engine_that_knows() -> Engine:
    """Give an engine with a peer and an owner of facts; nothing is queued to be told."""
    engine = started(ME, None, PEER.record(), SUBJECT.record())
    engine.core.rumors._sent.clear()
    engine.core.rumors._classes[:] = [{}]
    engine.core.rumors._by_subject.clear()
    engine.core.rumors.size = 0
    return engine


def taken(effects: list[Effect]) -> list[Fact | None]:
    """Give what whoever listens was told of facts."""
    return [effect.fact for effect in only(FactTaken, effects)]


def held(engine: Engine, who: Author = SUBJECT) -> set[bytes]:
    """Give all that is held of one, raw."""
    return {fact.raw for fact in engine.membership.facts.of(who.id).values()}


# --- taking -----------------------------------------------------------------------------------------


def test_fact_of_a_member_is_taken_told_and_passed_on() -> None:
    """Once; a second time it is known."""
    engine = engine_that_knows()
    fact = sign_fact(SUBJECT, b"web", T, b"80")
    assert taken(tell(engine, 1.0, fact)) == [fact]
    assert len(engine.core.fact_rumors) == 1
    assert tell(engine, 1.1, fact) == []
    assert held(engine) == {fact.raw}


def test_fact_of_one_that_is_not_on_the_list_is_ignored() -> None:
    """Nothing is held or passed on, and a record that comes later does not bring it."""
    engine = engine_that_knows()
    root = engine.membership.hash.root
    assert tell(engine, 1.0, sign_fact(STRANGER, b"web", T, b"80")) == []
    assert (len(engine.membership.facts), engine.membership.hash.root) == (0, root)
    tell(engine, 1.0, STRANGER.record())
    assert held(engine, STRANGER) == set()


def test_fact_in_one_packet_with_its_owners_record_is_taken() -> None:
    """In whatever packet a newcomer is told, its record stands first."""
    engine = engine_that_knows()
    fact = sign_fact(STRANGER, b"web", T, b"80")
    engine.handle_packet(1.0, PEER.id, Packet((), (Claim(STRANGER.record()), Claim(fact))))
    assert held(engine, STRANGER) == {fact.raw}


def test_stale_fact_is_answered_with_what_beats_it_once_per_interval() -> None:
    """A later one, or the horizon; to each sender, of each key."""
    engine = engine_that_knows()
    new, horizon = sign_fact(SUBJECT, b"web", T + 9, b"81"), sign_horizon(SUBJECT, T + 5)
    old, gone = sign_fact(SUBJECT, b"web", T + 6, b"80"), sign_fact(SUBJECT, b"db", T, b"1")
    for fact in (new, horizon):
        tell(engine, 1.0, fact)
    advance(engine, 20.0)
    assert told(tell(engine, 20.0, old), PEER.id) == [new]
    assert told(tell(engine, 20.1, gone), PEER.id) == [horizon]
    assert told(tell(engine, 20.2, old), PEER.id) == []
    assert told(tell(engine, 20.2, old, sender=SUBJECT), SUBJECT.id) == [new]
    assert told(tell(engine, 21.1, old), PEER.id) == [new]


def test_fact_that_is_gone_with_its_horizon_is_not_told_twice() -> None:
    """Whoever listens hears of the horizon alone, and concludes what it takes away."""
    engine = engine_that_knows()
    facts = [sign_fact(SUBJECT, b"%d" % n, T + n, b"v") for n in range(5)]
    for fact in facts:
        tell(engine, 1.0, fact)
    horizon = sign_horizon(SUBJECT, T + 3)
    assert taken(tell(engine, 1.0, horizon)) == [horizon]
    assert held(engine) == {facts[4].raw, horizon.raw}


# --- budgets ----------------------------------------------------------------------------------------


def test_news_of_one_owner_from_gossip_has_a_budget() -> None:
    """Beyond it nothing is taken, until time has passed; others are not concerned, nor is what is held."""
    engine = engine_that_knows()
    for n in range(FACTS_BURST + 50):
        tell(engine, 1.0, sign_fact(SUBJECT, b"web", T + n, b"v"))
    (fact,) = engine.membership.facts.of(SUBJECT.id).values()
    assert fact.version == T + FACTS_BURST - 1
    assert taken(tell(engine, 1.0, sign_fact(PEER, b"web", T, b"v")))
    assert not taken(tell(engine, 1.0, sign_fact(SUBJECT, b"web", T + 9_000, b"v")))
    assert taken(tell(engine, 1.2, sign_fact(SUBJECT, b"web", T + 9_001, b"v")))


def test_equivocator_has_no_more_than_its_budget() -> None:
    """Facts of one version, each of a larger digest than the one before, are news as any other."""
    engine = engine_that_knows()
    rising = [sign_fact(SUBJECT, b"web", T, b"v%d" % n) for n in range(FACTS_BURST + 200)]
    rising.sort(key=statement_digest)
    count = sum(bool(taken(tell(engine, 1.0, fact))) for fact in rising)
    assert count <= FACTS_BURST + 1


def test_old_facts_behind_a_horizon_spend_nothing() -> None:
    """Whoever replays them does not keep the owner's news from being heard."""
    engine = engine_that_knows()
    tell(engine, 1.0, sign_horizon(SUBJECT, T + 100_000))
    for n in range(FACTS_BURST + 50):
        tell(engine, 1.0, sign_fact(SUBJECT, b"%d" % n, T + n, b"v"))
    fact = sign_fact(SUBJECT, b"web", T + 200_000, b"v")
    assert taken(tell(engine, 1.0, fact)) == [fact]


# --- passing on -------------------------------------------------------------------------------------


def gossip(engine: Engine, until: float) -> list[Send]:
    """Let time pass, and give what was sent."""
    return only(Send, advance(engine, until))


def test_large_fact_is_not_gossiped() -> None:
    """It would not fit a datagram; one that just fits goes out."""
    engine = engine_that_knows()
    room = FACT_RUMOR_SIZE_MAX - len(sign_fact(SUBJECT, b"k", T, bytes(1_000)).raw) + 1_000
    fits, large = sign_fact(SUBJECT, b"k", T, bytes(room)), sign_fact(SUBJECT, b"l", T + 1, bytes(room + 1))
    for fact in (fits, large):
        tell(engine, 1.0, fact)
    assert held(engine) == {fits.raw, large.raw}
    said = {claim.statement for send in gossip(engine, 5.0) for claim in send.packet.claims}
    assert fits in said
    assert large not in said


def test_members_come_first_and_facts_fill_what_is_left() -> None:
    """No record or accusation waits for a fact; no datagram grows beyond its size."""
    engine = engine_that_knows()
    for n in range(60):
        tell(engine, 1.0, sign_fact(SUBJECT, b"%d" % n, T + n, bytes(150)))
    newcomers = [author(n).record() for n in range(20, 24)]
    engine.handle_packet(1.0, PEER.id, Packet((), tuple(Claim(record) for record in newcomers)))
    first = next(send for send in gossip(engine, 1.5) if send.packet.claims)
    kinds = [isinstance(claim.statement, Fact) for claim in first.packet.claims]
    assert kinds == sorted(kinds)
    assert set(newcomers) <= {claim.statement for claim in first.packet.claims}
    assert len(encode_packet(first.packet)) <= 1_300


def test_queue_of_facts_is_bounded_and_apart() -> None:
    """However many there are, no word about a member is dropped for them."""
    engine = engine_that_knows()
    tell(engine, 1.0, STRANGER.record())
    for n in range(FACT_RUMORS_MAX + 100):
        tell(engine, 1.0, sign_fact(SUBJECT, b"%d" % n, T + n, b"v"))
    assert len(engine.core.fact_rumors) == FACT_RUMORS_MAX
    assert len(engine.core.rumors) == 1


def test_later_fact_replaces_the_rumor_of_an_earlier_one() -> None:
    """Nobody is told what is over; a larger one that does not fit replaces it as well."""
    engine = engine_that_knows()
    tell(engine, 1.0, sign_fact(SUBJECT, b"web", T, b"80"))
    tell(engine, 1.0, sign_fact(SUBJECT, b"web", T + 1, b"81"))
    assert len(engine.core.fact_rumors) == 1
    tell(engine, 1.0, sign_fact(SUBJECT, b"web", T + 2, bytes(2_000)))
    assert len(engine.core.fact_rumors) == 0


def test_one_that_left_says_it_when_it_returns() -> None:
    """What it is told to say meanwhile waits."""
    engine = engine_that_knows()
    engine.leave(1.0)
    advance(engine, 8.0)
    assert taken(engine.put_fact(8.0, T, b"web", b"80"))
    assert all(not isinstance(c.statement, Fact) for send in gossip(engine, 20.0) for c in send.packet.claims)


# --- syncs ------------------------------------------------------------------------------------------


class Listening:
    """Merges what a sync brings into an engine, as the engine's own listener does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def accept(self, now: float, sender: MemberId, claim: Claim) -> bool:
        """Merge it."""
        return self._engine.reception.accept(now, sender, claim)

    def take_forgotten(self, now: float, id: MemberId, incarnation: int, age_s: int) -> None:
        """Hear of who was forgotten."""
        self._engine.reception.take_forgotten(now, id, incarnation, age_s)


def sync(initiator: Engine, responder: Engine) -> int:
    """Carry out a sync, each message through its bytes; give how many bytes it took."""
    keyring = (b"", bytes(8))
    here = SyncExchange(initiator.core, responder.core.own_id, Listening(initiator), keyring, Stage.ANSWER)
    there = SyncExchange(responder.core, initiator.core.own_id, Listening(responder), keyring, Stage.ROOT)
    size = 0
    queue: list[tuple[SyncExchange, SyncExchange, StreamMessage]] = [(there, here, m) for m in here.open()]
    while queue:
        to, back, message = queue.pop(0)
        data = encode_stream_message(message)
        size += len(data)
        queue += [(back, to, answer) for answer in to.receive(10.0, decode_stream_message(data, open_any))]
    assert here.done
    assert there.done
    for engine in (initiator, responder):
        engine.reception.take_answers()
        engine.core.drain()
    return size


def pair() -> tuple[Engine, Engine]:
    """Give two engines that know each other and an owner."""
    one = started(ME, None, SUBJECT.record())
    other = started(PEER, None, SUBJECT.record())
    tell(one, 0.0, other.local.record)
    tell(other, 0.0, one.local.record)
    return one, other


def fill(engine: Engine, who: Author, count: int, first: int = 0) -> None:
    """Let an engine hold facts of one, without gossip."""
    for n in range(first, first + count):
        engine.membership.facts.merge(sign_fact(who, b"%d" % n, T + n, b"v" * 30))


def test_sync_brings_facts_both_ways() -> None:
    """What either lacks, the newer of what both have, tombstones, horizons, large ones, and both of one version."""
    one, other = pair()
    fill(one, SUBJECT, 300)
    fill(other, SUBJECT, 300, first=200)
    only_here, only_there = sign_fact(SUBJECT, b"here", T + 901, bytes(3_000)), sign_fact(SUBJECT, b"there", T + 900)
    for engine, facts in (
        (one, [only_here, sign_fact(SUBJECT, b"7", T + 999, b"new"), sign_fact(SUBJECT, b"pair", T + 500, b"a")]),
        (other, [only_there, sign_horizon(SUBJECT, T + 5), sign_fact(SUBJECT, b"pair", T + 500, b"b")]),
    ):
        for fact in facts:
            engine.membership.facts.merge(fact)
    sync(one, other)
    assert held(one) == held(other)
    assert one.membership.hash.root == other.membership.hash.root
    assert len(held(one)) == 500 - 6 + 3 + 1
    assert sync(one, other) < 30


def test_sync_of_facts_costs_what_differs() -> None:
    """One difference among thousands takes some lines and one fact."""
    one, other = pair()
    for engine in (one, other):
        fill(engine, SUBJECT, 4_000)
    one.membership.facts.merge(sign_fact(SUBJECT, b"new", T, b"v"))
    assert sync(one, other) < 2_048 + 3_000
    assert held(one) == held(other)


def test_sync_asks_for_no_more_than_it_may_keep() -> None:
    """Facts of one that is not on the list here are told, and not kept."""
    one, other = pair()
    tell(other, 0.0, STRANGER.record())
    other.membership.facts.merge(sign_fact(STRANGER, b"web", T, b"v"))
    one.membership._forgotten[STRANGER.id] = (9, 0.0)
    sync(one, other)
    assert held(one, STRANGER) == set()


def test_sync_of_more_lines_than_one_listing_may_have_goes_on() -> None:
    """Seventy thousand facts, and differences in every bucket: a thousand members with some services each."""
    one, other = pair()
    owners = [author(n) for n in range(300, 310)]
    for who in owners:
        tell(one, 0.0, who.record())
        tell(other, 0.0, who.record())
        fill(one, who, 7_000)
    fill(one, SUBJECT, 1_500)
    sync(one, other)
    assert len(other.membership.facts) == len(one.membership.facts)


def test_listing_of_a_facts_claim_is_its_size() -> None:
    """What a queue counts is what a packet takes."""
    fact = sign_fact(SUBJECT, b"web", T, bytes(300))
    empty = len(encode_packet(Packet()))
    assert len(encode_packet(Packet((), (Claim(fact),)))) - empty <= encoded_claim_size(Claim(fact))
