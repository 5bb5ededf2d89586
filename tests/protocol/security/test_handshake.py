"""Handshakes between honest sides: agreement, refusals in words, leftovers, rotation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.handshake import Initiator, Responder
from protocol.security.handshake_failure import HandshakeRefused, OwnEcho, WrongPeer
from protocol.security.handshake_state import State
from protocol.security.keyring import Keyring
from protocol.wire.framing import encode_frame
from tests.protocol.security.sample import (
    NOW_MS,
    make_identity,
    make_initiator,
    make_keyring,
    make_responder,
    own_hello,
    seeded_entropy,
)


def prove(initiator: Initiator, responder: Responder) -> None:
    """Bring both sides to their decision."""
    responder.receive(initiator.receive(responder.receive(initiator.start())))


def establish(initiator: Initiator, responder: Responder) -> None:
    """Bring both sides to a channel."""
    prove(initiator, responder)
    accepted = initiator.accept()
    initiator.receive(responder.receive(accepted) + responder.accept())


def test_handshake_establishes_a_channel_both_ways() -> None:
    """Each side learns who the other is, and both can speak."""
    initiator, responder = make_initiator(), make_responder()
    establish(initiator, responder)
    assert initiator.peer is not None
    assert responder.peer is not None
    assert (initiator.peer.id, initiator.peer.name) == (make_identity("other").id, "other")
    assert (responder.peer.id, responder.peer.name) == (make_identity("one").id, "one")
    assert (responder.peer.purpose, initiator.peer.purpose) == (Purpose.JOIN, None)
    assert initiator.peer.key_id == responder.peer.key_id == make_keyring().primary
    here, there = initiator.channel, responder.channel
    assert here is not None
    assert there is not None
    assert there.receive(here.seal(b"question")) == [b"question"]
    assert here.receive(there.seal(b"answer") + there.close()) == [b"answer"]
    assert here.closed_by_peer


@given(st.integers(1, 40), st.booleans())
def test_handshake_works_however_the_stream_is_cut(step: int, responder_first: bool) -> None:
    """Law: pieces of any size, and either order of decisions, lead to the same channel."""
    initiator, responder = make_initiator(), make_responder()

    def carry(data: bytes, receiver: Initiator | Responder) -> bytes:
        return b"".join(receiver.receive(data[at : at + step]) for at in range(0, len(data), step))

    carry(carry(carry(initiator.start(), responder), initiator), responder)
    if responder_first:
        carry(responder.accept(), initiator)
        carry(initiator.accept(), responder)
    else:
        carry(initiator.accept(), responder)
        carry(responder.accept(), initiator)
    assert initiator.state is responder.state is State.ESTABLISHED


def test_handshake_hands_leftovers_to_the_channel() -> None:
    """What came behind the last frame of the handshake, whole or in part, is the channel's first."""
    initiator, responder = make_initiator(), make_responder()
    prove(initiator, responder)
    responder.receive(initiator.accept())
    accepted = responder.accept()
    assert responder.channel is not None
    data = responder.channel.seal(bytes(5_000)) + responder.channel.seal(b"second")
    initiator.receive(accepted + data[:-3])
    assert initiator.channel is not None
    assert initiator.channel.receive(b"") == [bytes(5_000)]
    assert initiator.channel.receive(data[-3:]) == [b"second"]
    with pytest.raises(InvalidRequest):
        initiator.receive(b"more")


def test_handshake_unfinished_shows_in_its_state() -> None:
    """A stream that ends early leaves a side that is neither established nor failed."""
    initiator, responder = make_initiator(), make_responder()
    hello = initiator.start()
    assert responder.receive(hello[:-1]) == b""
    assert responder.state is State.HELLO_AWAITED
    assert responder.peer is None


@pytest.mark.parametrize("reason", list(Refusal))
@pytest.mark.parametrize("by_initiator", [True, False])
def test_handshake_carries_each_reason(reason: Refusal, by_initiator: bool) -> None:
    """A decision against the peer reaches it as that reason, with its sentence."""
    initiator, responder = make_initiator(), make_responder()
    prove(initiator, responder)
    one, other = (initiator, responder) if by_initiator else (responder, initiator)
    with pytest.raises(HandshakeRefused, match=reason.sentence[:20]) as refused:
        other.receive(one.refuse(reason))
    assert (refused.value.reason, refused.value.by_peer) == (reason, True)
    assert one.state is other.state is State.FAILED


def refusal_of_responder(responder: Responder, initiator: Initiator) -> tuple[Refusal, Refusal]:
    """Let a responder refuse a hello: its own reason, and the one the initiator comes to."""
    with pytest.raises(HandshakeRefused) as refused:
        responder.receive(initiator.start())
    assert not refused.value.by_peer
    with pytest.raises(HandshakeRefused) as heard:
        initiator.receive(refused.value.reply)
    return refused.value.reason, heard.value.reason


def test_handshake_refuses_an_unknown_key() -> None:
    """A stranger is told that its key is not known, and nothing else."""
    initiator = make_initiator(keyring=make_keyring("elsewhere"))
    responder = make_responder()
    assert refusal_of_responder(responder, initiator) == (Refusal.UNKNOWN_KEY, Refusal.UNKNOWN_KEY)


