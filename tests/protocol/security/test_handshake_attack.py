"""Handshakes under attack: strangers, men in the middle, replays, liars with a cluster key, arbitrary bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.channel import FrameSealer, FrameType
from protocol.security.handshake import Initiator, Responder
from protocol.security.handshake_failure import HandshakeFailed, HandshakeRefused
from protocol.security.handshake_state import State
from protocol.security.hello import (
    HELLO_SIZE_MAX,
    TYPE_INITIATOR,
    TYPE_RESPONDER,
    OwnHello,
    choose_key,
    encode_hello,
    open_hello,
    read_clear,
    read_refusal,
)
from protocol.security.identity import Identity, derive_member_id
from protocol.security.keyring import KEY_COUNT_MAX, Keyring
from protocol.wire.framing import FrameBuffer, encode_frame
from tests.protocol.security.sample import (
    NOW_MS,
    make_identity,
    make_initiator,
    make_keyring,
    make_responder,
    own_hello,
    seeded_entropy,
)

CLEAR_EPHEMERAL = slice(4 + 8, 4 + 8 + 32)
"""Where the ephemeral key stands in a framed hello."""


def liar(seed: str, id_of: str) -> Identity:
    """Give an identity that claims another's id with a key of its own."""
    own = make_identity(seed)
    return Identity(
        make_identity(id_of).id, own.public_key, own.time_ms, own.seed, own._signing_key, own.exchange_secret
    )


def test_attack_stranger_swaps_the_ephemeral_key() -> None:
    """Without a cluster key, a changed hello does not open: on the way there, and on the way back."""
    initiator = make_initiator()
    hello = bytearray(initiator.start())
    hello[CLEAR_EPHEMERAL] = make_responder("mallory")._ephemeral
    with pytest.raises(HandshakeRefused) as refused:
        make_responder().receive(bytes(hello))
    assert refused.value.reason is Refusal.UNKNOWN_KEY
    initiator = make_initiator()
    answer = bytearray(make_responder().receive(initiator.start()))
    answer[CLEAR_EPHEMERAL] = make_responder("mallory")._ephemeral
    with pytest.raises(MalformedMessage):
        initiator.receive(bytes(answer))


def resealed(frame: bytes, kind: int, keyring: Keyring, ephemeral: bytes) -> bytes:
    """Do what a man in the middle with the cluster key can: the same hello around his own ephemeral key."""
    hello = read_clear(frame, kind)
    key_id = choose_key(hello, keyring)
    assert key_id is not None
    peer = open_hello(hello, key_id, keyring.key_for(key_id) or b"", 1)
    assert peer is not None
    claimed = make_identity("mallory")
    stand_in = Identity(
        peer.id, peer.public_key, claimed.time_ms, claimed.seed, claimed._signing_key, claimed.exchange_secret
    )
    own = OwnHello(peer.name, peer.license_id, peer.address, peer.purpose)
    entropy = seeded_entropy("mallory reseals")
    return encode_frame(encode_hello(kind, own, stand_in, keyring, (key_id,), ephemeral, entropy))


def test_attack_member_in_the_middle_swaps_both_ephemeral_keys() -> None:
    """With the cluster key he can read and rewrite hellos, and fails at the signatures over them."""
    keyring = make_keyring()
    initiator, responder = make_initiator(), make_responder()
    mallory = make_responder("mallory")
    (hello,) = FrameBuffer().feed(initiator.start())
    answer = FrameBuffer().feed(responder.receive(resealed(hello, TYPE_INITIATOR, keyring, mallory._ephemeral)))
    towards = resealed(answer[0], TYPE_RESPONDER, keyring, mallory._ephemeral)
    # Mallory shares session keys with each side; the responder's proof, opened and sealed anew, is over
    # another transcript than the initiator's.
    mallory._own_frame = towards[4:]
    mallory._bind(read_clear(hello, TYPE_INITIATOR), hello, keyring.key_for(keyring.primary) or b"")
    genuine = responder._identity.sign(responder._proof_text(1))
    with pytest.raises(HandshakeRefused) as refused:
        initiator.receive(towards + mallory._seal(FrameType.PROOF, genuine))
    assert refused.value.reason is Refusal.BAD_SIGNATURE
    assert initiator.peer is None


def test_attack_replayed_hello_brings_nothing_readable() -> None:
    """Who replays a hello gets an answer under session keys that it cannot have, and goes no further."""
    initiator, responder = make_initiator(), make_responder()
    hello = initiator.start()
    proof = initiator.receive(responder.receive(hello))
    again = Responder(make_identity("other"), make_keyring(), own_hello("other"), seeded_entropy("later"))
    again.receive(hello)
    with pytest.raises(MalformedMessage):
        again.receive(proof)
    assert again.peer is None


def test_attack_reflected_proof() -> None:
    """A side's own sealed frames, sent back, do not open: each direction has its key."""
    initiator, responder = make_initiator(), make_responder()
    proof = initiator.receive(responder.receive(initiator.start()))
    with pytest.raises(MalformedMessage):
        initiator.receive(proof)


