"""Muted senders."""

from protocol.security.mute import MUTED_MAX, Muted
from protocol.ulid import MemberId


def test_muted_lasts_until_its_end() -> None:
    """A mute holds up to its end and is then forgotten; a shorter one does not cut it."""
    muted, id = Muted(), MemberId(b"m" * 16)
    muted.add(id, 60.0)
    muted.add(id, 30.0)
    assert muted.covers(59.9, id)
    assert not muted.covers(60.0, id)
    assert len(muted) == 0


def test_muted_is_bounded() -> None:
    """Beyond the bound the mute that ends first goes."""
    muted = Muted()
    ids = [MemberId(number.to_bytes(16, "big")) for number in range(MUTED_MAX + 1)]
    for number, id in enumerate(ids):
        muted.add(id, 100.0 + number)
    assert len(muted) == MUTED_MAX
    assert not muted.covers(0.0, ids[0])
    assert muted.covers(0.0, ids[1])
