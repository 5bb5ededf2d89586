"""Keyrings: what an operator may do, and the laws by which changes spread."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest, MalformedMessage
from protocol.security.keyring import (
    ENTRY_COUNT_MAX,
    KEY_COUNT_MAX,
    OFFER_SIZE_MAX,
    STAMP_MAX,
    Entry,
    InUse,
    Keyring,
    derive_key_id,
)
from protocol.ulid import ClusterId
from protocol.wire.field import pack
from tests.protocol.security.sample import NOW_MS, make_keyring

CLUSTER = ClusterId(b"c" * 16)


def key_of(number: int) -> bytes:
    """Give a cluster key."""
    return number.to_bytes(32, "big")


def id_of(number: int) -> bytes:
    """Give that key's id."""
    return derive_key_id(key_of(number))


def copy_of(keyring: Keyring) -> Keyring:
    """Give an equal keyring that changes by itself."""
    return Keyring.from_offer(keyring.encode_offer())


def merged(*keyrings: Keyring) -> bytes:
    """Merge into a copy of the first, and give the state."""
    result = copy_of(keyrings[0])
    for other in keyrings[1:]:
        result.merge(other)
    return result.encode_offer()


@st.composite
def keyrings(draw: st.DrawFn) -> Keyring:
    """Give any state, with more keys than are ever held and stamps that collide."""
    chosen = draw(st.integers(0, (1 << 41) - 1))  # about 20 of 41, so that a union exceeds the bound
    numbers = [number for number in range(41) if chosen >> number & 1][:ENTRY_COUNT_MAX]
    stamps = st.integers(0, 12)
    entries = {}
    for number in numbers:
        retired = draw(st.booleans())
        entries[id_of(number)] = Entry(draw(stamps), retired, b"" if retired else key_of(number))
    used = draw(st.integers(0, 40))
    return Keyring(CLUSTER, InUse(draw(stamps), id_of(used), key_of(used)), entries)


@given(keyrings(), keyrings())
def test_keyring_merge_commutes(one: Keyring, other: Keyring) -> None:
    """Law: who merges whom makes no difference."""
    assert merged(one, other) == merged(other, one)


@given(keyrings(), keyrings(), keyrings())
def test_keyring_merge_associates(one: Keyring, other: Keyring, third: Keyring) -> None:
    """Law: the order of merging makes no difference, also where entries beyond the bound fall out."""
    other_and_third = Keyring.from_offer(merged(other, third))
    assert merged(one, other, third) == merged(one, other_and_third)


@given(keyrings(), keyrings())
def test_keyring_merge_is_idempotent(one: Keyring, other: Keyring) -> None:
    """Law: what was merged once changes nothing, and `merge` says so."""
    both = copy_of(one)
    both.merge(other)
    generation = both.generation
    assert both.merge(other) is False
    assert both.merge(one) is False
    assert both.merge(copy_of(both)) is False
    assert both.generation == generation


@given(keyrings(), keyrings())
def test_keyring_always_holds_the_key_in_use(one: Keyring, other: Keyring) -> None:
    """Law: whatever is merged, at most 8 keys are held, the one in use first, and the newest among them."""
    one.merge(other)
    assert one.key_ids[0] == one.primary
    assert len(one.key_ids) <= KEY_COUNT_MAX
    assert one.newest_key_id in one.key_ids
    assert all(derive_key_id(one.key_for(key_id) or b"") == key_id for key_id in one.key_ids)


@given(keyrings())
def test_keyring_offer_round_trips(keyring: Keyring) -> None:
    """Law: an offer carries the whole state, within its bound, and equal states have equal digests."""
    offer = keyring.encode_offer()
    again = Keyring.from_offer(offer)
    assert len(offer) <= OFFER_SIZE_MAX
    assert again.encode_offer() == offer
    assert again.digest == keyring.digest
    assert again.key_ids == keyring.key_ids


@given(keyrings(), keyrings())
def test_keyring_digest_tells_states_apart(one: Keyring, other: Keyring) -> None:
    """Law: digests are equal exactly when the states are."""
    assert (one.digest == other.digest) == (one.encode_offer() == other.encode_offer())


