"""One end of a sealed stream: whose it is, how far it has come, and what arrived and was not read yet."""

from collections import deque
from dataclasses import dataclass, field
from typing import Optional

from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.security.channel import Channel
from protocol.security.handshake import Initiator, Responder
from protocol.ulid import MemberId
from simulations.world.node import Node

END = b""
"""What a socket gives behind the last byte."""
RESET = None
"""The other process is gone."""


@dataclass(slots=True, eq=False)
class StreamEnd:
    """Times are virtual seconds."""

    node: Node
    number: int
    """The node's own for this stream."""
    began_at: float
    dialled: bool
    purpose: Purpose | None = None
    """What it was dialled for."""
    wanted: MemberId | None = None
    """Who must answer."""
    far: Optional["StreamEnd"] = None
    """The other end; None until it is connected."""
    machine: Initiator | Responder | None = None
    """None until the process knows that it is connected."""
    inbox: deque[bytes | None] = field(default_factory=deque)
    arrives_at: float = 0.0
    """When the last of what is on its way arrives: bytes keep their order."""
    due: float = 0.0
    """How long it waits for what must come next."""
    received: int = 0
    """Bytes since the handshake."""
    verdict: Refusal | None = None
    is_judged: bool = False
    """The engine was asked about the peer, and has not spoken."""
    proven: bool = False
    """The peer has shown that it holds a cluster key and its identity."""
    is_open: bool = False
    finishing: bool = False
    """The engine closed it."""
    is_cut_off: bool = False
    """Something on its way here was lost for good; nothing that was sent later can arrive before it."""

    @property
    def channel(self) -> Channel | None:
        """What seals its messages, once both sides have accepted."""
        return self.machine.channel if self.machine is not None else None
