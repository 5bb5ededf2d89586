"""How a handshake can end without a channel. Broken bytes are MalformedMessage, as everywhere."""

from protocol.refusal import Refusal
from protocol.security.hello import PeerHello
from protocol.ulid import MemberId, format_ulid


class HandshakeFailed(Exception):
    """Ends a stream before it began. `reply` is what to send before closing it, often nothing."""

    def __init__(self, sentence: str, reply: bytes = b"") -> None:
        super().__init__(sentence)
        self.reply = reply


class HandshakeRefused(HandshakeFailed):
    """One side refused the other, for a reason with a name."""

    def __init__(self, reason: Refusal, by_peer: bool, reply: bytes = b"") -> None:
        super().__init__(reason.sentence, reply)
        self.reason = reason
        self.by_peer = by_peer


class OwnEcho(HandshakeFailed):
    """The other end is this node itself, or a clone of it; `mirrored`: something that sends back what it is sent."""

    def __init__(self, reply: bytes = b"", *, mirrored: bool = False) -> None:
        what = "sends back whatever it is sent" if mirrored else "of the stream is this node itself"
        super().__init__(f"the other end {what}", reply)
        self.mirrored = mirrored


class WrongPeer(HandshakeFailed):
    """Another member than the one that was meant answered at this address, and proved who it is."""

    def __init__(self, expected: MemberId, found: PeerHello) -> None:
        super().__init__(f"{format_ulid(found.id)} ({found.name}) answered instead of {format_ulid(expected)}")
        self.found = found
