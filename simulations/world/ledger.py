"""Who signed what, in a world whose signatures are hashes: nobody in it can write another's."""

from collections.abc import Callable
from hashlib import blake2b

from protocol.ulid import MemberId
from protocol.wire.message import Claim
from protocol.wire.statement import SIGNATURE_SIZE, Record, Revocation, Statement, statement_author
from simulations.world.node import Node


class Ledger:
    """Every member's key. A statement is genuine if its author's key makes its first 64 bytes."""

    def __init__(self) -> None:
        self._keys: dict[MemberId, bytes] = {}
        self._genuine: set[bytes] = set()
        self.checked_count = 0

    def enter(self, id: MemberId, key: bytes) -> None:
        """Take down a new identity."""
        self._keys[id] = key

    def vouch(self, statement: Statement) -> None:
        """Take a statement as genuine whose author is no node of this world."""
        self._genuine.add(statement.raw)

    def is_genuine(self, statement: Statement) -> bool:
        """Tell whether the author signed these bytes; those found good are recognised."""
        raw = statement.raw
        if raw in self._genuine:
            return True
        key = self._keys.get(statement_author(statement))
        self.checked_count += 1
        if key is None or hash_signer(key)(raw[SIGNATURE_SIZE:]) != raw[:SIGNATURE_SIZE]:
            return False
        self._genuine.add(raw)
        return True


def hash_signer(key: bytes) -> Callable[[bytes], bytes]:
    """Sign with a hash: 64 bytes of BLAKE2b over key and body."""

    def sign(body: bytes) -> bytes:
        return blake2b(key + body, digest_size=SIGNATURE_SIZE).digest()

    return sign


def make_key(number: int) -> bytes:
    """Give the 32 bytes that stand for a member's key."""
    return blake2b(f"{number}".encode(), digest_size=32).digest()


def readable(node: Node, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Leave out what the node's verifier could not check: words of authors whose key it does not hold."""
    key_of = node.engine.public_key
    return tuple(
        claim
        for claim in claims
        if isinstance(claim.statement, Record | Revocation) or key_of(statement_author(claim.statement)) is not None
    )