def test_attack_signature_under_the_other_role() -> None:
    """A proof made for one role is none for the other, though it covers the same transcript."""
    initiator, responder = make_initiator(), make_responder()
    initiator.receive(responder.receive(initiator.start()))
    assert responder._opener is not None
    wrong_label = initiator._identity.sign(initiator._proof_text(1))
    with pytest.raises(HandshakeRefused) as refused:
        responder.receive(FrameSealer(responder._opener._key).seal(FrameType.PROOF, wrong_label))
    assert refused.value.reason is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("responder_lies", [True, False])
def test_attack_claimed_id_without_its_key(responder_lies: bool) -> None:
    """A holder of the cluster key that claims another's id is refused, and told so under the seal."""
    entropy = seeded_entropy("liar")
    fraud = liar("mallory", "third")
    if responder_lies:
        initiator = make_initiator()
        responder = Responder(fraud, make_keyring(), own_hello("third"), entropy)
        with pytest.raises(HandshakeRefused) as refused:
            initiator.receive(responder.receive(initiator.start()))
        with pytest.raises(HandshakeRefused) as heard:
            responder.receive(refused.value.reply)
    else:
        initiator = Initiator(fraud, make_keyring(), own_hello("third", Purpose.SYNC), entropy)
        responder = make_responder()
        proof = initiator.receive(responder.receive(initiator.start()))
        with pytest.raises(HandshakeRefused) as refused:
            responder.receive(proof)
        with pytest.raises(HandshakeRefused) as heard:
            initiator.receive(refused.value.reply)
    assert refused.value.reason is heard.value.reason is Refusal.BAD_SIGNATURE
    assert (refused.value.by_peer, heard.value.by_peer) == (False, True)


def test_attack_key_that_libsodium_refuses() -> None:
    """An identity key that is no good point is malformed, before any signature under it is looked at."""
    own = make_identity("mallory")
    weak = bytes(32)
    fraud = Identity(derive_member_id(weak, NOW_MS), weak, NOW_MS, own.seed, own._signing_key, own.exchange_secret)
    initiator = Initiator(fraud, make_keyring(), own_hello("m", Purpose.SYNC), seeded_entropy("m"))
    responder = make_responder()
    proof = initiator.receive(responder.receive(initiator.start()))
    with pytest.raises(MalformedMessage, match="libsodium"):
        responder.receive(proof)


def test_attack_ephemeral_key_of_small_order() -> None:
    """A hello whose ephemeral key would make the shared secret a constant is malformed."""
    initiator = make_initiator()
    initiator._ephemeral = bytes(32)
    with pytest.raises(MalformedMessage, match="ephemeral"):
        make_responder().receive(initiator.start())


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\xa5\x01", bytes(8)])
def test_attack_other_protocols_are_refused_at_once(data: bytes) -> None:
    """HTTP, TLS and zeros end at the first bytes, with nothing sent."""
    responder, initiator = make_responder(), make_initiator()
    initiator.start()
    for side in (responder, initiator):
        with pytest.raises(MalformedMessage):
            side.receive(data)
        assert side.state is State.FAILED


def test_attack_oversize_hello_is_refused_by_its_length() -> None:
    """A frame of the handshake is bounded before its bytes are there."""
    with pytest.raises(MalformedMessage, match="1025"):
        make_responder().receive((HELLO_SIZE_MAX + 1).to_bytes(4, "big"))


def test_attack_refusals_in_clear_are_three() -> None:
    """A stranger on the wire cannot say that we were revoked: that is only believed under a seal."""
    initiator = make_initiator()
    initiator.start()
    with pytest.raises(MalformedMessage, match="in clear"):
        initiator.receive(encode_frame(b"SHOAL\x03revoked"))


@pytest.mark.parametrize("text", [b"", b"because", b"\xff", b"BUSY"])
def test_attack_refusal_without_a_known_reason(text: bytes) -> None:
    """A reason beyond the closed set is malformed."""
    initiator, responder = make_initiator(), make_responder()
    initiator.receive(responder.receive(initiator.start()))
    assert initiator._opener is not None
    sealer = FrameSealer(initiator._opener._key)
    sealer._counter = initiator._opener._counter
    with pytest.raises(MalformedMessage):
        initiator.receive(sealer.seal(FrameType.REFUSE, text))


def test_attack_accept_or_proof_of_the_wrong_shape() -> None:
    """An accept with something in it, a short signature, channel data too early: all malformed."""
    for kind, text in ((FrameType.ACCEPT, b"x"), (FrameType.DATA, b"early"), (FrameType.CLOSE, b"")):
        initiator, responder = make_initiator(), make_responder()
        initiator.receive(responder.receive(initiator.start()))
        assert initiator._opener is not None
        sealer = FrameSealer(initiator._opener._key)
        sealer._counter = initiator._opener._counter
        with pytest.raises(MalformedMessage):
            initiator.receive(sealer.seal(kind, text))
    initiator, responder = make_initiator(), make_responder()
    initiator.receive(responder.receive(initiator.start()))
    assert initiator._sealer is not None
    assert responder._opener is not None
    with pytest.raises(MalformedMessage, match="63 bytes"):
        responder.receive(FrameSealer(responder._opener._key).seal(FrameType.PROOF, bytes(63)))