def test_keyring_offer_of_full_keys_fits() -> None:
    """24 live keys with the longest stamps stay within the bound of an offer."""
    entries = {id_of(number): Entry(STAMP_MAX, False, key_of(number)) for number in range(ENTRY_COUNT_MAX)}
    offer = Keyring(CLUSTER, InUse(STAMP_MAX, id_of(1), key_of(1)), entries).encode_offer()
    assert len(offer) <= OFFER_SIZE_MAX


def test_keyring_keeps_the_largest_entries() -> None:
    """Of 40 keys known to two sides, 24 are remembered after a merge: those that changed last."""
    in_use = InUse(1, id_of(0), key_of(0))
    one, other = (
        Keyring(CLUSTER, in_use, {id_of(n): Entry(n, False, key_of(n)) for n in range(start, 40, 2)})
        for start in (0, 1)
    )
    assert one.merge(other)
    assert set(one._entries) == {id_of(n) for n in range(16, 40)}
    assert one.key_for(id_of(0)) == key_of(0)


def test_keyring_rotates() -> None:
    """Add, use, retire: the new key is shown first, sealed with later, and the old one is gone."""
    keyring = make_keyring()
    old = keyring.primary
    new = keyring.add(key_of(1), NOW_MS + 1)
    assert (keyring.primary, keyring.newest_key_id) == (old, new)
    keyring.use(new, NOW_MS + 2)
    assert keyring.primary == new
    keyring.retire(old, NOW_MS + 3)
    assert keyring.key_ids == (new,)
    assert keyring.key_for(old) is None
    assert keyring.generation == 3


def test_keyring_change_spreads_whatever_the_clock() -> None:
    """A change made with a clock far behind replaces what it saw, on every member."""
    here = make_keyring()
    there = copy_of(here)
    old = here.primary
    new = here.add(key_of(1), 0)
    assert here.newest_key_id == new
    here.use(new, 0)
    here.retire(old, 0)
    assert there.merge_offer(here.encode_offer())
    assert there.key_ids == (new,)
    assert not here.merge_offer(there.encode_offer())


def test_keyring_spread_retire_never_removes_the_key_in_use() -> None:
    """A retire made while another node put the key in use waits until yet another is used."""
    here = make_keyring()
    first = here.primary
    second = here.add(key_of(1), NOW_MS + 1)
    there = copy_of(here)
    here.use(second, NOW_MS + 2)
    there.retire(second, NOW_MS + 3)
    assert there.key_for(second) is None
    here.merge_offer(there.encode_offer())
    there.merge_offer(here.encode_offer())
    for keyring in (here, there):
        assert keyring.primary == second
        assert keyring.key_for(second) == key_of(1)
    here.use(first, NOW_MS + 4)
    there.merge_offer(here.encode_offer())
    assert there.key_ids == here.key_ids == (first,)


def test_keyring_retired_key_does_not_return() -> None:
    """A member that was away brings the old key back to nobody."""
    here = make_keyring()
    away = copy_of(here)
    old = here.primary
    here.use(here.add(key_of(1), NOW_MS + 1), NOW_MS + 2)
    here.retire(old, NOW_MS + 3)
    assert here.merge_offer(away.encode_offer()) is False
    assert here.key_for(old) is None


REQUESTS: list[tuple[str, Callable[[Keyring], object]]] = [
    ("31", lambda keyring: keyring.add(bytes(31), NOW_MS)),
    ("held already", lambda keyring: keyring.add(key_of(1), NOW_MS)),
    ("was retired", lambda keyring: keyring.add(key_of(2), NOW_MS)),
    ("no key", lambda keyring: keyring.use(b"none", NOW_MS)),
    ("no key", lambda keyring: keyring.use(id_of(2), NOW_MS)),
    ("no key", lambda keyring: keyring.retire(b"none", NOW_MS)),
    ("in use", lambda keyring: keyring.retire(keyring.primary, NOW_MS)),
]


