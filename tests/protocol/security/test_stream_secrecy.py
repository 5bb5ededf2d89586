"""What a recorded stream tells whoever later has every lasting key of both sides: nothing but its hellos."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import product

import pytest
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base

from protocol.error import MalformedMessage
from protocol.security.channel import FrameOpener, FrameType
from protocol.security.handshake import Initiator, Responder
from protocol.security.hello import TYPE_INITIATOR, TYPE_RESPONDER, choose_key, open_hello, read_clear
from protocol.security.identity import Identity, exchange_key
from protocol.security.key_file import encode_key_file, parse_key_file
from protocol.security.keyring import Keyring
from protocol.wire.framing import FrameBuffer
from tests.protocol.security.sample import make_initiator, make_responder

SECRET = b"the new cluster key, as a rotation tells it"
PERSONS = (b"shoal-stream-i2r", b"shoal-stream-r2i")


@dataclass
class Recording:
    """A whole stream as it was on the wire, from the first hello to both closes."""

    initiator: Initiator
    responder: Responder
    frames: tuple[list[bytes], list[bytes]]
    """From the initiator, and from the responder; each begins with its hello, the rest is sealed."""

    def transcript(self) -> bytes:
        """Give what anybody can make of the recorded hellos, as PROTOCOL.md says."""
        hellos = (self.frames[0][0], self.frames[1][0])
        text = b"".join(len(hello).to_bytes(4, "big") + hello for hello in hellos)
        return blake2b(text, person=b"shoal-transcript").digest()

    def ephemerals(self) -> list[bytes]:
        """Give the public halves that went over the wire in clear."""
        kinds = (TYPE_INITIATOR, TYPE_RESPONDER)
        return [read_clear(frames[0], kind).ephemeral for frames, kind in zip(self.frames, kinds, strict=True)]


@pytest.fixture
def recording() -> Recording:
    """Record a stream on which something worth stealing was said."""
    initiator, responder = make_initiator(), make_responder()
    sent: tuple[list[bytes], list[bytes]] = ([], [])

    def carry(role: int, data: bytes) -> bytes:
        sent[role].extend(FrameBuffer().feed(data))
        return data

    proof = initiator.receive(carry(1, responder.receive(carry(0, initiator.start()))))
    responder.receive(carry(0, proof))
    responder.receive(carry(0, initiator.accept()))
    initiator.receive(carry(1, responder.accept()))
    assert initiator.channel is not None
    assert responder.channel is not None
    carry(0, initiator.channel.seal(SECRET))
    carry(1, responder.channel.seal(SECRET) + responder.channel.close())
    carry(0, initiator.channel.close())
    return Recording(initiator, responder, sent)


def session_keys(shared: bytes, transcript: bytes, cluster_key: bytes) -> Iterator[bytes]:
    """Derive the keys of both directions, as PROTOCOL.md says."""
    for person in PERSONS:
        yield blake2b(shared + transcript, key=cluster_key, person=person, digest_size=32).digest()


def opened(key: bytes, frames: list[bytes]) -> list[bytes]:
    """Give the texts of those frames that a key opens, whichever place they have in their direction."""
    texts = []
    for place, frame in enumerate(frames):
        opener = FrameOpener(key)
        opener._counter = place
        try:
            kind, text = opener.open(frame)
        except MalformedMessage:
            continue
        texts.append(text if kind is FrameType.DATA else b"")
    return texts


def test_stolen_lasting_keys_open_no_recorded_stream(recording: Recording) -> None:
    """Both identities and the cluster key, in whatever way they are combined with what was recorded, open no frame."""
    disks = [Identity.from_bytes(side._identity.to_bytes()) for side in (recording.initiator, recording.responder)]
    keyring: Keyring = parse_key_file(encode_key_file(recording.initiator._keyring))
    cluster_key = keyring.key_for(keyring.primary)
    assert cluster_key is not None
    for role, kind in enumerate((TYPE_INITIATOR, TYPE_RESPONDER)):  # the hellos do open, so these are the right keys
        hello = read_clear(recording.frames[role][0], kind)
        assert choose_key(hello, keyring) == keyring.primary
        peer = open_hello(hello, keyring.primary, cluster_key, 1)
        assert peer is not None
        assert peer.id == disks[role].id
    secrets = [secret for disk in disks for secret in (disk.exchange_secret, disk.seed)] + [cluster_key]
    publics = [*recording.ephemerals(), *(exchange_key(disk.public_key) for disk in disks)]
    publics += [crypto_scalarmult_base(secret) for secret in secrets]
    shared = [crypto_scalarmult(secret, public) for secret, public in product(secrets, publics)]
    shared += [*secrets, *publics, bytes(32), b""]
    keys = {key for one in shared for key in session_keys(one, recording.transcript(), cluster_key)}
    keys |= {*secrets, *shared[: len(secrets) * len(publics)]}
    assert len(keys) > 90
    for frames in recording.frames:
        assert len(frames[1:]) == 4, "a proof, a word to accept, the secret and a close"
        assert [opened(key, frames[1:]) for key in keys] == [[]] * len(keys)


@pytest.mark.parametrize("role", [0, 1])
def test_ephemeral_secret_of_either_side_would_open_it(recording: Recording, role: int) -> None:
    """The derivation above is the right one: with either ephemeral secret it opens every frame of both directions."""
    side = (recording.initiator, recording.responder)[role]
    keyring = side._keyring
    shared = crypto_scalarmult(side._ephemeral_secret, recording.ephemerals()[1 - role])
    cluster_key = keyring.key_for(keyring.primary)
    assert cluster_key is not None
    for key, frames in zip(session_keys(shared, recording.transcript(), cluster_key), recording.frames, strict=True):
        texts = opened(key, frames[1:])
        assert len(texts) == 4
        assert SECRET in texts


def test_ephemeral_secrets_are_in_nothing_that_is_kept(recording: Recording) -> None:
    """Neither what identity and keyring write to the disk, nor what went over the wire, holds one."""
    for side in (recording.initiator, recording.responder):
        keyring = side._keyring
        kept = side._identity.to_bytes() + encode_key_file(keyring).encode() + keyring.encode_offer()
        wire = b"".join(frame for frames in recording.frames for frame in frames)
        for text in (kept, wire):
            assert side._ephemeral_secret not in text
            assert side._ephemeral_secret.hex().encode() not in text


def test_each_stream_has_ephemeral_secrets_of_its_own() -> None:
    """Chance is drawn for each side of each stream: nothing of one helps with another."""
    drawn: list[bytes] = []

    def entropy(size: int) -> bytes:
        drawn.append(bytes([len(drawn) + 1]) * size)
        return drawn[-1]

    template = make_initiator()
    sides = [Initiator(template._identity, template._keyring, template._hello, entropy) for _ in range(3)]
    assert len({side._ephemeral_secret for side in sides}) == 3
    assert {side._ephemeral_secret for side in sides} <= set(drawn)
