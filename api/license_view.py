"""What the façade needs of the license a node runs under."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LicenseView:
    """The license in force. Times are unix seconds."""

    license_id: str
    """As its file names it."""
    identity: str
    """What records and handshakes carry: the id, "@", and 16 hex letters for the issuer's key."""
    issuer: bytes
    """Ed25519 public key, 32 bytes."""
    max_nodes: int
    issued_at: float
    expires_at: float | None
    """None: never."""
    seats_taken: int
    """Members that count: alive, suspect and failed."""


class LicensingView(Protocol):
    """License and seats of one node."""

    def current(self) -> LicenseView | None:
        """Give the license in force; None: the open license."""
        ...

    def warnings(self) -> Sequence[str]:
        """Give what an operator should know, one sentence each.

        It expires within 30 days, or has expired; there are more members than seats.
        """
        ...

    async def apply(self, text: str) -> LicenseView:
        """Replace the license by a later one of the same identity, given as the text of its file; on disk at return.

        Raises:
            InvalidRequest: no license, a false signature, an untrusted issuer, another identity, or not issued later.
            Problem: 500 NOT_STORED, the disk does not take it; nothing changed.
        """
        ...
