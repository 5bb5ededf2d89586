"""Sealed datagrams between honest nodes: introductions, answers, keys, room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest
from protocol.security.datagram import (
    DATAGRAM_SIZE_MAX,
    INTRODUCTION_OVERHEAD,
    INTRODUCTION_SIZE_MIN,
    KIND_INTRODUCTION,
    KIND_SEALED,
    NEWCOMERS_BURST,
    NEWCOMERS_PER_SECOND,
    PAYLOAD_MAX,
    SEALED_OVERHEAD,
)
from protocol.security.keyring import Keyring
from protocol.security.opening import Dropped, DropReason, Opened
from tests.protocol.security.sample import NOW_MS, Node, make_keyring, make_pair, make_record

BODY_START = 2 + 4 + 16 + 24


def opened(node: Node, datagram: bytes, now: float = 0.0) -> Opened:
    """Open a datagram that must open."""
    found = node.gate.open(now, datagram)
    assert isinstance(found, Opened), found
    return found


def reason(node: Node, datagram: bytes, now: float = 0.0) -> DropReason:
    """Tell why a datagram is dropped that must be."""
    found = node.gate.open(now, datagram)
    assert isinstance(found, Dropped), found
    return found.reason


def test_datagram_first_contact_takes_one_round() -> None:
    """A stranger's ping arrives with its record; the answer brings ours; after that nothing is introduced."""
    one, other = Node("one"), Node("other")
    one.learn(other)
    ping = one.seal(other, b"ping")
    found = opened(other, ping)
    assert (found.sender, found.payload, found.introduction) == (one.id, b"ping", one.record)
    assert found.newest_key_id == one.keyring.newest_key_id
    ack = other.seal(one, b"ack")
    assert opened(one, ack).introduction == other.record
    assert len(ack) <= len(ping) == INTRODUCTION_SIZE_MIN
    other.learn(one)
    for sender, receiver in ((one, other), (other, one)):
        datagram = sender.seal(receiver, b"again")
        assert datagram[1] == KIND_SEALED
        assert len(datagram) == SEALED_OVERHEAD + 5
        assert opened(receiver, datagram).introduction is None


def test_datagram_crossing_introductions_settle() -> None:
    """Two nodes that introduce themselves at the same time need not do it again."""
    one, other = Node("one"), Node("other")
    one.learn(other)
    other.learn(one)
    from_one, from_other = one.seal(other), other.seal(one)
    opened(other, from_one)
    opened(one, from_other)
    assert one.seal(other)[1] == other.seal(one)[1] == KIND_SEALED


def test_datagram_introduces_until_answered_and_after_silence() -> None:
    """Without an answer each datagram introduces; so it does again once a ping went unanswered."""
    one, other = Node("one"), Node("other")
    one.learn(other)
    assert one.seal(other)[1] == one.seal(other)[1] == KIND_INTRODUCTION
    one, other = make_pair()
    assert one.seal(other)[1] == KIND_SEALED
    assert one.gate.shown_key(other.id) == one.keyring.primary
    one.gate.forget_answer(other.id)
    assert one.seal(other)[1] == KIND_INTRODUCTION
    assert one.gate.shown_key(other.id) is None


def test_datagram_peer_that_restarted_is_introduced_to_again() -> None:
    """A peer's larger start may have forgotten us: our answer to its introduction brings our record."""
    one, other = make_pair()
    other.restart(NOW_MS + 1)
    opened(one, other.seal(one, b"ping"))
    answer = one.seal(other, b"ack")
    assert answer[1] == KIND_INTRODUCTION
    assert opened(other, answer).introduction == one.record


def test_datagram_answer_is_never_longer_than_the_introduction() -> None:
    """A record too large for the room that came is left out, and the payload is bounded."""
    one, other = Node("one"), Node("other")
    other.record = make_record(other.identity, other.keyring.cluster_id, "other", padding=250)
    one.learn(other)
    came = one.seal(other, b"ping")
    opened(other, came)
    room = other.gate.payload_max(one.id, len(other.record.raw))
    answer = other.seal(one, b"x" * room)
    assert (answer[1], len(answer)) == (KIND_SEALED, len(came))
    assert opened(one, answer).payload == b"x" * room
    with pytest.raises(InvalidRequest):
        other.seal(one, b"x" * (room + 1))


@given(st.integers(0, PAYLOAD_MAX), st.booleans(), st.sampled_from([0, 100, 200]))
def test_datagram_room_is_exact(size: int, answered: bool, padding: int) -> None:
    """Law: what `payload_max` allows is sealed within 1,400 bytes, one more is refused."""
    one, other = make_pair() if answered else (Node("one"), Node("other"))
    one.learn(other)
    one.record = make_record(one.identity, one.keyring.cluster_id, "one", padding=padding)
    room = one.gate.payload_max(other.id, len(one.record.raw))
    overhead = SEALED_OVERHEAD if answered else INTRODUCTION_OVERHEAD + len(one.record.raw)
    assert room == DATAGRAM_SIZE_MAX - overhead
    if size > room:
        with pytest.raises(InvalidRequest):
            one.seal(other, bytes(size))
        return
    datagram = one.seal(other, bytes(size))
    assert len(datagram) == max(overhead + size, 0 if answered else INTRODUCTION_SIZE_MIN)
    assert opened(other, datagram).payload == bytes(size)


