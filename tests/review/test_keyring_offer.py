"""A keyring that one member offers to all the others."""

import pytest

from protocol.error import MalformedMessage
from protocol.security.keyring import STAMP_MAX, Keyring
from tests.protocol.security.sample import NOW_MS, make_keyring

DAY_MS = 86_400_000


def stamped(held: Keyring, stamp: int) -> bytes:
    """Offer the cluster a key in use since a time of the offerer's choice."""
    return Keyring.from_keys(held.cluster_id, [(stamp, b"k" * 32)], 0, stamp).encode_offer()


def test_offer_from_the_end_of_time_does_not_end_rotation() -> None:
    """Nothing could ever follow it: no key could be used, added or retired again."""
    held = make_keyring()
    before = held.digest
    for stamp in (STAMP_MAX, NOW_MS + DAY_MS + 1):
        with pytest.raises(MalformedMessage, match="future"):
            held.merge_offer(stamped(held, stamp), NOW_MS + DAY_MS)
    assert held.digest == before


def test_offer_of_a_fast_clock_is_taken_and_can_be_followed() -> None:
    """A change stamped within a day can be undone by one that is stamped later."""
    held = make_keyring()
    own = held.primary
    assert held.merge_offer(stamped(held, NOW_MS + DAY_MS), NOW_MS + DAY_MS)
    assert held.primary != own
    held.use(own, NOW_MS)
    assert held.primary == own
