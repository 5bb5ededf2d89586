"""The handshake of a stream, without I/O: two state machines that make a channel or say why not.

    initiator                                responder
    hello (clear, and sealed under the cluster keys)  ->
                                             <-  hello, and its proof
    its proof                                         ->
    accept or refuse                         <->  accept or refuse

A proof is a signature over the whole transcript (both hellos), under the label of the signer's role. It,
and what follows, is sealed with session keys, one per direction, made of the ephemeral keys, the cluster
key and the transcript: so a replayed hello brings an answer that its sender cannot read, and later theft
of any lasting key opens no stream of the past.

Both sides check in this order: key, version, cluster, signature (here), then revoked, license, limit and
name (outside): a machine stops in `DECIDING` with `peer` filled in and waits for `accept` or `refuse`.
"""

from abc import ABC, abstractmethod
from hashlib import blake2b
from typing import ClassVar

from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import CryptoError

from protocol.error import InvalidRequest, MalformedMessage
from protocol.refusal import Refusal
from protocol.security.aead import KEY_SIZE
from protocol.security.channel import Channel, FrameOpener, FrameSealer, FrameType
from protocol.security.handshake_failure import HandshakeFailed, HandshakeRefused, OwnEcho, WrongPeer
from protocol.security.handshake_state import INITIATOR_TABLE, OWN_ACTS, RESPONDER_TABLE, Event, State, Table
from protocol.security.hello import (
    HELLO_SIZE_MAX,
    TYPE_INITIATOR,
    TYPE_RESPONDER,
    OwnHello,
    PeerHello,
    SealedHello,
    choose_key,
    choose_version,
    encode_hello,
    encode_refusal,
    open_hello,
    read_clear,
    read_refusal,
)
from protocol.security.identity import Entropy, Identity, commits, exchange_key, is_signed
from protocol.security.keyring import Keyring
from protocol.ulid import MemberId
from protocol.wire.framing import LENGTH_SIZE, FrameBuffer, encode_frame
from protocol.wire.statement import SIGNATURE_SIZE

_TRANSCRIPT_PERSON = b"shoal-transcript"
_SESSION_PERSONS = (b"shoal-stream-i2r", b"shoal-stream-r2i")
_PROOF_LABELS = (b"shoal handshake 1 initiator\x00", b"shoal handshake 1 responder\x00")


_HEARD = {
    FrameType.PROOF: Event.HEAR_PROOF,
    FrameType.ACCEPT: Event.HEAR_ACCEPT,
    FrameType.REFUSE: Event.HEAR_REFUSE,
}
_DEAF = frozenset({State.IDLE, State.ESTABLISHED, State.FAILED})


