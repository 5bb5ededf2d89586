"""Channels: in order, unchanged, and ended by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest, MalformedMessage
from protocol.security.channel import CHANNEL_TEXT_MAX, Channel, FrameOpener, FrameSealer, FrameType
from protocol.wire.framing import FRAME_SIZE_MAX, encode_frame

KEYS = (bytes(32), bytes(range(32)))


def make_channels() -> tuple[Channel, Channel]:
    """Give both ends of a channel."""
    return (
        Channel(FrameSealer(KEYS[0]), FrameOpener(KEYS[1])),
        Channel(FrameSealer(KEYS[1]), FrameOpener(KEYS[0])),
    )


@given(st.lists(st.binary(max_size=100), max_size=6), st.integers(1, 50))
def test_channel_carries_texts_in_order(texts: list[bytes], step: int) -> None:
    """Law: whatever is sealed comes out at the other end, however the stream is cut."""
    here, there = make_channels()
    stream = b"".join(map(here.seal, texts)) + here.close()
    found = [text for at in range(0, len(stream), step) for text in there.receive(stream[at : at + step])]
    assert found == texts
    assert there.closed_by_peer


def test_channel_tells_truncation_from_close() -> None:
    """A stream that ends without the closing frame was cut."""
    here, there = make_channels()
    stream = here.seal(b"all") + here.close()
    assert there.receive(stream[:-1]) == [b"all"]
    assert not there.closed_by_peer
    assert there.receive(stream[-1:]) == []
    assert there.closed_by_peer


def test_channel_refuses_frames_dropped_repeated_swapped_reflected() -> None:
    """Any frame but the next one does not open."""
    for choose in ((1,), (0, 0), (1, 0)):
        here, there = make_channels()
        frames = (here.seal(b"first"), here.seal(b"second"))
        with pytest.raises(MalformedMessage):
            there.receive(b"".join(frames[index] for index in choose))
    here, _ = make_channels()
    with pytest.raises(MalformedMessage):
        here.receive(here.seal(b"echo"))


@given(st.integers(0, (4 + 16 + 1 + 4) * 8 - 1))
def test_channel_delivers_nothing_changed(bit: int) -> None:
    """Law: a frame with any bit changed is refused, or waits for a length that never comes."""
    here, there = make_channels()
    frame = here.seal(b"text")
    mutated = (int.from_bytes(frame, "big") ^ 1 << bit).to_bytes(len(frame), "big")
    try:
        assert there.receive(mutated) == []
    except MalformedMessage:
        return
    assert not there.closed_by_peer


@given(st.binary(max_size=200))
def test_channel_survives_arbitrary_bytes(data: bytes) -> None:
    """Only MalformedMessage may come out."""
    _, there = make_channels()
    try:
        assert there.receive(data) == []
    except MalformedMessage:
        assert not there.closed_by_peer


def test_channel_bounds_are_exact() -> None:
    """The longest text fills the largest frame; one byte more is refused on either side."""
    here, there = make_channels()
    frame = here.seal(bytes(CHANNEL_TEXT_MAX))
    assert len(frame) == 4 + FRAME_SIZE_MAX
    assert there.receive(frame) == [bytes(CHANNEL_TEXT_MAX)]
    with pytest.raises(InvalidRequest):
        here.seal(bytes(CHANNEL_TEXT_MAX + 1))
    with pytest.raises(MalformedMessage):
        there.receive((FRAME_SIZE_MAX + 1).to_bytes(4, "big"))


def test_channel_says_nothing_after_its_close() -> None:
    """A closed end seals no more, closes once, and accepts nothing after the peer's close."""
    here, there = make_channels()
    close = here.close()
    assert here.close() == b""
    with pytest.raises(InvalidRequest):
        here.seal(b"late")
    there.receive(close)
    with pytest.raises(MalformedMessage, match="after"):
        there.receive(encode_frame(bytes(20)))


@pytest.mark.parametrize(
    ("kind", "text"),
    [(FrameType.PROOF, b""), (FrameType.ACCEPT, b""), (FrameType.REFUSE, b"busy"), (FrameType.CLOSE, b"text")],
)
def test_channel_refuses_frames_of_the_handshake(kind: FrameType, text: bytes) -> None:
    """Genuine frames of another kind, or a close with something in it, have no place here."""
    _, there = make_channels()
    with pytest.raises(MalformedMessage):
        there.receive(FrameSealer(KEYS[0]).seal(kind, text))


def test_channel_refuses_unknown_types_and_empty_seals() -> None:
    """A type beyond the known ones, and a seal around nothing, are malformed."""
    from protocol.security import aead

    for text in (b"\x05", b""):
        _, there = make_channels()
        with pytest.raises(MalformedMessage):
            there.receive(encode_frame(aead.seal(text, b"", bytes(24), KEYS[0])))
