"""A keyring that one member offers to all the others."""

from pathlib import Path

import pytest

from node import Config, open_node
from node.driver import OFFERS_BURST
from protocol.error import MalformedMessage
from protocol.security.keyring import STAMP_MAX, Keyring
from protocol.swim.effect import KeyringReceived
from tests.protocol.security.sample import NOW_MS, make_keyring
from tests.protocol.wire.sample import author

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


async def test_offers_of_one_member_are_taken_at_a_bounded_pace(tmp_path: Path) -> None:
    """Each change is written to the disk and told to all: a thousand a second would be."""
    async with open_node(Config.local(name="a", bind="127.0.0.1:0", data_dir=tmp_path / "a")) as node:
        driver = node.driver
        other = Keyring.from_offer(driver.keyring.encode_offer())
        before = driver.keyring.generation
        for serial in range(100):
            other.use(other.key_ids[-1], NOW_MS)
            other.add(serial.to_bytes(32, "big"), NOW_MS)
            other.retire(other.key_ids[-1], NOW_MS)
            driver.perform([KeyringReceived(author(2).id, other.encode_offer())])
        assert driver.keyring.generation - before <= OFFERS_BURST + 1
        driver.perform([KeyringReceived(author(3).id, other.encode_offer())])
        assert driver.keyring.digest == other.digest
