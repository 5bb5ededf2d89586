"""What the Peers API sees of a running node: `api.peer_view.PeersView` over `node.peer_keeper`."""

from collections.abc import Awaitable, Sequence
from http import HTTPStatus
from typing import TypeVar

from api.answer import Problem
from api.peer_view import Departure, PeerView, RevocationView, Rotation
from node.agent.stored import stored
from node.invitation import Invitation
from node.key_rotation import RotationIncomplete, replace_cluster_key
from node.node import Node
from node.peer_keeper import NotActive, OperatorKeyRequired
from protocol.error import InvalidRequest
from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.member import Member
from protocol.ulid import MemberId, format_ulid, parse_ulid, ulid_time_ms
from protocol.wire.statement import Record, Revocation

_CODES = {
    Refusal.LICENSE_MISMATCH: "LICENSE_MISMATCH",
    Refusal.LICENSE_EXPIRED: "LICENSE_EXPIRED",
    Refusal.NODE_LIMIT: "NODE_LIMIT_EXCEEDED",
    Refusal.NAME_IN_USE: "NAME_IN_USE",
}
"""Of refusals that a program may act upon; all others are HANDSHAKE_FAILED."""

T = TypeVar("T")


class AgentPeers:
    """The peers of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    # --- looking --------------------------------------------------------------------------------

    @property
    def version(self) -> tuple[int, int]:
        """The node's generation, and that of its own notes of names."""
        return self._node.generation, self._node.peers.names.version

    def list(self) -> tuple[PeerView, ...]:
        """Give every peer, ordered by id."""
        return tuple(self._peer(member) for member in self._node.members() if self._counts(member))

    def get(self, id: str) -> PeerView | None:
        """Find a peer."""
        member = self._find(id)
        return None if member is None else self._peer(member)

    def _find(self, id: str) -> Member | None:
        member_id = _parse(id)
        member = None if member_id is None else self._node.membership.get(member_id)
        return member if member is not None and self._counts(member) else None

    def _counts(self, member: Member) -> bool:
        """Tell whether a member is a peer: it has not left, or is this node itself."""
        return member.status is not Status.LEFT or member.id == self._node.local.id

    def _gone(self, record: Record) -> PeerView:
        """Return a peer as it came, which another request put out before this one was answered."""
        name = record.display_name or record.name
        return PeerView(format_ulid(record.id), name, record.public_key, False, record.address, ulid_time_ms(record.id))

    def _peer(self, member: Member) -> PeerView:
        return PeerView(
            id=format_ulid(member.id),
            name=self._node.peers.display_name(member),
            public_key=member.record.public_key,
            is_local=member.id == self._node.local.id,
            address=member.address,
            created_at_ms=ulid_time_ms(member.id),
        )

    # --- changing -------------------------------------------------------------------------------

    async def add(self, address: str) -> PeerView:
        """Bring the peer at an address into the cluster."""
        invitation = await _worded(self._node.peers.invite(address))
        if invitation.peer is None:
            raise _refused(address, invitation)
        if invitation.was_member:
            raise Problem(HTTPStatus.CONFLICT, "ALREADY_EXISTS", f"the peer at {address} is in the cluster already")
        peer = self.get(format_ulid(invitation.peer))
        if peer is not None:
            return peer
        if invitation.record is None:
            raise _refused(address, self._node.peers.inviter.unseated("it joined, and left again at once"))
        return self._gone(invitation.record)

    async def rename(self, id: str, name: str) -> PeerView | None:
        """Note how a peer is called, or say how this node is."""
        member = self._find(id)
        if member is None:
            return None
        return self.get(id) if await stored(self._node.peers.rename(member.id, name)) else None

    async def delete(self, id: str) -> bool:
        """Revoke a peer in the whole cluster."""
        member = self._find(id)
        if member is None:
            return False
        if member.id == self._node.local.id:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "CANNOT_DELETE_LOCAL",
                "this is the local peer: use /v1/peers/self",
            )
        return await _worded(self._node.peers.delete(member.id))

    async def leave(self) -> Departure:
        """Say goodbye and stay."""
        await stored(self._node.leave(stay=True))
        local = self._node.local
        return Departure(format_ulid(local.id), local.record.incarnation, self._node.unix_time(local.since))

    # --- revocations ----------------------------------------------------------------------------

    def revocations(self) -> Sequence[RevocationView]:
        """Give what is signed about ids."""
        return [_word(revocation) for revocation in self._node.membership.revocations.listing()]

    async def revoke(self, id: str, *, revoked: bool) -> RevocationView:
        """Put an id out, whoever it is, or take it in again."""
        member_id = _parse(id)
        if member_id is None:
            raise InvalidRequest("this is no id: 26 letters, as `shoal peers list` shows them")
        return _word(await _worded(self._node.peers.revoke(member_id, revoked=revoked)))

    async def take_statement(self, raw: bytes) -> RevocationView:
        """Take a revocation that was signed elsewhere."""
        held = await _worded(self._node.peers.take_statement(raw))
        if held.raw != raw:
            raise InvalidRequest(f"the revocation is older than what is held about {format_ulid(held.subject)}")
        return _word(held)

    async def rotate(self) -> Rotation:
        """Replace the cluster key without telling those who are out."""
        done = await _worded(replace_cluster_key(self._node))
        found = [self._node.membership.get(id) for id in done.untold]
        names = [self._node.membership.shown_name(member) for member in found if member is not None]
        return Rotation(done.key_id.hex(), tuple(key_id.hex() for key_id in done.retired), tuple(names))


async def _worded(act: Awaitable[T]) -> T:
    """Await an act of the peer keeper's, with its refusals as the Peers API has them."""
    try:
        return await stored(act)
    except NotActive as wrong:
        raise Problem(HTTPStatus.CONFLICT, "NOT_ACTIVE", str(wrong)) from None
    except OperatorKeyRequired as wrong:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "OPERATOR_KEY_REQUIRED", str(wrong)) from None
    except RotationIncomplete as wrong:
        raise Problem(HTTPStatus.CONFLICT, "ROTATION_INCOMPLETE", str(wrong)) from None


def _refused(address: str, invitation: Invitation) -> Problem:
    code = "HANDSHAKE_FAILED" if invitation.refusal is None else _CODES.get(invitation.refusal, "HANDSHAKE_FAILED")
    reason = invitation.reason if address in invitation.reason else f"{address}: {invitation.reason}"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, code, reason)


def _parse(text: str) -> MemberId | None:
    try:
        return MemberId(parse_ulid(text))
    except ValueError:
        return None


def _word(revocation: Revocation) -> RevocationView:
    return RevocationView(
        format_ulid(revocation.subject), revocation.revoked, revocation.version, format_ulid(revocation.issuer)
    )
