"""Revocations signed with the operator's key, away from any node (`revocation_operator_key`)."""

from protocol.security.identity import derive_member_id, statement_text
from protocol.security.signing_key import SigningKey
from protocol.ulid import ClusterId, MemberId
from protocol.wire.statement import encode_revocation


def operator_id(public_key: bytes) -> MemberId:
    """Give the id under which an operator's key signs: that of a member created at the beginning of unix time."""
    return derive_member_id(public_key, 0)


def sign_as_operator(
    key: SigningKey, cluster_id: ClusterId, subject: MemberId, version: int, *, revoked: bool
) -> bytes:
    """Give the raw statement that an id is out, or in again; `version` as in `Revocation`."""
    body = encode_revocation(operator_id(key.public_key), key.public_key, subject, version, revoked)
    return key.sign(statement_text(cluster_id, body)) + body
