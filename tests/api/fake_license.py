"""A license that a test can set, and change over HTTP."""

from dataclasses import replace

from api.answer import Problem
from api.license_view import LicenseView
from protocol.error import InvalidRequest

LICENSE = LicenseView(
    license_id="acme",
    identity="acme@0d6677f06a8a3db0",
    issuer=bytes(range(32)),
    max_nodes=5,
    issued_at=1_700_000_000.0,
    expires_at=1_800_000_000.5,
    seats_taken=3,
)


class FakeLicensing:
    """A node's license; it renews what begins with "renewal", and a full disk keeps nothing."""

    def __init__(self) -> None:
        self.license: LicenseView | None = None
        self.said: tuple[str, ...] = ()
        self.applied: list[str] = []
        self.disk_is_full = False

    def current(self) -> LicenseView | None:
        """Give what was set."""
        return self.license

    def warnings(self) -> tuple[str, ...]:
        """Give what was set."""
        return self.said

    async def apply(self, text: str) -> LicenseView:
        """Double the seats."""
        if not text.startswith("renewal") or self.license is None:
            raise InvalidRequest("the license is damaged or was edited: its signature does not fit")
        if self.disk_is_full:
            raise Problem(500, "NOT_STORED", "state.db cannot be written: the disk is full")
        self.applied.append(text)
        self.license = replace(self.license, max_nodes=2 * self.license.max_nodes)
        return self.license
