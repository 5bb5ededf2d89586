"""What stands between one process's engine and the bytes: its keys, its gate, and what it has verified."""

from protocol.budget import Budget
from protocol.security.datagram import DatagramGate
from protocol.security.identity import Entropy, Identity
from protocol.security.keyring import Keyring
from protocol.security.verifier import Verifier
from protocol.ulid import MemberId
from simulations.world.node import Node


class Guard:
    """Made for each life of a process, as node/open.py does; only identity and keyring outlive it."""

    __slots__ = ("_engine", "gate", "identity", "keyring", "offers", "verifier")

    def __init__(
        self,
        node: Node,
        identity: Identity,
        keyring: Keyring,
        start_incarnation: int,
        entropy: Entropy,
        offers: Budget,
    ) -> None:
        """Guard the engine that a node has now; `offers` bounds the keyrings taken of one member."""
        self._engine = node.engine
        self.identity, self.keyring, self.offers = identity, keyring, offers
        lookup_key = node.engine.public_key
        self.verifier = Verifier(keyring.cluster_id, lookup_key)
        bars = node.engine.membership.revocations.bars
        self.gate = DatagramGate(identity, keyring, self.verifier, start_incarnation, entropy, lookup_key, bars)

    def room(self, peer: MemberId, introduce: bool) -> int:
        """Tell how many bytes of payload the next datagram to a peer can carry."""
        if introduce:
            self.gate.forget_answer(peer)
        return self.gate.payload_max(peer, len(self._engine.local.record.raw))
