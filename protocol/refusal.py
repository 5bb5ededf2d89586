"""Why a peer will not speak to another: closed set, one sentence each."""

from enum import Enum


class Refusal(Enum):
    """The reason a handshake ended; the value is what travels and what programs match on."""

    VERSION = "version"
    UNKNOWN_KEY = "unknown_key"
    CLUSTER_MISMATCH = "cluster_mismatch"
    BAD_SIGNATURE = "bad_signature"
    REVOKED = "revoked"
    LICENSE_MISMATCH = "license_mismatch"
    LICENSE_EXPIRED = "license_expired"
    NODE_LIMIT = "node_limit"
    NAME_IN_USE = "name_in_use"
    BUSY = "busy"

    @property
    def sentence(self) -> str:
        """What an operator reads: the reason and, where there is one, the remedy."""
        return _SENTENCES[self]

    @property
    def is_final(self) -> bool:
        """Whether the same attempt, made again a little later, would be refused again."""
        return self not in _PASSING


_SENTENCES = {
    Refusal.VERSION: "no protocol version in common: upgrade the older of the two nodes",
    Refusal.UNKNOWN_KEY: (
        "the peer does not hold this node's cluster key: start this node with the cluster's key file "
        "(`shoal agent --key-file FILE`)"
    ),
    Refusal.CLUSTER_MISMATCH: "the peer belongs to another cluster: its key file names another cluster id",
    Refusal.BAD_SIGNATURE: "the peer could not prove the identity it claimed",
    Refusal.REVOKED: "this identity was revoked in the cluster: an operator must add it again",
    Refusal.LICENSE_MISMATCH: "the peer runs under another license",
    Refusal.LICENSE_EXPIRED: "the cluster's license has expired: no new member is let in until it is replaced",
    Refusal.NODE_LIMIT: "the license's node limit is reached",
    Refusal.NAME_IN_USE: "another live member uses this name: choose another with --name",
    Refusal.BUSY: "the peer is serving as many streams as it can: try again later",
}

_PASSING = frozenset({Refusal.BUSY, Refusal.NODE_LIMIT, Refusal.NAME_IN_USE})
"""Reasons worth some retries (design: 30 s): a seat, a name or a slot may become free."""