class _Side(ABC):
    """What both sides of a handshake share."""

    _table: ClassVar[Table]
    _role: ClassVar[int]
    """0 initiator, 1 responder: which label and which session key is ours."""

    def __init__(self, identity: Identity, keyring: Keyring, hello: OwnHello, entropy: Entropy, state: State) -> None:
        self._identity = identity
        self._keyring = keyring
        self._hello = hello
        self._entropy = entropy
        self._ephemeral_secret = entropy(KEY_SIZE)
        self._ephemeral = crypto_scalarmult_base(self._ephemeral_secret)
        self._buffer = FrameBuffer(HELLO_SIZE_MAX)
        self._own_frame = b""
        self._transcript = b""
        self._sealer: FrameSealer | None = None
        self._opener: FrameOpener | None = None
        self.state = state
        self.peer: PeerHello | None = None
        """Who the peer is; proven from `DECIDING` on, None before."""
        self.channel: Channel | None = None
        """The stream, once established."""
        self._claimed: PeerHello | None = None

    def receive(self, data: bytes) -> bytes:
        """Take bytes off the stream and give the bytes to send.

        Raises:
            MalformedMessage: the peer does not speak this protocol, or broke it.
            HandshakeRefused: by the peer, or by us; `reply` is to be sent first.
            OwnEcho: the peer is this node.
            WrongPeer: an initiator met another member than the expected one.
            InvalidRequest: before `start`, or after the handshake ended: from then on the bytes are the
                channel's.
        """
        if self.state in _DEAF:
            raise InvalidRequest(f"a handshake that is {self.state.name.lower()} takes no bytes")
        self._buffer.append(data)
        reply = b""
        try:
            while self.state not in _DEAF and (frame := self._buffer.next_frame()) is not None:
                reply += self._take(frame)
        except MalformedMessage:
            self._fail()
            raise
        except HandshakeFailed as failed:
            self._fail()
            failed.reply = reply + failed.reply
            raise
        return reply

    def accept(self) -> bytes:
        """Say yes to the peer; gives the bytes to send.

        Raises:
            InvalidRequest: there is nothing to decide in this state.
        """
        self._step(Event.ACCEPT)
        frame = self._seal(FrameType.ACCEPT)
        self._open_channel()
        return frame

    def refuse(self, reason: Refusal) -> bytes:
        """Say no to the peer; gives the bytes to send before the stream is closed.

        Raises:
            InvalidRequest: there is nothing to decide in this state.
        """
        self._step(Event.REFUSE)
        return self._seal(FrameType.REFUSE, reason.value.encode())

    # --- inside ---------------------------------------------------------------------------------

    def _step(self, event: Event) -> None:
        """Go to the next state by the table; stay when there is none."""
        state = self._table.get((self.state, event))
        if state is not None:
            self.state = state
        elif event in OWN_ACTS:
            raise InvalidRequest(f"{event.name.lower()}: not while the handshake is {self.state.name.lower()}")
        else:
            raise MalformedMessage(f"{event.name.lower()}: not while the handshake is {self.state.name.lower()}")

    def _fail(self) -> None:
        if self.state is not State.FAILED:
            self._step(Event.FAULT)

    def _take(self, frame: bytes) -> bytes:
        """Handle one frame of the peer's."""
        if self._opener is None:
            return self._take_clear(frame)
        kind, text = self._opener.open(frame)
        event = _HEARD.get(kind)
        if event is None:
            raise MalformedMessage(f"a frame of type {kind.name} before the handshake was over")
        self._step(event)
        if kind is FrameType.PROOF:
            self._check_proof(text)
            return self._after_proof()
        if kind is FrameType.REFUSE:
            raise HandshakeRefused(_read_reason(text), by_peer=True)
        if text:
            raise MalformedMessage("an accept with something in it")
        self._open_channel()
        return b""

    @abstractmethod
    def _take_clear(self, frame: bytes) -> bytes:
        """Handle the frame before there are session keys; gives what to answer."""

    @abstractmethod
    def _after_proof(self) -> bytes:
        """Check and say what comes after the peer's proof was found good."""

    def _seal(self, kind: FrameType, text: bytes = b"") -> bytes:
        if self._sealer is None:
            raise InvalidRequest("nothing can be sealed before both hellos are there")
        return self._sealer.seal(kind, text)

    def _say_hello(self, kind: int, key_ids: tuple[bytes, ...]) -> bytes:
        self._own_frame = encode_hello(
            kind, self._hello, self._identity, self._keyring, key_ids, self._ephemeral, self._entropy
        )
        return encode_frame(self._own_frame)

    def _bind(self, hello: SealedHello, peer_frame: bytes, cluster_key: bytes) -> None:
        """Make transcript and session keys of both hellos."""
        frames = (peer_frame, self._own_frame) if self._role else (self._own_frame, peer_frame)
        text = b"".join(len(frame).to_bytes(LENGTH_SIZE, "big") + frame for frame in frames)
        self._transcript = blake2b(text, person=_TRANSCRIPT_PERSON).digest()
        try:
            shared = crypto_scalarmult(self._ephemeral_secret, hello.ephemeral)
        except CryptoError:
            raise MalformedMessage("the ephemeral key is no point that libsodium accepts") from None
        keys = [
            blake2b(shared + self._transcript, key=cluster_key, person=person, digest_size=KEY_SIZE).digest()
            for person in _SESSION_PERSONS
        ]
        self._sealer = FrameSealer(keys[self._role])
        self._opener = FrameOpener(keys[1 - self._role])

    def _prove(self) -> bytes:
        """Give the frame that proves who we are."""
        return self._seal(FrameType.PROOF, self._identity.sign(self._proof_text(self._role)))

    def _proof_text(self, role: int) -> bytes:
        return _PROOF_LABELS[role] + self._keyring.cluster_id + self._transcript

    def _check_proof(self, signature: bytes) -> None:
        """Accept the peer's signature, after which `peer` is who it says."""
        peer = self._claimed
        if peer is None or len(signature) != SIGNATURE_SIZE:
            raise MalformedMessage(f"a proof of {len(signature)} bytes, not {SIGNATURE_SIZE}")
        exchange_key(peer.public_key)
        text = self._proof_text(1 - self._role)
        if not (commits(peer.id, peer.public_key) and is_signed(signature, text, peer.public_key)):
            reply = self._seal(FrameType.REFUSE, Refusal.BAD_SIGNATURE.value.encode())
            raise HandshakeRefused(Refusal.BAD_SIGNATURE, by_peer=False, reply=reply)
        self.peer = peer

    def _open_channel(self) -> None:
        if self.state is State.ESTABLISHED and self._sealer is not None and self._opener is not None:
            self.channel = Channel(self._sealer, self._opener, self._buffer.take_rest())


