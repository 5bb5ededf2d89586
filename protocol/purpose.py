"""What a stream was opened for; said in the sealed part of the initiator's hello."""

from enum import IntEnum


class Purpose(IntEnum):
    """A join may be refused for its name; a sync or a ping between members never is."""

    JOIN = 1
    SYNC = 2
    PING = 3
    INVITE = 4
    """A member asks a peer in, at an operator's request: one that left, or was reinstated, returns for it."""