def test_attack_hello_of_the_other_role() -> None:
    """An initiator's hello answers no initiator, a responder's opens no handshake."""
    initiator, responder = make_initiator(), make_responder()
    answer = responder.receive(initiator.start())
    for side, data in ((initiator, make_initiator("third").start()), (make_responder("third"), answer)):
        with pytest.raises(MalformedMessage, match="awaited"):
            side.receive(data)


@pytest.mark.parametrize(
    ("at", "value", "sentence"), [(6, 2, "versions 2 to 1"), (64, 0, "key ids"), (64, 9, "key ids"), (64, 8, "sealed")]
)
def test_attack_hello_with_a_clear_part_out_of_bounds(at: int, value: int, sentence: str) -> None:
    """Versions in the wrong order, no key, nine keys, or fewer bytes than keys: malformed, no refusal."""
    (frame,) = FrameBuffer().feed(make_initiator().start())
    changed = (frame[:at] + bytes((value,)) + frame[at + 1 :])[:460]
    with pytest.raises(MalformedMessage, match=sentence):
        make_responder().receive(encode_frame(changed))


def test_hello_of_eight_keys_and_longest_fields_fits() -> None:
    """The largest hello that may be sent is within the bound."""
    keyring = make_keyring()
    for number in range(1, KEY_COUNT_MAX):
        keyring.add(bytes((number,)) * 32, NOW_MS)
    hello = OwnHello("n" * 64, "\U0001f41f" * 64, own_hello("x").address._replace(host="fd00::1"), Purpose.PING)
    initiator = Initiator(make_identity("one"), keyring, hello, seeded_entropy("one"))
    data = initiator.start()
    assert len(data) - 4 <= HELLO_SIZE_MAX
    make_responder(keyring=keyring).receive(data)


@given(st.binary(max_size=400))
def test_hello_decoders_survive_arbitrary_bytes(data: bytes) -> None:
    """Only MalformedMessage may come out of the readers of clear frames."""
    for frame in (data, b"SHOAL\x01" + data, b"SHOAL\x03" + data):
        try:
            hello = read_clear(frame, TYPE_INITIATOR)
            key_id = hello.key_ids[-1]
            assert open_hello(hello, key_id, bytes(32), 1) is None
        except MalformedMessage:
            pass
        try:
            read_refusal(frame)
        except MalformedMessage:
            assert frame.startswith(b"SHOAL\x03")


@given(st.binary(max_size=300))
def test_hello_content_survives_arbitrary_bytes(content: bytes) -> None:
    """A holder of the cluster key can seal anything into a hello; MalformedMessage comes out."""
    from protocol.security import aead
    from protocol.security.hello import _hello_key

    keyring = make_keyring()
    (frame,) = FrameBuffer().feed(make_initiator().start())
    hello = read_clear(frame, TYPE_INITIATOR)
    content_key = bytes(range(32))
    wrap = aead.seal(content_key, hello.clear, hello.nonce, _hello_key(keyring.key_for(keyring.primary) or b""))
    forged = hello.clear + wrap + aead.seal(content, hello.clear, hello.nonce, content_key)
    with pytest.raises(MalformedMessage):
        make_responder().receive(encode_frame(forged))


@given(st.integers(0, 100_000), st.sampled_from(["hello", "answer", "proof", "accept"]))
def test_handshake_survives_mutated_bytes(bit: int, which: str) -> None:
    """Law: with any bit of any flight changed no peer is accepted as another, and only typed errors come."""
    initiator, responder = make_initiator(), make_responder()

    def carry(name: str, data: bytes, receiver: Initiator | Responder) -> bytes:
        if name == which:
            number = int.from_bytes(data, "big") ^ 1 << bit % (len(data) * 8)
            data = number.to_bytes(len(data), "big")
        return receiver.receive(data)

    try:
        answer = carry("hello", initiator.start(), responder)
        proof = carry("answer", answer, initiator)
        carry("proof", proof, responder)
        accept = initiator.accept() if initiator.state is State.DECIDING else b""
        carry("accept", accept or b"\x00", responder)
    except (MalformedMessage, HandshakeFailed):
        pass
    changed = responder if which != "answer" else initiator
    assert changed.channel is None
    assert changed.peer is None or which == "accept"


@given(st.lists(st.binary(max_size=120), max_size=4))
def test_handshake_survives_arbitrary_bytes(pieces: list[bytes]) -> None:
    """Only MalformedMessage may come out, and nothing is answered."""
    initiator, responder = make_initiator(), make_responder()
    initiator.start()
    for side in (initiator, responder):
        try:
            for piece in pieces:
                assert side.receive(piece) == b""
        except MalformedMessage:
            assert side.state is State.FAILED
