"""Datagrams of attackers: strangers, replayers, forgers, and members gone bad."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.security import aead
from protocol.security.datagram import (
    DATAGRAM_SIZE_MAX,
    KIND_INTRODUCTION,
    SEALED_OVERHEAD,
    VERSION_BYTE,
)
from protocol.security.identity import StatementSigner
from protocol.security.keyring import Keyring
from protocol.security.opening import Dropped, DropReason, Opened
from protocol.wire.statement import SIGNATURE_SIZE, encode_accusation
from tests.protocol.security.sample import NOW_MS, Node, make_keyring, make_pair
from tests.protocol.security.test_datagram import opened, reason


def introduction_by_hand(claimed: Node, receiver: Node, body: bytes) -> bytes:
    """Write what any holder of the cluster key can: an introduction in anybody's name."""
    key_id = receiver.keyring.primary
    header = bytes((VERSION_BYTE, KIND_INTRODUCTION)) + key_id + claimed.id
    key = receiver.gate._introduction_key(key_id)
    assert key is not None
    nonce = bytes(24)
    return header + nonce + aead.seal(body, header + receiver.id, nonce, key)


def body_of(record_raw: bytes, inner: bytes) -> bytes:
    """Give the inside of an introduction."""
    return len(record_raw).to_bytes(2, "big") + len(inner).to_bytes(2, "big") + record_raw + inner


def test_attack_replayed_datagram() -> None:
    """Neither a sealed datagram nor an introduction is taken twice."""
    one, other = make_pair()
    sealed = one.seal(other)
    one.gate.forget_answer(other.id)
    introduction = one.seal(other)
    for datagram in (sealed, introduction):
        assert opened(other, datagram)
        assert reason(other, datagram) is DropReason.REPLAYED


def test_attack_replay_after_the_senders_restart() -> None:
    """Once its new start was heard, what the sender's former start sent is dropped, seen before or not."""
    one, other = make_pair()
    heard, unheard = one.seal(other), one.seal(other)
    opened(other, heard)
    one.restart(NOW_MS + 1)
    assert opened(other, one.seal(other))
    assert reason(other, heard) is DropReason.REPLAYED
    assert reason(other, unheard) is DropReason.REPLAYED


def test_attack_replay_after_the_receivers_restart_works_once() -> None:
    """A restarted receiver may take an old datagram once: messages are idempotent or matched by chance."""
    one, other = make_pair()
    old = one.seal(other)
    opened(other, old)
    other.restart(NOW_MS + 1)
    assert opened(other, old)
    assert reason(other, old) is DropReason.REPLAYED


def test_attack_datagram_sent_on_to_another_receiver() -> None:
    """What was sealed for one member opens at no other."""
    one, other = make_pair()
    third = Node("third")
    third.learn(one, other)
    assert reason(third, one.seal(other)) is DropReason.NOT_OPENED
    one.gate.forget_answer(other.id)
    assert reason(third, one.seal(other)) is DropReason.NOT_OPENED


def test_attack_reflected_datagram() -> None:
    """Our own datagram sent back to us is dropped, also with the peer's id written over ours."""
    one, other = make_pair()
    sealed = one.seal(other)
    assert reason(one, sealed) is DropReason.OWN_ECHO
    assert reason(one, sealed[:6] + other.id + sealed[22:]) is DropReason.NOT_OPENED


def test_attack_forged_sender() -> None:
    """A member cannot speak in another member's name."""
    one, other = make_pair()
    mallory = Node("mallory")
    mallory.learn(one, other)
    sealed = mallory.seal(other)
    mallory.gate.forget_answer(other.id)
    for datagram in (sealed, mallory.seal(other)):
        assert reason(other, datagram[:6] + one.id + datagram[22:]) is DropReason.NOT_OPENED


def test_attack_introduction_with_anothers_record() -> None:
    """A member that shows another's genuine record gets nothing delivered in its name."""
    one, other = make_pair()
    mallory = Node("mallory")
    inner = bytes(36)
    forged = introduction_by_hand(one, other, body_of(one.record.raw, inner))
    assert reason(other, forged) is DropReason.NOT_OPENED
    forged = introduction_by_hand(one, other, body_of(mallory.record.raw, inner))
    assert reason(other, forged) is DropReason.MALFORMED
    assert opened(other, one.seal(other))


def test_attack_introduction_with_a_bad_signature_mutes_nobody() -> None:
    """A spoiled record in somebody's name is dropped, and that somebody is still heard."""
    one, other = make_pair()
    raw = one.record.raw
    spoiled = bytes((raw[0] ^ 1,)) + raw[1:]
    forged = introduction_by_hand(one, other, body_of(spoiled, bytes(36)))
    assert reason(other, forged) is DropReason.BAD_SIGNATURE
    assert opened(other, one.seal(other))