class Initiator(_Side):
    """The side that dialled."""

    _table = INITIATOR_TABLE
    _role = 0

    def __init__(
        self,
        identity: Identity,
        keyring: Keyring,
        hello: OwnHello,
        entropy: Entropy,
        expected_id: MemberId | None = None,
    ) -> None:
        """Prepare a handshake; `hello` names a purpose, `expected_id` whom the contact is meant for."""
        if hello.purpose is None:
            raise InvalidRequest("an initiator says what it opens the stream for")
        super().__init__(identity, keyring, hello, entropy, State.IDLE)
        self._expected_id = expected_id

    def start(self) -> bytes:
        """Give the first bytes to send.

        Raises:
            InvalidRequest: it was started before.
        """
        self._step(Event.START)
        return self._say_hello(TYPE_INITIATOR, self._keyring.key_ids)

    def _take_clear(self, frame: bytes) -> bytes:
        refusal = read_refusal(frame)
        if refusal is not None:
            self._step(Event.HEAR_CLEAR_REFUSAL)
            raise HandshakeRefused(refusal, by_peer=True)
        if frame == self._own_frame:
            raise OwnEcho(mirrored=True)
        hello = read_clear(frame, TYPE_RESPONDER)
        if hello.ephemeral == self._ephemeral:
            raise OwnEcho(mirrored=True)
        self._step(Event.HEAR_HELLO)
        key_id = choose_key(hello, self._keyring)
        cluster_key = self._keyring.key_for(key_id) if key_id is not None else None
        if key_id is None or cluster_key is None:
            raise HandshakeRefused(Refusal.UNKNOWN_KEY, by_peer=False)
        version = choose_version(hello, self._hello.versions)
        if version is None:
            raise HandshakeRefused(Refusal.VERSION, by_peer=False)
        peer = open_hello(hello, key_id, cluster_key, version)
        if peer is None:
            raise MalformedMessage("the responder's hello does not open: changed on the way")
        if peer.cluster_id != self._keyring.cluster_id:
            raise HandshakeRefused(Refusal.CLUSTER_MISMATCH, by_peer=False)
        if peer.id == self._identity.id:
            raise OwnEcho
        self._claimed = peer
        self._bind(hello, frame, cluster_key)
        return b""

    def _after_proof(self) -> bytes:
        if self._expected_id is not None and self.peer is not None and self.peer.id != self._expected_id:
            raise WrongPeer(self._expected_id, self.peer)
        return self._prove()


class Responder(_Side):
    """The side that was dialled; before a hello opened under a cluster key it says nothing of itself."""

    _table = RESPONDER_TABLE
    _role = 1

    def __init__(
        self, identity: Identity, keyring: Keyring, hello: OwnHello, entropy: Entropy, busy: bool = False
    ) -> None:
        """Wait for a hello; one that is `busy` answers just that."""
        super().__init__(identity, keyring, hello, entropy, State.HELLO_AWAITED)
        self._busy = busy

    def _take_clear(self, frame: bytes) -> bytes:
        hello = read_clear(frame, TYPE_INITIATOR)
        self._step(Event.HEAR_HELLO)
        if self._busy:
            raise _refused_in_clear(Refusal.BUSY)
        key_id = choose_key(hello, self._keyring)
        cluster_key = self._keyring.key_for(key_id) if key_id is not None else None
        if key_id is None or cluster_key is None:
            raise _refused_in_clear(Refusal.UNKNOWN_KEY)
        version = choose_version(hello, self._hello.versions)
        if version is None:
            raise _refused_in_clear(Refusal.VERSION)
        peer = open_hello(hello, key_id, cluster_key, version)
        if peer is None:
            raise _refused_in_clear(Refusal.UNKNOWN_KEY)
        answer = self._say_hello(TYPE_RESPONDER, (key_id,))
        if peer.cluster_id != self._keyring.cluster_id:  # our hello tells the initiator the same
            raise HandshakeRefused(Refusal.CLUSTER_MISMATCH, by_peer=False, reply=answer)
        if peer.id == self._identity.id:  # and here that it met itself
            raise OwnEcho(answer)
        self._claimed = peer
        self._bind(hello, frame, cluster_key)
        return answer + self._prove()

    def _after_proof(self) -> bytes:
        return b""


def _refused_in_clear(reason: Refusal) -> HandshakeRefused:
    return HandshakeRefused(reason, by_peer=False, reply=encode_frame(encode_refusal(reason)))


def _read_reason(text: bytes) -> Refusal:
    try:
        return Refusal(text.decode())
    except ValueError:
        raise MalformedMessage("a refusal for no known reason") from None
