"""Frames are cut off a stream wherever its chunks end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import MalformedMessage
from protocol.wire.framing import FRAME_SIZE_MAX, FrameBuffer, encode_frame

bodies = st.lists(st.binary(min_size=1, max_size=50), max_size=6)


@given(bodies, st.lists(st.integers(1, 20), min_size=1, max_size=40))
def test_framing_gives_the_same_frames_however_the_stream_is_cut(frames: list[bytes], cuts: list[int]) -> None:
    """Chunk by chunk, or all at once."""
    stream = b"".join(encode_frame(body) for body in frames)
    buffer, got, place = FrameBuffer(), [], 0
    for cut in cuts:
        got += buffer.feed(stream[place : place + cut])
        place += cut
    got += buffer.feed(stream[place:])
    assert got == frames
    assert buffer.take_rest() == b""


@pytest.mark.parametrize("size", [0, FRAME_SIZE_MAX + 1, 0xFFFFFFFF])
def test_framing_refuses_a_length_out_of_bounds_at_its_fourth_byte(size: int) -> None:
    """Before any of the body has come."""
    buffer = FrameBuffer()
    assert buffer.feed(size.to_bytes(4, "big")[:3]) == []
    with pytest.raises(MalformedMessage, match=str(FRAME_SIZE_MAX)):
        buffer.feed(size.to_bytes(4, "big")[3:])


def test_framing_takes_the_largest_frame() -> None:
    """64 KiB exactly."""
    body = bytes(FRAME_SIZE_MAX)
    assert FrameBuffer().feed(encode_frame(body)) == [body]


def test_framing_refuses_http_at_once() -> None:
    """The first letters of another protocol read as a length beyond any bound."""
    with pytest.raises(MalformedMessage):
        FrameBuffer().feed(b"GET ")


def test_framing_gives_up_the_rest() -> None:
    """What is not a whole frame yet can be handed to whoever reads on."""
    buffer = FrameBuffer()
    assert buffer.feed(encode_frame(b"one") + b"\x00\x00") == [b"one"]
    assert buffer.take_rest() == b"\x00\x00"
    assert buffer.take_rest() == b""
