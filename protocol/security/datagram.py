"""Sealed datagrams: the gate that every packet leaves and enters by.

    sealed        header || nonce || AEAD(pair key; ad = header; prefix || payload)
    introduction  header || nonce || AEAD(introduction key; ad = header || receiver id;
                      record size || inner size || record || inner || zeros)
                  inner = AEAD(pair key; ad = header; prefix || payload), under the same nonce

    header  0xD1 (magic and version) | kind, 1 sealed, 2 introduction | key id (4) | sender id (16)
    nonce   incarnation at the sender's start (8) | counter (8) | random (8)
    prefix  newest key id held (4)

AEAD is XChaCha20-Poly1305; numbers are big-endian. The counter makes the nonce one that no key sees twice, and the
random part keeps it so where two processes run from copies of one disk, or two senders introduce themselves under
the one introduction key. What the replay window goes by is thus authenticated, and not said twice. An introduction
carries the sender's record and its first words together, so it is answered at once. The two seals of an
introduction have unrelated keys, so one nonce serves both.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from protocol.budget import Budget
from protocol.error import BadSignature, InvalidRequest, MalformedMessage
from protocol.security.aead import NONCE_SIZE, TAG_SIZE, open_sealed, seal
from protocol.security.identity import Entropy, Identity
from protocol.security.keyring import KEY_ID_SIZE, Keyring
from protocol.security.mute import Muted
from protocol.security.opening import DROPPED, Dropped, DropReason, Opened
from protocol.security.pair import Pair
from protocol.security.verifier import LookupKey, Verifier
from protocol.ulid import ULID_SIZE, MemberId
from protocol.wire.field import U64_MAX
from protocol.wire.statement import Record

DATAGRAM_SIZE_MAX = 1_400
"""Bytes of one datagram: passes every common path without fragments (memberlist's figure)."""

VERSION_BYTE = 0xD1
"""High half: Shoal's datagrams; low half: version 1."""
KIND_SEALED = 1
KIND_INTRODUCTION = 2

_KEY_ID_END = 2 + KEY_ID_SIZE
HEADER_SIZE = _KEY_ID_END + ULID_SIZE
_BODY_START = HEADER_SIZE + NONCE_SIZE
_COUNT = struct.Struct(">QQ")
RANDOM_SIZE = NONCE_SIZE - _COUNT.size
PREFIX_SIZE = KEY_ID_SIZE
_SIZES = struct.Struct(">HH")

SEALED_OVERHEAD = _BODY_START + TAG_SIZE + PREFIX_SIZE
"""66 bytes: what a sealed datagram adds to its payload."""
INTRODUCTION_OVERHEAD = SEALED_OVERHEAD + TAG_SIZE + _SIZES.size
"""86 bytes: what an introduction adds to record and payload."""
PAYLOAD_MAX = DATAGRAM_SIZE_MAX - SEALED_OVERHEAD

INTRODUCTION_SIZE_MIN = 512
"""Introductions are filled up to this, so that the answer, with the responder's own introduction in it,
normally has room in as many bytes as came."""
ANSWER_ROOM_MIN = 64
"""Payload bytes that an answering introduction must leave: an ack and a corrective accusation. With less,
the answer goes without our record; its receiver holds our key, or could not have sealed to us."""

PAIR_MAX = 8_192
"""Peers whose keys and windows are held, some 1.5 kB each. One that is displaced costs 80 us to make
again, and an old datagram of its may be taken once more."""
NEWCOMERS_PER_SECOND = 200
"""Records of introductions verified a second, at some 200 us each: 4 % of a core when somebody who holds
the cluster key floods; a simultaneous start of 100 nodes needs 99."""
NEWCOMERS_BURST = 400

_INTRODUCTION_PERSON = b"shoal-intro-1"


_TOO_SHORT = DROPPED[DropReason.TOO_SHORT]
_MALFORMED = DROPPED[DropReason.MALFORMED]
_UNKNOWN_KEY = DROPPED[DropReason.UNKNOWN_KEY]
_NOT_OPENED = DROPPED[DropReason.NOT_OPENED]


def _nobody(_id: MemberId) -> bool:
    return False


class DatagramGate:
    """Seals what leaves and opens what comes, for one node; holds one `Pair` for each peer."""

    def __init__(
        self,
        identity: Identity,
        keyring: Keyring,
        verifier: Verifier,
        start_incarnation: int,
        entropy: Entropy,
        lookup_key: LookupKey,
        revoked: Callable[[MemberId], bool] = _nobody,
    ) -> None:
        self._identity = identity
        self._id = identity.id
        self._keyring = keyring
        self._verifier = verifier
        self._start = start_incarnation
        self._entropy = entropy
        self._lookup_key = lookup_key
        self._revoked = revoked
        self._counter = 0
        self._pairs: OrderedDict[MemberId, Pair] = OrderedDict()
        self._muted = Muted()
        self._newcomers = Budget(1 / NEWCOMERS_PER_SECOND, NEWCOMERS_BURST)
        self._introduction_keys: dict[bytes, bytes] = {}
        self._generation = keyring.generation

    # --- leaving --------------------------------------------------------------------------------

    def seal(self, peer_id: MemberId, peer_public_key: bytes, payload: bytes, own_record_raw: bytes) -> bytes:
        """Give the datagram that carries `payload` to a peer; an introduction until it has answered.

        Raises:
            InvalidRequest: the payload is longer than `payload_max` allows.
            MalformedMessage: libsodium refuses the peer's key.
        """
        pair = self._pair(peer_id, peer_public_key)
        room, introduces = self._room(pair, len(own_record_raw))
        if len(payload) > room:
            raise InvalidRequest(f"a payload of {len(payload)} bytes, here at most {room}")
        key_id, key = pair.send_key()
        kind = b"\xd1\x02" if introduces else b"\xd1\x01"
        header = kind + key_id + self._id
        self._counter += 1
        nonce = _COUNT.pack(self._start, self._counter) + self._entropy(RANDOM_SIZE)
        inner = seal(self._keyring.newest_key_id + payload, header, nonce, key)
        if not introduces:
            return header + nonce + inner
        pair.introduced = True
        body = _SIZES.pack(len(own_record_raw), len(inner)) + own_record_raw + inner
        body = body.ljust(INTRODUCTION_SIZE_MIN - _BODY_START - TAG_SIZE, b"\x00")
        outer_key = self._introduction_key(key_id) or b""
        return header + nonce + seal(body, header + peer_id, nonce, outer_key)

    def payload_max(self, peer_id: MemberId, record_size: int) -> int:
        """Tell how many payload bytes the next datagram to this peer can carry beside our record.

        While a peer has only introduced itself, nothing longer than its introduction goes to it: its
        address is only its word.
        """
        return self._room(self._pairs.get(peer_id), record_size)[0]

    def forget_answer(self, peer_id: MemberId) -> None:
        """Introduce ourselves to this peer again: it did not answer, so it may not know us or our keys."""
        pair = self._pairs.get(peer_id)
        if pair is not None:
            pair.answered = pair.introduced = False
            pair.show(None)

    def forget_peer(self, peer_id: MemberId) -> None:
        """Drop keys and window of a peer that is gone for good."""
        self._pairs.pop(peer_id, None)

    def restart(self, start_incarnation: int) -> None:
        """Count anew under a larger incarnation: peers remember a later start of ours than this one's.

        Raises:
            InvalidRequest: not larger than the present one, or beyond 64 bits.
        """
        if not self._start < start_incarnation <= U64_MAX:
            raise InvalidRequest(f"{start_incarnation} does not follow the start {self._start}")
        self._start = start_incarnation
        self._counter = 0

    # --- entering -------------------------------------------------------------------------------

    def open(self, now: float, datagram: bytes) -> Opened | Dropped:
        """Open a datagram; `now` in seconds, monotonic. Raises nothing, whatever the bytes."""
        size = len(datagram)
        if size < SEALED_OVERHEAD:
            return _TOO_SHORT
        if size > DATAGRAM_SIZE_MAX:
            return DROPPED[DropReason.TOO_LONG]
        if datagram[0] != VERSION_BYTE:
            return DROPPED[DropReason.VERSION]
        sender = MemberId(datagram[_KEY_ID_END:HEADER_SIZE])
        if sender == self._id:
            return DROPPED[DropReason.OWN_ECHO]
        if self._muted and self._muted.covers(now, sender):
            return DROPPED[DropReason.MUTED]
        if self._revoked(sender):
            return DROPPED[DropReason.REVOKED]
        if self._generation != self._keyring.generation:
            self._drop_keys()
        kind = datagram[1]
        if kind == KIND_SEALED:
            return self._open_sealed(sender, datagram)
        if kind == KIND_INTRODUCTION:
            return self._open_introduction(now, sender, datagram)
        return _MALFORMED

    def mute(self, peer_id: MemberId, until: float) -> None:
        """Drop what this peer sends until then: it relayed what it cannot have verified."""
        self._muted.add(peer_id, until)

    def shown_key(self, peer_id: MemberId) -> bytes | None:
        """Tell the id of the newest key this peer has shown since our start or its last silence."""
        pair = self._pairs.get(peer_id)
        return None if pair is None else pair.shown_key_id

    # --- inside ---------------------------------------------------------------------------------

    def _open_sealed(self, sender: MemberId, datagram: bytes) -> Opened | Dropped:
        pair = self._pairs.get(sender)
        if pair is None:
            public_key = self._lookup_key(sender)
            if public_key is None:
                return DROPPED[DropReason.UNKNOWN_SENDER]
            try:
                pair = self._pair(sender, public_key)
            except MalformedMessage:
                return _MALFORMED
        else:
            self._pairs.move_to_end(sender)
        header, nonce = datagram[:HEADER_SIZE], datagram[HEADER_SIZE:_BODY_START]
        opened = self._open_inner(sender, pair, header, nonce, datagram[_BODY_START:])
        if type(opened) is Opened:
            pair.answered = True
            pair.introduction_size = 0
        return opened

    def _open_introduction(self, now: float, sender: MemberId, datagram: bytes) -> Opened | Dropped:
        header, nonce = datagram[:HEADER_SIZE], datagram[HEADER_SIZE:_BODY_START]
        key = self._introduction_key(header[2:_KEY_ID_END])
        if key is None:
            return _UNKNOWN_KEY
        body = open_sealed(datagram[_BODY_START:], header + self._id, nonce, key)
        if body is None:
            return _NOT_OPENED
        parts = _cut_introduction(body)
        if parts is None:
            return _MALFORMED
        record = self._open_record(now, parts[0])
        if not isinstance(record, Record):
            return record
        if record.id != sender:
            return _MALFORMED
        try:
            pair = self._pair(sender, record.public_key)
        except MalformedMessage:
            return _MALFORMED
        opened = self._open_inner(sender, pair, header, nonce, parts[1])
        if type(opened) is not Opened:
            return opened
        pair.answered = pair.answered or pair.introduced
        pair.introduction_size = 0 if pair.answered else len(datagram)
        return opened._replace(introduction=record)

    def _open_record(self, now: float, raw: bytes) -> Record | Dropped:
        """Verify an introduction's record; one seen before costs nothing of the budget.

        A bad signature here mutes nobody: whoever holds a cluster key can write any sender's id.
        """
        statement = self._verifier.recall(raw)
        if statement is None:
            if not self._newcomers.take(now):
                return DROPPED[DropReason.INTRODUCTION_BUDGET]
            try:
                statement = self._verifier.open_statement(raw)
            except MalformedMessage:
                return _MALFORMED
            except BadSignature:
                return DROPPED[DropReason.BAD_SIGNATURE]
        return statement if isinstance(statement, Record) else _MALFORMED

    def _open_inner(self, sender: MemberId, pair: Pair, header: bytes, nonce: bytes, sealed: bytes) -> Opened | Dropped:
        """Open the pair-sealed part and take note of what its nonce and prefix say."""
        key = pair.receive_key(header[2:_KEY_ID_END])
        if key is None:
            return _UNKNOWN_KEY
        text = open_sealed(sealed, header, nonce, key)
        if text is None:
            return _NOT_OPENED
        start, counter = _COUNT.unpack_from(nonce)
        newest_key_id = text[:PREFIX_SIZE]
        window = pair.window
        if start > window.start >= 0:  # it restarted, and has perhaps forgotten us
            pair.answered = pair.introduced = False
        if not window.accept(start, counter):
            return DROPPED[DropReason.REPLAYED]
        if newest_key_id != pair.shown_key_id:
            pair.show(newest_key_id)
        return Opened(sender, text[PREFIX_SIZE:], None, newest_key_id)

    def _room(self, pair: Pair | None, record_size: int) -> tuple[int, bool]:
        """Tell the largest payload of the next datagram, and whether it is an introduction."""
        if pair is not None and pair.answered:
            return PAYLOAD_MAX, False
        allowed = DATAGRAM_SIZE_MAX
        if pair is not None and pair.introduction_size:
            allowed = pair.introduction_size
            if allowed - INTRODUCTION_OVERHEAD - record_size < ANSWER_ROOM_MIN:
                return allowed - SEALED_OVERHEAD, False
        return allowed - INTRODUCTION_OVERHEAD - record_size, True

    def _pair(self, peer_id: MemberId, public_key: bytes) -> Pair:
        """Give the peer's pair, made now if need be, as the one used last.

        Raises:
            MalformedMessage: libsodium refuses the peer's key.
        """
        if self._generation != self._keyring.generation:
            self._drop_keys()
        pair = self._pairs.get(peer_id)
        if pair is not None and pair.public_key == public_key:
            self._pairs.move_to_end(peer_id)
            return pair
        pair = Pair(self._identity, self._keyring, peer_id, public_key)
        self._pairs[peer_id] = pair
        if len(self._pairs) > PAIR_MAX:
            self._pairs.popitem(last=False)
        return pair

    def _introduction_key(self, key_id: bytes) -> bytes | None:
        """Give the key that seals introductions under a held cluster key."""
        key = self._introduction_keys.get(key_id)
        if key is None:
            cluster_key = self._keyring.key_for(key_id)
            if cluster_key is None:
                return None
            text = self._keyring.cluster_id
            key = blake2b(text, key=cluster_key, person=_INTRODUCTION_PERSON, digest_size=32).digest()
            self._introduction_keys[key_id] = key
        return key

    def _drop_keys(self) -> None:
        """Forget what was derived from keys that may be retired by now."""
        self._generation = self._keyring.generation
        self._introduction_keys.clear()
        for pair in self._pairs.values():
            pair.drop_keys()


def _cut_introduction(body: bytes) -> tuple[bytes, bytes] | None:
    """Cut the record and the inner seal out of an introduction; None when the sizes do not fit."""
    if len(body) < _SIZES.size:
        return None
    record_size, inner_size = _SIZES.unpack_from(body)
    record_end = _SIZES.size + record_size
    end = record_end + inner_size
    if inner_size < TAG_SIZE + PREFIX_SIZE or end > len(body):
        return None
    return body[_SIZES.size : record_end], body[record_end:end]
