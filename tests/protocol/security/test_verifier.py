"""Verified statements: genuine ones once, forged ones never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import BadSignature, MalformedMessage
from protocol.security.identity import Identity, StatementSigner, derive_member_id
from protocol.security.verifier import Verifier
from protocol.ulid import ClusterId, MemberId
from protocol.wire.field import pack
from protocol.wire.statement import (
    SIGNATURE_SIZE,
    Accusation,
    Record,
    decode_statement,
    encode_accusation,
    encode_eviction,
)
from tests.protocol.security.sample import make_identity, make_record

CLUSTER = ClusterId(b"c" * 16)
ONE, OTHER = make_identity("one"), make_identity("other")
RECORD = make_record(ONE, CLUSTER)


def signed(identity: Identity, body: bytes, cluster: ClusterId = CLUSTER) -> bytes:
    """Give raw bytes of a statement signed by the identity."""
    return StatementSigner(identity, cluster).sign(body) + body


def make_verifier(*known: Identity, remembered_max: int = 8) -> Verifier:
    """Give a verifier that holds the keys of some identities."""
    keys = {identity.id: identity.public_key for identity in known}
    return Verifier(CLUSTER, keys.get, remembered_max)


def test_verifier_opens_a_record_of_a_stranger() -> None:
    """A record brings its own key."""
    verifier = make_verifier()
    assert verifier.open_statement(RECORD.raw) == RECORD
    assert (verifier.verified_count, verifier.recalled_count) == (1, 0)


def test_verifier_recalls_the_same_object() -> None:
    """A duplicate is recognised by its bytes, and nothing is checked again."""
    verifier = make_verifier()
    first = verifier.open_statement(RECORD.raw)
    assert verifier.open_statement(bytes(bytearray(RECORD.raw))) is first
    assert (verifier.verified_count, verifier.recalled_count) == (1, 1)


def test_verifier_remembers_own_statements() -> None:
    """What this node signed itself is not verified when it comes back."""
    verifier = make_verifier()
    verifier.remember(RECORD)
    assert verifier.open_statement(RECORD.raw) is RECORD
    assert verifier.verified_count == 0


def test_verifier_forgets_what_was_unused_longest() -> None:
    """The memory is bounded; using a statement keeps it."""
    verifier = make_verifier(remembered_max=2)
    records = [make_record(ONE, CLUSTER, name) for name in ("a", "b", "c")]
    verifier.open_statement(records[0].raw)
    verifier.open_statement(records[1].raw)
    verifier.recall(records[0].raw)
    verifier.open_statement(records[2].raw)
    assert [verifier.recall(record.raw) is not None for record in records] == [True, False, True]


def test_verifier_needs_the_authors_key() -> None:
    """An accusation by somebody unknown is nothing yet; once the key is known it is a statement."""
    raw = signed(ONE, encode_accusation(ONE.id, OTHER.id, 3))
    assert make_verifier().open_statement(raw) is None
    found = make_verifier(ONE).open_statement(raw)
    assert isinstance(found, Accusation)
    assert found.accuser == ONE.id


@pytest.mark.parametrize("body", [encode_accusation(ONE.id, OTHER.id, 3), encode_eviction(ONE.id, OTHER.id, 3, False)])
def test_verifier_refuses_a_forged_author(body: bytes) -> None:
    """Another's key cannot accuse or evict in somebody's name."""
    with pytest.raises(BadSignature):
        make_verifier(ONE, OTHER).open_statement(signed(OTHER, body))


def test_verifier_refuses_another_clusters_statement() -> None:
    """The cluster id is inside what is signed."""
    with pytest.raises(BadSignature):
        make_verifier().open_statement(make_record(ONE, ClusterId(b"d" * 16)).raw)


def test_verifier_refuses_a_kind_swapped_under_a_signature() -> None:
    """An accusation's signature does not carry an eviction."""
    raw = signed(ONE, encode_accusation(ONE.id, OTHER.id, 3))
    swapped = raw[:SIGNATURE_SIZE] + encode_eviction(ONE.id, OTHER.id, 3, False)
    with pytest.raises(BadSignature):
        make_verifier(ONE).open_statement(swapped)


def record_of(id: MemberId, public_key: bytes, signer: Identity) -> bytes:
    """Give a record of an id and key that need not belong together."""
    body = b"\x01" + pack((id, public_key, "n1", b"\x7f\x00\x00\x01", 7946, 1, False, 1, (1, 1, 1), "0", "", "", ()))
    raw = signed(signer, body)
    assert isinstance(decode_statement(raw), Record)
    return raw


def test_verifier_refuses_an_id_that_does_not_commit() -> None:
    """Nobody takes another's id with a key of its own."""
    with pytest.raises(MalformedMessage, match="does not belong"):
        make_verifier().open_statement(record_of(ONE.id, OTHER.public_key, OTHER))


def test_verifier_refuses_another_key_than_the_one_held() -> None:
    """The key held for an id wins over any record."""
    with pytest.raises(BadSignature, match="another key"):
        make_verifier(ONE).open_statement(record_of(ONE.id, OTHER.public_key, OTHER))


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_verifier_refuses_keys_that_libsodium_refuses(key: bytes) -> None:
    """Such a record is malformed, however well its id commits."""
    with pytest.raises(MalformedMessage, match="libsodium"):
        make_verifier().open_statement(record_of(derive_member_id(key, 5), key, ONE))


@given(st.binary(max_size=700))
def test_verifier_survives_arbitrary_bytes(raw: bytes) -> None:
    """Only MalformedMessage may come out: arbitrary bytes are no statement."""
    with pytest.raises(MalformedMessage):
        make_verifier(ONE).open_statement(raw)


@given(st.integers(0, len(RECORD.raw) * 8 - 1))
def test_verifier_opens_no_mutated_record(bit: int) -> None:
    """Law: a record with any bit changed is malformed or badly signed."""
    size = len(RECORD.raw)
    mutated = (int.from_bytes(RECORD.raw, "big") ^ 1 << bit).to_bytes(size, "big")
    with pytest.raises((MalformedMessage, BadSignature)):
        make_verifier().open_statement(mutated)