def test_datagram_keys_differ_by_direction_peer_and_cluster_key() -> None:
    """No two pair keys are equal."""
    one, other, third = Node("one"), Node("other"), Node("third")
    new = one.keyring.add(bytes(32), NOW_MS)
    for pair_of in (one, other):
        pair_of.learn(one, other, third)
    other.keyring.merge_offer(one.keyring.encode_offer())
    out = one.gate._pair(other.id, other.identity.public_key)
    keys = {
        out.send_key()[1],
        out.receive_key(one.keyring.primary),
        out.receive_key(new),
        one.gate._pair(third.id, third.identity.public_key).send_key()[1],
    }
    assert len(keys) == 4
    assert other.gate._pair(one.id, one.identity.public_key).receive_key(out.send_key()[0]) == out.send_key()[1]


def test_datagram_rotation_mid_traffic_loses_nothing() -> None:
    """Add, spread, use and retire with datagrams under way: each one opens."""
    keyring = make_keyring()
    one = Node("one", keyring)
    other = Node("other", Keyring.from_offer(keyring.encode_offer()))
    one.learn(other)
    other.learn(one)
    old = keyring.primary

    def exchange(key_id: bytes) -> None:
        for sender, receiver in ((one, other), (other, one)):
            datagram = sender.seal(receiver)
            assert datagram[2:6] == key_id
            opened(receiver, datagram)

    exchange(old)
    exchange(old)
    new = one.keyring.add(b"n" * 32, NOW_MS + 1)
    exchange(old)  # the other does not hold it
    assert other.gate.shown_key(one.id) == new
    other.keyring.merge_offer(one.keyring.encode_offer())
    late = one.seal(other)
    opened(other, one.seal(other))
    opened(one, other.seal(one))
    exchange(new)  # both have shown it
    one.keyring.use(new, NOW_MS + 2)
    one.keyring.retire(old, NOW_MS + 3)
    exchange(new)
    opened(other, late)  # sealed under the old key, which this side still holds
    other.keyring.merge_offer(one.keyring.encode_offer())
    exchange(new)
    assert other.keyring.key_ids == (new,)


def test_datagram_under_a_retired_key_is_dropped() -> None:
    """Keys derived from a retired one are forgotten with it."""
    one, other = make_pair()
    late, introduction = one.seal(other), Node("third").seal(other)
    old = other.keyring.primary
    other.keyring.use(other.keyring.add(b"n" * 32, NOW_MS), NOW_MS)
    other.keyring.retire(old, NOW_MS)
    verified = other.verifier.verified_count
    assert reason(other, late) is DropReason.UNKNOWN_KEY
    assert reason(other, introduction) is DropReason.UNKNOWN_KEY
    assert other.verifier.verified_count == verified


def test_datagram_pairs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the peer unused for longest is forgotten, and found again by its key."""
    monkeypatch.setattr("protocol.security.datagram.PAIR_MAX", 2)
    receiver, peers = Node("receiver"), [Node(f"n{number}") for number in range(3)]
    for peer in peers:
        opened(receiver, peer.seal(receiver))
    shown = [receiver.gate.shown_key(peer.id) is not None for peer in peers]
    assert shown == [False, True, True]
    assert opened(receiver, peers[0].seal(receiver))


def test_datagram_known_introductions_cost_no_budget() -> None:
    """New records are bounded per second; one that was verified before is free."""
    receiver = Node("receiver")
    known = Node("known")
    known.learn(receiver)
    opened(receiver, known.seal(receiver))
    fresh = [Node(f"n{number}") for number in range(int(NEWCOMERS_BURST))]
    datagrams = [node.seal(receiver) for node in fresh]
    results = [receiver.gate.open(0.0, datagram) for datagram in datagrams]
    assert sum(isinstance(found, Opened) for found in results) == NEWCOMERS_BURST - 1
    assert results[-1] == Dropped(DropReason.INTRODUCTION_BUDGET)
    assert opened(receiver, known.seal(receiver)).introduction == known.record
    assert opened(receiver, fresh[-1].seal(receiver), now=1.0 / NEWCOMERS_PER_SECOND).sender == fresh[-1].id


def test_datagram_muted_sender_is_not_heard_until_the_end() -> None:
    """A mute covers sealed datagrams and introductions, and ends."""
    one, other = make_pair()
    other.gate.mute(one.id, 60.0)
    assert reason(other, one.seal(other), 59.0) is DropReason.MUTED
    one.gate.forget_answer(other.id)
    assert reason(other, one.seal(other), 59.0) is DropReason.MUTED
    assert opened(other, one.seal(other), 60.0)


def test_datagram_revoked_sender_is_dropped() -> None:
    """A revoked id is heard neither sealed nor introduced."""
    one, other = make_pair()
    other.revoked.add(one.id)
    assert reason(other, one.seal(other)) is DropReason.REVOKED
    one.gate.forget_answer(other.id)
    assert reason(other, one.seal(other)) is DropReason.REVOKED


def test_datagram_unknown_sender_is_dropped_until_known() -> None:
    """A pair cannot be opened without the sender's key."""
    one, other = make_pair()
    other.gate.forget_peer(one.id)
    del other.keys[one.id]
    assert reason(other, one.seal(other)) is DropReason.UNKNOWN_SENDER
    other.learn(one)
    assert opened(other, one.seal(other))


def test_datagram_start_can_only_grow() -> None:
    """A node that learns of a later start of its own counts from above it."""
    one, other = make_pair()
    former = one.seal(other)
    one.gate.restart(NOW_MS + 5)
    assert opened(other, one.seal(other))
    assert reason(other, former) is DropReason.REPLAYED
    for start in (NOW_MS + 5, NOW_MS, 1 << 64):
        with pytest.raises(InvalidRequest):
            one.gate.restart(start)
