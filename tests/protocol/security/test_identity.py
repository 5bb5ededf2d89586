"""Identities: the id commits to the key, and damage shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import InvalidRequest, MalformedMessage
from protocol.security.identity import (
    IDENTITY_SIZE,
    Identity,
    StatementSigner,
    commits,
    derive_member_id,
    exchange_key,
    is_signed,
    statement_text,
)
from protocol.ulid import TIME_MS_MAX, ClusterId, MemberId, ulid_time_ms
from tests.protocol.security.sample import NOW_MS, make_identity

CLUSTER = ClusterId(b"c" * 16)


def test_identity_id_carries_time_and_commits_to_key() -> None:
    """An id tells its time, and belongs to one key only."""
    identity, other = make_identity("one"), make_identity("other")
    assert ulid_time_ms(identity.id) == identity.time_ms == NOW_MS
    assert commits(identity.id, identity.public_key)
    assert not commits(identity.id, other.public_key)


@given(st.binary(min_size=32, max_size=32), st.integers(0, TIME_MS_MAX), st.integers(0, 127))
def test_identity_commitment_covers_every_bit(key: bytes, time_ms: int, bit: int) -> None:
    """Law: an id with any bit changed, the time's included, belongs to the key no more."""
    id = derive_member_id(key, time_ms)
    changed = MemberId((int.from_bytes(id, "big") ^ 1 << bit).to_bytes(16, "big"))
    assert commits(id, key)
    assert not commits(changed, key)


def test_identity_survives_the_disk() -> None:
    """What was written reads back as the same identity."""
    identity = make_identity("one")
    blob = identity.to_bytes()
    assert len(blob) == IDENTITY_SIZE
    assert Identity.from_bytes(blob) == identity


@given(st.integers(0, IDENTITY_SIZE * 8 - 1))
def test_identity_damage_shows(bit: int) -> None:
    """Law: no bit of the file can change unnoticed."""
    blob = make_identity("one").to_bytes()
    damaged = (int.from_bytes(blob, "big") ^ 1 << bit).to_bytes(IDENTITY_SIZE, "big")
    with pytest.raises(MalformedMessage):
        Identity.from_bytes(damaged)


@given(st.binary(max_size=80))
def test_identity_refuses_arbitrary_bytes(blob: bytes) -> None:
    """Only MalformedMessage may come out."""
    with pytest.raises(MalformedMessage):
        Identity.from_bytes(blob)


def test_identity_shows_no_secret() -> None:
    """The seed is in no log line that prints an identity."""
    identity = make_identity("one")
    assert identity.seed.hex() not in repr(identity)
    assert repr(identity.seed) not in repr(identity)
    assert repr(identity.exchange_secret) not in repr(identity)


@pytest.mark.parametrize(
    "key", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32, bytes.fromhex("ecff" + "ff" * 29 + "7f")]
)
def test_exchange_key_refuses_what_libsodium_refuses(key: bytes) -> None:
    """Points of small order and no points at all are malformed."""
    with pytest.raises(MalformedMessage):
        exchange_key(key)


def test_signer_binds_kind_cluster_and_body() -> None:
    """A signature holds for its own kind, cluster and text, and for nothing else."""
    identity = make_identity("one")
    signature = StatementSigner(identity, CLUSTER).sign(b"\x02body")
    assert is_signed(signature, statement_text(CLUSTER, b"\x02body"), identity.public_key)
    for kind in (b"\x01", b"\x03", b"\x04"):
        assert not is_signed(signature, statement_text(CLUSTER, kind + b"body"), identity.public_key)
    assert not is_signed(signature, statement_text(ClusterId(b"d" * 16), b"\x02body"), identity.public_key)
    assert not is_signed(signature, statement_text(CLUSTER, b"\x02Body"), identity.public_key)


@pytest.mark.parametrize("body", [b"", b"\x00body", b"\x06body"])
def test_signer_refuses_other_kinds(body: bytes) -> None:
    """Nothing but the four statements is signed under their domains."""
    with pytest.raises(InvalidRequest):
        StatementSigner(make_identity("one"), CLUSTER).sign(body)