def test_attack_introduction_with_something_else_than_a_record() -> None:
    """An accusation introduces nobody."""
    one, other = make_pair()
    body = encode_accusation(one.id, other.id, 1)
    raw = StatementSigner(one.identity, one.keyring.cluster_id).sign(body) + body
    assert len(raw) > SIGNATURE_SIZE
    forged = introduction_by_hand(one, other, body_of(raw, bytes(36)))
    assert reason(other, forged) is DropReason.MALFORMED


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x23" + bytes(35), b"\x00\x01\x00\x24" + bytes(36)]
)
def test_attack_introduction_with_sizes_that_do_not_fit(body: bytes) -> None:
    """Sizes beyond the body, or an inner seal too short to be one, are malformed."""
    one, other = make_pair()
    forged = introduction_by_hand(one, other, body)
    # A body too short makes the whole datagram too short.
    assert reason(other, forged) in (DropReason.MALFORMED, DropReason.TOO_SHORT)


def test_attack_wrong_key_and_wrong_cluster() -> None:
    """A stranger's key is unknown; the same key under another cluster id opens nothing."""
    receiver = Node("receiver")
    stranger = Node("stranger", make_keyring("elsewhere"))
    assert reason(receiver, stranger.seal(receiver)) is DropReason.UNKNOWN_KEY
    key = receiver.keyring.key_for(receiver.keyring.primary)
    assert key is not None
    elsewhere = Keyring.from_keys(stranger.keyring.cluster_id, [(NOW_MS, key)], 0, NOW_MS)
    neighbour = Node("neighbour", elsewhere)
    introduction = neighbour.seal(receiver)
    assert reason(receiver, introduction) is DropReason.NOT_OPENED
    receiver.learn(neighbour)
    neighbour.gate._pair(receiver.id, receiver.identity.public_key).answered = True
    assert reason(receiver, neighbour.seal(receiver)) is DropReason.NOT_OPENED


def test_attack_sizes_versions_and_kinds() -> None:
    """What has the wrong shape is dropped before any key is touched."""
    one, other = make_pair()
    sealed = one.seal(other)
    assert reason(other, b"") is DropReason.TOO_SHORT
    assert reason(other, sealed[: SEALED_OVERHEAD - 1]) is DropReason.TOO_SHORT
    assert reason(other, sealed + bytes(DATAGRAM_SIZE_MAX)) is DropReason.TOO_LONG
    assert reason(other, b"\xd2" + sealed[1:]) is DropReason.VERSION
    assert reason(other, sealed[:1] + b"\x03" + sealed[2:]) is DropReason.MALFORMED


def test_attack_key_held_for_a_member_is_no_point() -> None:
    """A damaged address book drops datagrams, it does not stop the node."""
    one, other = make_pair()
    other.gate.forget_peer(one.id)
    other.keys[one.id] = bytes(32)
    assert reason(other, one.seal(other)) is DropReason.MALFORMED


@given(st.binary(max_size=1_500))
def test_attack_arbitrary_bytes(data: bytes) -> None:
    """Law: whatever comes, a drop comes out."""
    _, other = make_pair()
    assert isinstance(other.gate.open(0.0, data), Dropped)
    assert isinstance(other.gate.open(0.0, b"\xd1\x01" + data), Dropped)
    assert isinstance(other.gate.open(0.0, b"\xd1\x02" + other.keyring.primary + data), Dropped)


@given(st.binary(max_size=700))
def test_attack_arbitrary_bodies_of_introductions(body: bytes) -> None:
    """Law: a holder of the cluster key can write any body, and a drop comes out."""
    one, other = make_pair()
    assert isinstance(other.gate.open(0.0, introduction_by_hand(one, other, body)), Dropped)


@given(st.integers(0, 10_000), st.booleans())
def test_attack_mutated_datagrams(bit: int, introduces: bool) -> None:
    """Law: a datagram with any bit changed is dropped, and the original still opens after it."""
    one, other = make_pair()
    if introduces:
        one.gate.forget_answer(other.id)
    datagram = one.seal(other)
    mutated = int.from_bytes(datagram, "big") ^ 1 << bit % (len(datagram) * 8)
    assert isinstance(other.gate.open(0.0, mutated.to_bytes(len(datagram), "big")), Dropped)
    assert isinstance(other.gate.open(0.0, datagram), Opened)
