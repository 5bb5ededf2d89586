"""Peers that a test can set: satisfies `api.peer_view.PeersView`, and notes what was asked of it."""

from dataclasses import replace

from api.answer import Problem
from api.peer_view import Departure, PeerView, RevocationView, Rotation
from protocol.address import Address, parse_address
from protocol.error import InvalidRequest
from protocol.ulid import compose_ulid, format_ulid

CREATED_AT = 1_763_000_000_000
VERSION = 1_763_000_001_234


def peer_id(number: int) -> str:
    """Give the id of a peer; larger numbers are younger."""
    return format_ulid(compose_ulid(CREATED_AT + number, number.to_bytes(10, "big")))


def fake_peer(number: int) -> PeerView:
    """Give a peer, of which 1 is the node itself."""
    return PeerView(
        peer_id(number),
        f"n{number}",
        bytes([number]) * 32,
        number == 1,
        Address("127.0.0.1", 7_946 + number),
        CREATED_AT + number,
    )


class FakePeers:
    """Two peers beside the node; `answer` refuses the next call, if it is set."""

    def __init__(self, calls: list[tuple[object, ...]]) -> None:
        self._calls = calls
        self.held = {peer.id: peer for peer in map(fake_peer, (1, 2, 3))}
        self.words: dict[str, RevocationView] = {}
        self.refusal: Problem | None = None
        self.changes = 0
        self.listing_count = 0

    @property
    def version(self) -> int:
        """Count changes."""
        return self.changes

    def list(self) -> tuple[PeerView, ...]:
        """Give all."""
        self.listing_count += 1
        return tuple(self.held.values())

    def get(self, id: str) -> PeerView | None:
        """Find one."""
        return self.held.get(id)

    async def add(self, address: str) -> PeerView:
        """Bring in number 9."""
        try:
            where = parse_address(address)
        except ValueError as wrong:
            raise InvalidRequest(str(wrong)) from None
        self._note("add", address)
        peer = self.held[peer_id(9)] = replace(fake_peer(9), address=where)
        return peer

    async def rename(self, id: str, name: str) -> PeerView | None:
        """Name a peer."""
        self._note("rename", id, name)
        if id in self.held:
            self.held[id] = replace(self.held[id], name=name)
        return self.held.get(id)

    async def delete(self, id: str) -> bool:
        """Put a peer out."""
        if id == peer_id(1):
            raise Problem(422, "CANNOT_DELETE_LOCAL", "this is the local peer: use /v1/peers/self")
        if id not in self.held:
            return False
        self._note("delete", id)
        del self.held[id]
        return True

    async def leave(self) -> Departure:
        """Say goodbye."""
        self._note("leave peers")
        return Departure(peer_id(1), 7, 1_763_000_000.75)

    def revocations(self) -> tuple[RevocationView, ...]:
        """Give what was said."""
        return tuple(self.words.values())

    async def revoke(self, id: str, *, revoked: bool) -> RevocationView:
        """Say a word."""
        self._note("revoke", id, revoked)
        word = self.words[id] = RevocationView(id, revoked, VERSION, peer_id(1))
        return word

    async def take_statement(self, raw: bytes) -> RevocationView:
        """Take a word signed elsewhere."""
        if not raw:
            raise InvalidRequest("not a signed revocation of this cluster")
        self._note("take", raw)
        return RevocationView(peer_id(3), True, VERSION, peer_id(0))

    async def rotate(self) -> Rotation:
        """Replace the key."""
        self._note("rotate")
        return Rotation("0000000c", ("0000000a", "0000000b"), ("n7",))

    def _note(self, *call: object) -> None:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise refusal
        self._calls.append(call)
        self.changes += 1
