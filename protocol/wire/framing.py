"""Cutting a stream into frames: a length of 4 bytes, big-endian, then so many bytes."""

import struct

from protocol.error import MalformedMessage

FRAME_SIZE_MAX = 64 * 1024
"""Largest frame of a channel: some 3,000 ids of a sync, and small enough to hold one for every stream."""

LENGTH_SIZE = 4
"""Four bytes: the first letters of HTTP, TLS or SSH read as a length are beyond any bound, so a
stranger's protocol is refused at its fourth byte."""

_LENGTH = struct.Struct(">I")


def encode_frame(body: bytes) -> bytes:
    """Put the length before a frame's bytes."""
    return _LENGTH.pack(len(body)) + body


class FrameBuffer:
    """Collects what a stream delivers and gives out whole frames, at most `size_max` bytes each.

    A length is checked as soon as its 4 bytes are there, so a peer never makes us hold more than one
    frame and the chunk that was read last.
    """

    __slots__ = ("_bytes", "_size_max")

    def __init__(self, size_max: int = FRAME_SIZE_MAX) -> None:
        self._size_max = size_max
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and give every frame they complete, in order.

        Raises:
            MalformedMessage: a frame is announced as empty or longer than the bound. The stream is lost.
        """
        self.append(data)
        frames = []
        while (frame := self.next_frame()) is not None:
            frames.append(frame)
        return frames

    def append(self, data: bytes) -> None:
        """Take bytes without looking at them."""
        self._bytes += data

    def next_frame(self) -> bytes | None:
        """Cut off the first whole frame; None while it is not complete.

        Raises:
            MalformedMessage: as `feed`.
        """
        held = self._bytes
        if len(held) < LENGTH_SIZE:
            return None
        (size,) = _LENGTH.unpack_from(held)
        if not 1 <= size <= self._size_max:
            raise MalformedMessage(f"a frame of {size} bytes, allowed are 1 to {self._size_max}")
        end = LENGTH_SIZE + size
        if len(held) < end:
            return None
        frame = bytes(held[LENGTH_SIZE:end])
        del held[:end]
        return frame

    def take_rest(self) -> bytes:
        """Give up what was fed and not yet given out as a frame."""
        rest = bytes(self._bytes)
        self._bytes.clear()
        return rest
