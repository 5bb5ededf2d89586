"""The states of a handshake, and the tables by which each side goes from one to the next."""

from enum import Enum, auto


class State(Enum):
    """Where a side of the handshake stands."""

    IDLE = auto()
    """Initiator, before `start`."""
    HELLO_SENT = auto()
    """Initiator, waiting for the responder's hello."""
    HELLO_AWAITED = auto()
    """Responder, waiting for the initiator's hello."""
    PROOF_AWAITED = auto()
    """The peer's hello was read; its signature is to come."""
    DECIDING = auto()
    """The peer has proven who it is; `accept` or `refuse` is ours to say."""
    ACCEPTED = auto()
    """We accepted; the peer has not said."""
    PEER_ACCEPTED = auto()
    """The peer accepted; we have not said."""
    ESTABLISHED = auto()
    """Both accepted; `channel` is there."""
    FAILED = auto()
    """Refused or broken, by whichever side."""


class Event(Enum):
    """What can happen to a side: acts of its own, frames of the peer's, and faults."""

    START = auto()
    ACCEPT = auto()
    REFUSE = auto()
    HEAR_HELLO = auto()
    HEAR_CLEAR_REFUSAL = auto()
    HEAR_PROOF = auto()
    HEAR_ACCEPT = auto()
    HEAR_REFUSE = auto()
    FAULT = auto()
    """The peer's bytes broke the protocol, or it was refused before the decision."""


Table = dict[tuple[State, Event], State]

_DECISION: Table = {
    (State.PROOF_AWAITED, Event.HEAR_PROOF): State.DECIDING,
    (State.PROOF_AWAITED, Event.HEAR_REFUSE): State.FAILED,
    (State.DECIDING, Event.ACCEPT): State.ACCEPTED,
    (State.DECIDING, Event.REFUSE): State.FAILED,
    (State.DECIDING, Event.HEAR_ACCEPT): State.PEER_ACCEPTED,
    (State.DECIDING, Event.HEAR_REFUSE): State.FAILED,
    (State.ACCEPTED, Event.HEAR_ACCEPT): State.ESTABLISHED,
    (State.ACCEPTED, Event.HEAR_REFUSE): State.FAILED,
    (State.PEER_ACCEPTED, Event.ACCEPT): State.ESTABLISHED,
    (State.PEER_ACCEPTED, Event.REFUSE): State.FAILED,
    (State.PROOF_AWAITED, Event.FAULT): State.FAILED,
    (State.DECIDING, Event.FAULT): State.FAILED,
    (State.ACCEPTED, Event.FAULT): State.FAILED,
    (State.PEER_ACCEPTED, Event.FAULT): State.FAILED,
}

INITIATOR_TABLE: Table = {
    (State.IDLE, Event.START): State.HELLO_SENT,
    (State.HELLO_SENT, Event.HEAR_HELLO): State.PROOF_AWAITED,
    (State.HELLO_SENT, Event.HEAR_CLEAR_REFUSAL): State.FAILED,
    (State.HELLO_SENT, Event.FAULT): State.FAILED,
    **_DECISION,
}

RESPONDER_TABLE: Table = {
    (State.HELLO_AWAITED, Event.HEAR_HELLO): State.PROOF_AWAITED,
    (State.HELLO_AWAITED, Event.FAULT): State.FAILED,
    **_DECISION,
}
"""Whatever is not in a table is refused: a frame with MalformedMessage, an act with InvalidRequest."""

OWN_ACTS = frozenset({Event.START, Event.ACCEPT, Event.REFUSE})
"""Events that the local caller brings about; the rest comes from the peer."""
