"""How what engines say gets from one to another: the part of the world that can be exchanged.

ObjectTransport passes packets and stream messages as objects and checks signatures in the ledger. The
sealed one (sealed_transport.py) puts every message through codec, sealing and opening, as the node does.
"""

from typing import Protocol

from protocol.security.keyring import Keyring
from protocol.swim.core import Room
from protocol.swim.effect import Dial, Send, StreamClose, StreamSend, StreamVerdict
from protocol.swim.verdict import Sign
from protocol.ulid import MemberId
from protocol.wire.message import Packet
from protocol.wire.statement import Record
from simulations.world.node import Node

MUTE_S = 60.0
"""How long a member that relayed a false statement is not heard (design 4)."""


class Identities(Protocol):
    """Makes members: ids, keys, signatures."""

    def make_identity(self, index: int, created_ms: int) -> tuple[MemberId, bytes, bytes]:
        """Give id, public key and secret of the member with a number."""

    def signer(self, key: bytes) -> Sign:
        """Give what an engine signs with."""


class Transport(Identities, Protocol):
    """Carries datagrams and streams between nodes; faults of the network are its to apply."""

    def room(self, index: int) -> Room | None:
        """Tell how many bytes of payload fit a node's datagrams; None for the engine's own estimate."""

    def enter(self, node: Node, start_incarnation: int) -> None:
        """Take a process in that starts, or starts again."""

    def raise_start(self, node: Node, incarnation: int) -> None:
        """Count a node's datagrams anew under a larger incarnation."""

    def leave(self, node: Node) -> None:
        """Break all streams of a process that ended."""

    def send(self, node: Node, effect: Send) -> None:
        """Send a datagram."""

    def inject(self, node: Node, target: Node, packet: Packet, introduction: Record | None = None) -> None:
        """Send a datagram that no engine made: what an attacker says under its own name."""

    def dial(self, node: Node, effect: Dial) -> None:
        """Open a stream and shake hands."""

    def decide(self, node: Node, effect: StreamVerdict) -> None:
        """Go on with a handshake, or end it."""

    def say(self, node: Node, effect: StreamSend) -> None:
        """Send a message on a stream."""

    def hang_up(self, node: Node, effect: StreamClose) -> None:
        """Close one end of a stream."""

    def keyring(self, node: Node) -> Keyring | None:
        """Give a node's cluster keys; None where nothing is sealed."""

    def offer_keyring(self, node: Node, sender: MemberId, blob: bytes) -> None:
        """Merge a keyring that a member offered."""

    def open_streams(self, node: Node) -> int:
        """Tell how many streams a node has."""
