"""Verified statements: genuine ones once, forged ones never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.error import BadSignature, MalformedMessage
from protocol.security.identity import Identity, StatementSigner, derive_member_id
from protocol.security.verifier import REVOCATION_AHEAD_MAX_MS, Verifier
from protocol.ulid import ClusterId, MemberId
from protocol.wire.field import pack
from protocol.wire.statement import (
    SIGNATURE_SIZE,
    Accusation,
    Record,
    Revocation,
    decode_statement,
    encode_accusation,
    encode_eviction,
    encode_revocation,
)
from tests.protocol.security.sample import NOW_MS, make_identity, make_record

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


# --- revocations --------------------------------------------------------------------------------

OPERATOR = make_identity("operator")


def revocation_by(
    signer: Identity, subject: MemberId = OTHER.id, version: int = NOW_MS, *, revoked: bool = True
) -> bytes:
    """Give raw bytes of a signed revocation."""
    return signed(signer, encode_revocation(signer.id, signer.public_key, subject, version, revoked))


@pytest.mark.parametrize("revoked", [True, False])
def test_verifier_opens_a_revocation_by_a_stranger(revoked: bool) -> None:
    """It brings its issuer's key, and outlives its issuer's membership."""
    raw = revocation_by(ONE, revoked=revoked)
    found = make_verifier().open_statement(raw)
    assert isinstance(found, Revocation)
    assert (found.issuer, found.subject, found.version, found.revoked) == (ONE.id, OTHER.id, NOW_MS, revoked)


def test_verifier_recalls_a_revocation() -> None:
    """It is checked once, as any statement."""
    verifier = make_verifier()
    raw = revocation_by(ONE)
    assert verifier.open_statement(raw) is verifier.open_statement(raw)
    assert (verifier.verified_count, verifier.recalled_count) == (1, 1)


def test_verifier_with_an_operator_heeds_nobody_else() -> None:
    """A member's word is left out, good or bad; the sender is not to be blamed for it."""
    verifier = Verifier(CLUSTER, {ONE.id: ONE.public_key}.get, operator_key=OPERATOR.public_key)
    by_operator = revocation_by(OPERATOR)
    assert isinstance(verifier.open_statement(by_operator), Revocation)
    for raw in (revocation_by(ONE), bytes(64) + revocation_by(ONE)[64:]):
        assert verifier.open_statement(raw) is None
        assert verifier.recall(raw) is None


def test_verifier_without_an_operator_heeds_whoever_signed() -> None:
    """The operator's word among them."""
    verifier = make_verifier(ONE)
    assert isinstance(verifier.open_statement(revocation_by(OPERATOR)), Revocation)
    assert isinstance(verifier.open_statement(revocation_by(ONE)), Revocation)


def test_verifier_with_an_operator_still_takes_the_members_other_words() -> None:
    """The operator's key is for revocations alone."""
    verifier = Verifier(CLUSTER, {ONE.id: ONE.public_key}.get, operator_key=OPERATOR.public_key)
    assert verifier.open_statement(RECORD.raw) == RECORD
    assert verifier.open_statement(signed(ONE, encode_accusation(ONE.id, OTHER.id, 3))) is not None


@pytest.mark.parametrize(
    ("ahead_ms", "heeded"),
    [(-NOW_MS, True), (0, True), (REVOCATION_AHEAD_MAX_MS, True), (REVOCATION_AHEAD_MAX_MS + 1, False)],
)
def test_verifier_leaves_out_a_revocation_dated_beyond_a_century(ahead_ms: int, heeded: bool) -> None:
    """Nobody can bar an id with a word that nothing can follow; how old one is does not matter."""
    verifier = Verifier(CLUSTER, lambda id: None, unix_ms=lambda: NOW_MS)
    raw = revocation_by(ONE, version=NOW_MS + ahead_ms)
    assert (verifier.open_statement(raw) is not None) == heeded


def test_verifier_takes_a_revocation_once_its_date_is_near() -> None:
    """What was left out is not remembered as bad."""
    clock = [NOW_MS]
    verifier = Verifier(CLUSTER, lambda id: None, unix_ms=lambda: clock[0])
    raw = revocation_by(ONE, version=NOW_MS + REVOCATION_AHEAD_MAX_MS + 5_000)
    assert verifier.open_statement(raw) is None
    clock[0] += 5_000
    assert verifier.open_statement(raw) is not None


def test_verifier_refuses_a_revocation_whose_issuer_does_not_commit() -> None:
    """Nobody revokes in another's name, and none under a key of its own."""
    body = encode_revocation(ONE.id, OTHER.public_key, make_identity("third").id, NOW_MS, True)
    with pytest.raises(MalformedMessage, match="does not belong"):
        make_verifier(ONE, OTHER).open_statement(signed(OTHER, body))


def test_verifier_refuses_a_revocation_that_is_badly_signed() -> None:
    """By another key, for another cluster, or under an eviction's signature."""
    body = encode_revocation(ONE.id, ONE.public_key, OTHER.id, NOW_MS, True)
    for raw in (
        signed(OTHER, body),
        signed(ONE, body, ClusterId(b"d" * 16)),
        signed(ONE, encode_eviction(ONE.id, OTHER.id, 3, False))[:SIGNATURE_SIZE] + body,
    ):
        with pytest.raises(BadSignature):
            make_verifier(ONE, OTHER).open_statement(raw)


@pytest.mark.parametrize("revoked", [True, False])
def test_verifier_refuses_a_revocation_by_its_own_subject(revoked: bool) -> None:
    """Whoever is out does not take itself in again."""
    with pytest.raises(MalformedMessage, match="own subject"):
        make_verifier(ONE).open_statement(revocation_by(ONE, ONE.id, revoked=revoked))


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_verifier_refuses_a_revocation_under_a_key_that_anybody_can_sign_for(key: bytes) -> None:
    """Points of small order, for which a signature of zeros may hold, and no points at all."""
    body = encode_revocation(derive_member_id(key, 5), key, OTHER.id, NOW_MS, True)
    for signature in (bytes(64), key + bytes(32), signed(ONE, body)[:64]):
        with pytest.raises((BadSignature, MalformedMessage)):
            make_verifier().open_statement(signature + body)


WORD = revocation_by(ONE)


@given(st.integers(0, len(WORD) * 8 - 1))
def test_verifier_opens_no_mutated_revocation(bit: int) -> None:
    """Law: with any bit changed it is malformed or badly signed."""
    mutated = (int.from_bytes(WORD, "big") ^ 1 << bit).to_bytes(len(WORD), "big")
    with pytest.raises((MalformedMessage, BadSignature)):
        make_verifier().open_statement(mutated)
