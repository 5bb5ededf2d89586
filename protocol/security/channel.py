"""A stream after its handshake: frames sealed in order, ended by a frame that says so.

    frame = length (4) || AEAD(session key of the direction; nonce = 16 zeros || counter (8); type || text)

The counter begins at 0 with the first sealed frame of the handshake and never repeats, so a frame that was
dropped, repeated, moved or changed does not open. The session keys are this stream's alone.
"""

import struct
from enum import IntEnum

from protocol.error import InvalidRequest, MalformedMessage
from protocol.security.aead import TAG_SIZE, open_sealed, seal
from protocol.wire.framing import FRAME_SIZE_MAX, FrameBuffer, encode_frame

CHANNEL_TEXT_MAX = FRAME_SIZE_MAX - TAG_SIZE - 1
"""Longest plaintext of one frame."""

_NONCE = struct.Struct(">16xQ")


class FrameType(IntEnum):
    """First byte inside the seal."""

    DATA = 0
    CLOSE = 1
    PROOF = 2
    ACCEPT = 3
    REFUSE = 4


class FrameSealer:
    """Seals one direction of a stream."""

    __slots__ = ("_counter", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0

    def seal(self, kind: FrameType, text: bytes = b"") -> bytes:
        """Give the next frame, its length included."""
        nonce = _NONCE.pack(self._counter)
        self._counter += 1
        return encode_frame(seal(bytes((kind,)) + text, b"", nonce, self._key))


class FrameOpener:
    """Opens one direction of a stream."""

    __slots__ = ("_counter", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0

    def open(self, frame: bytes) -> tuple[FrameType, bytes]:
        """Give type and text of the next frame (its length cut off).

        Raises:
            MalformedMessage: it is not the frame the peer sealed next, or of no known type.
        """
        if len(frame) <= TAG_SIZE:
            raise MalformedMessage(f"a sealed frame of {len(frame)} bytes, more than {TAG_SIZE} are needed")
        text = open_sealed(frame, b"", _NONCE.pack(self._counter), self._key)
        if text is None:
            raise MalformedMessage("a frame does not open: changed, repeated or lost on the way")
        self._counter += 1
        try:
            return FrameType(text[0]), text[1:]
        except ValueError:
            raise MalformedMessage(f"a frame of type {text[0]}, known are 0 to {len(FrameType) - 1}") from None


class Channel:
    """Both directions of an established stream; bytes in, bytes out."""

    __slots__ = ("_buffer", "_closed", "_opener", "_sealer", "closed_by_peer")

    def __init__(self, sealer: FrameSealer, opener: FrameOpener, rest: bytes = b"") -> None:
        """Go on where a handshake ended; `rest` are bytes that came behind it."""
        self._sealer = sealer
        self._opener = opener
        self._buffer = FrameBuffer(FRAME_SIZE_MAX)
        self._buffer.append(rest)
        self._closed = False
        self.closed_by_peer = False
        """Whether the peer said that it is done. An end of the stream without it is a truncation."""

    def seal(self, text: bytes) -> bytes:
        """Give the frame that carries `text`, ready for the wire.

        Raises:
            InvalidRequest: over `CHANNEL_TEXT_MAX` bytes, or after `close`.
        """
        if self._closed:
            raise InvalidRequest("the channel is closed")
        if len(text) > CHANNEL_TEXT_MAX:
            raise InvalidRequest(f"a frame of {len(text)} bytes, at most {CHANNEL_TEXT_MAX}")
        return self._sealer.seal(FrameType.DATA, text)

    def close(self) -> bytes:
        """Give the frame that ends this direction; nothing the second time."""
        if self._closed:
            return b""
        self._closed = True
        return self._sealer.seal(FrameType.CLOSE)

    def receive(self, data: bytes) -> list[bytes]:
        """Take bytes off the stream and give the plaintexts they complete, in order.

        Call it once with b"" first: frames may have come behind the handshake.

        Raises:
            MalformedMessage: a frame too long, changed, out of order, or after the peer's close. The
                stream is lost.
        """
        texts = []
        for frame in self._buffer.feed(data):
            if self.closed_by_peer:
                raise MalformedMessage("a frame after the one that closed the channel")
            kind, text = self._opener.open(frame)
            if kind is FrameType.DATA:
                texts.append(text)
            elif kind is FrameType.CLOSE and not text:
                self.closed_by_peer = True
            else:
                raise MalformedMessage(f"a frame of type {kind.name} in an open channel")
        return texts