@pytest.mark.parametrize(("sentence", "request_"), REQUESTS)
def test_keyring_refuses_in_a_sentence_and_changes_nothing(
    sentence: str, request_: Callable[[Keyring], object]
) -> None:
    """Each impossible request is named, and the state stays."""
    keyring = make_keyring()
    keyring.add(key_of(1), NOW_MS)
    keyring.add(key_of(2), NOW_MS)
    keyring.retire(id_of(2), NOW_MS)
    before = keyring.encode_offer()
    with pytest.raises(InvalidRequest, match=sentence):
        request_(keyring)
    assert keyring.encode_offer() == before


def test_keyring_refuses_a_ninth_key() -> None:
    """Eight keys are the most."""
    keyring = make_keyring()
    for number in range(1, KEY_COUNT_MAX):
        keyring.add(key_of(number), NOW_MS)
    with pytest.raises(InvalidRequest, match="retire one first"):
        keyring.add(key_of(99), NOW_MS)
    assert len(keyring.key_ids) == KEY_COUNT_MAX


def test_keyring_says_when_no_time_can_follow() -> None:
    """A stamp at the end of time is a sentence, not an overflow."""
    keyring = Keyring.from_keys(CLUSTER, [(1, key_of(1)), (2, key_of(2))], 0, STAMP_MAX)
    with pytest.raises(InvalidRequest, match="nothing can follow"):
        keyring.use(id_of(2), NOW_MS)
    assert keyring.primary == id_of(1)


def test_keyring_lists_without_secrets() -> None:
    """A listing tells id, time and which one is in use."""
    keyring = make_keyring()
    new = keyring.add(key_of(1), NOW_MS + 7)
    assert keyring.listing() == ((keyring.primary, NOW_MS, True), (new, NOW_MS + 7, False))


def test_keyring_refuses_another_clusters_offer() -> None:
    """Two clusters never merge by accident."""
    keyring = make_keyring()
    before = keyring.encode_offer()
    with pytest.raises(MalformedMessage, match="another cluster"):
        keyring.merge_offer(make_keyring("stranger").encode_offer())
    assert keyring.encode_offer() == before


IN_USE = (1, key_of(1))


@pytest.mark.parametrize(
    "value",
    [
        (2, CLUSTER, IN_USE, ()),
        (1, b"short", IN_USE, ()),
        (1, CLUSTER, (1, b"short"), ()),
        (1, CLUSTER, (-1, key_of(1)), ()),
        (1, CLUSTER, (True, key_of(1)), ()),
        (1, CLUSTER, IN_USE, ((1, b"12345"),)),
        (1, CLUSTER, IN_USE, ((1, b"idid"), (1, b"idid"))),
        (1, CLUSTER, IN_USE, ((1, b"ididid"[:4]), (1, b"aaaa"))),
        (1, CLUSTER, IN_USE, tuple((1, bytes((0, 0, 0, number))) for number in range(1, 26))),
        (1, CLUSTER, IN_USE, 5),
        (1, CLUSTER, IN_USE),
        "offer",
    ],
)
def test_keyring_refuses_malformed_offers(value: object) -> None:
    """Each bound is checked."""
    with pytest.raises(MalformedMessage):
        Keyring.from_offer(pack(value))


@given(st.binary(max_size=1_300))
def test_keyring_survives_arbitrary_offers(blob: bytes) -> None:
    """Only MalformedMessage may come out."""
    with pytest.raises(MalformedMessage):
        make_keyring().merge_offer(blob)


@given(st.data())
def test_keyring_survives_mutated_offers(data: st.DataObject) -> None:
    """A changed offer is malformed or another state, never another exception."""
    keyring = make_keyring()
    keyring.add(key_of(1), NOW_MS)
    offer = bytearray(keyring.encode_offer())
    offer[data.draw(st.integers(0, len(offer) - 1))] = data.draw(st.integers(0, 255))
    try:
        keyring.merge_offer(bytes(offer))
    except MalformedMessage:
        assert keyring.key_for(id_of(1)) == key_of(1)