def test_handshake_responder_reveals_nothing_to_strangers() -> None:
    """What a stranger gets is the same whoever answers: no id, no key id, no signature."""
    replies = set()
    for seed in ("other", "third"):
        with pytest.raises(HandshakeRefused) as refused:
            make_responder(seed).receive(make_initiator(keyring=make_keyring("elsewhere")).start())
        replies.add(refused.value.reply)
    assert replies == {encode_frame(b"SHOAL\x03unknown_key")}


def test_handshake_refuses_when_busy() -> None:
    """A busy responder says so before it touches a key."""
    assert refusal_of_responder(make_responder(busy=True), make_initiator()) == (Refusal.BUSY, Refusal.BUSY)


def test_handshake_refuses_another_version() -> None:
    """Ranges that do not meet are refused in clear."""
    initiator = Initiator(
        make_identity("one"), make_keyring(), own_hello("one", Purpose.SYNC, (2, 3)), seeded_entropy("one")
    )
    assert refusal_of_responder(make_responder(), initiator) == (Refusal.VERSION, Refusal.VERSION)


def test_handshake_chooses_the_highest_common_version() -> None:
    """Of two ranges that meet, both sides name the same highest version."""
    initiator = Initiator(
        make_identity("one"), make_keyring(), own_hello("one", Purpose.SYNC, (1, 5)), seeded_entropy("one")
    )
    responder = Responder(
        make_identity("other"), make_keyring(), own_hello("other", versions=(2, 4)), seeded_entropy("other")
    )
    prove(initiator, responder)
    assert initiator.peer is not None
    assert responder.peer is not None
    assert initiator.peer.version == responder.peer.version == 4


def test_handshake_tells_another_cluster_with_the_same_key() -> None:
    """Both sides come to cluster_mismatch, not to an unknown key."""
    keyring = make_keyring()
    key = keyring.key_for(keyring.primary)
    assert key is not None
    elsewhere = Keyring.from_keys(make_keyring("elsewhere").cluster_id, [(NOW_MS, key)], 0, NOW_MS)
    reasons = refusal_of_responder(make_responder(), make_initiator(keyring=elsewhere))
    assert reasons == (Refusal.CLUSTER_MISMATCH, Refusal.CLUSTER_MISMATCH)


def test_handshake_with_oneself_is_told_apart() -> None:
    """Who dials itself learns just that, on both ends; so does who meets a mirror."""
    initiator, responder = make_initiator("one"), make_responder("one")
    with pytest.raises(OwnEcho) as echo:
        responder.receive(initiator.start())
    with pytest.raises(OwnEcho):
        initiator.receive(echo.value.reply)
    mirrored = make_initiator("one")
    with pytest.raises(OwnEcho):
        mirrored.receive(mirrored.start())
    assert mirrored.state is State.FAILED


def test_handshake_with_another_than_expected_fails() -> None:
    """A contact meant for one id and answered by another has failed, and says who answered."""
    initiator = make_initiator(expected_id=make_identity("third").id)
    responder = make_responder()
    with pytest.raises(WrongPeer, match="other") as wrong:
        initiator.receive(responder.receive(initiator.start()))
    assert wrong.value.found.id == make_identity("other").id
    expecting = make_initiator(expected_id=make_identity("other").id)
    establish(expecting, make_responder())


@pytest.mark.parametrize("away_dials", [True, False])
def test_handshake_reaches_one_that_was_away_during_a_rotation(away_dials: bool) -> None:
    """As long as one key is common, either side can dial; after the retire it is unknown_key."""
    keyring = make_keyring()
    away = Keyring.from_offer(keyring.encode_offer())
    old = keyring.primary
    keyring.use(keyring.add(b"n" * 32, NOW_MS), NOW_MS)
    dialling, dialled = (away, keyring) if away_dials else (keyring, away)
    initiator, responder = make_initiator(keyring=dialling), make_responder(keyring=dialled)
    establish(initiator, responder)
    assert initiator.peer is not None
    assert initiator.peer.key_id == old
    keyring.retire(old, NOW_MS)
    reasons = refusal_of_responder(make_responder(keyring=dialled), make_initiator(keyring=dialling))
    assert reasons == (Refusal.UNKNOWN_KEY, Refusal.UNKNOWN_KEY)


def test_handshake_uses_the_best_common_key() -> None:
    """Two sides in the middle of a rotation bind the stream to the key in use."""
    keyring = make_keyring()
    new = keyring.add(b"n" * 32, NOW_MS)
    keyring.use(new, NOW_MS)
    initiator, responder = make_initiator(keyring=keyring), make_responder(keyring=keyring)
    prove(initiator, responder)
    assert responder.peer is not None
    assert responder.peer.key_id == new


def test_handshake_initiator_needs_a_purpose() -> None:
    """An initiator without a purpose is a mistake of the caller's."""
    with pytest.raises(InvalidRequest):
        Initiator(make_identity("one"), make_keyring(), own_hello("one"), seeded_entropy("one"))
