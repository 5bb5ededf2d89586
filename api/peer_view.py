"""What the façade needs of a node to serve the Peers API, and revocations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from protocol.address import Address


@dataclass(frozen=True, slots=True)
class PeerView:
    """One peer: a member that has not left, or this node itself."""

    id: str
    """26 letters."""
    name: str
    """The display name: this node's own note, else what the peer says of itself, else its member name."""
    public_key: bytes
    is_local: bool
    address: Address
    """Of its gossip listener."""
    created_at_ms: int
    """The time in the id, unix ms."""


@dataclass(frozen=True, slots=True)
class Departure:
    """This node has said goodbye."""

    peer_id: str
    version: int
    """The incarnation of its last record."""
    deactivated_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class RevocationView:
    """What is signed about whether an id may be in the cluster."""

    id: str
    revoked: bool
    """False: it was reinstated."""
    version: int
    """Unix ms of the word, or one more than the one before it."""
    issuer: str
    """Id of the member that signed, or of the operator's key."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What became of the cluster key after a peer was put out with it."""

    key_id: str
    """8 hex letters: the new key, in use."""
    retired: tuple[str, ...]
    untold: tuple[str, ...]
    """Shown names of failed members, which need the new key file to return."""


class PeersView(Protocol):
    """The peers of one node. Refusals are `Problem`s with the codes of the Peers API."""

    @property
    def version(self) -> object:
        """Something that is another value once the list of peers, or anything on it, has changed."""
        ...

    def list(self) -> tuple[PeerView, ...]:
        """Give every peer, ordered by id; exactly one is local."""
        ...

    def get(self, id: str) -> PeerView | None:
        """Find a peer by any text; None: there is none."""
        ...

    async def add(self, address: str) -> PeerView:
        """Bring the peer at an address (its gossip's, or its HTTP's) into the cluster, within 10 s.

        A revoked one is reinstated, one that left returns, and a node that has left itself comes back.

        Raises:
            InvalidRequest: not host:port.
            Problem: 409 ALREADY_EXISTS; 422 HANDSHAKE_FAILED, NODE_LIMIT_EXCEEDED, LICENSE_MISMATCH, LICENSE_EXPIRED,
                NAME_IN_USE or OPERATOR_KEY_REQUIRED; 500 NOT_STORED.
        """
        ...

    async def rename(self, id: str, name: str) -> PeerView | None:
        """Note how a peer is called, or say how this node is; an empty name takes it back. None: no such peer.

        Raises:
            InvalidRequest: too long, or with control characters.
        """
        ...

    async def delete(self, id: str) -> bool:
        """Revoke a peer in the whole cluster; on disk at return. False: there is none.

        Raises:
            Problem: 422 CANNOT_DELETE_LOCAL, 422 OPERATOR_KEY_REQUIRED, 409 NOT_ACTIVE (this node has left itself).
        """
        ...

    async def leave(self) -> Departure:
        """Say goodbye and stay; a second time gives the first departure."""
        ...

    def revocations(self) -> Sequence[RevocationView]:
        """Give what is signed about ids, ordered by id."""
        ...

    async def revoke(self, id: str, *, revoked: bool) -> RevocationView:
        """Put an id out, whoever it is, or take it in again; this node signs.

        Raises:
            InvalidRequest: not an id, or this node's own.
            Problem: as `delete`.
        """
        ...

    async def take_statement(self, raw: bytes) -> RevocationView:
        """Take a revocation that was signed elsewhere, with the operator's key.

        Raises:
            InvalidRequest: not one, not signed by whom this cluster heeds, or older than what is held.
        """
        ...

    async def rotate(self) -> Rotation:
        """Replace the cluster key, once all live members know who is out, without telling those who are.

        Raises:
            Problem: 409 NOT_ACTIVE, this node has left; 409 ROTATION_INCOMPLETE, some member did not show in time
                that it follows: what was done, and what is left to do, is in the sentence; 500 NOT_STORED.
        """
        ...
