"""What a node thinks of a member, in order of gravity."""

from enum import Enum


class Status(Enum):
    """alive < suspect < failed < left. Derived from signed statements and this node's own timer.

    `suspect` is shown by the native API only; Nomad's and Consul's dialects show it as alive, as
    Serf does.
    """

    ALIVE = "alive"
    SUSPECT = "suspect"
    FAILED = "failed"
    LEFT = "left"
