"""What the façade sees of a node's license: `api.license_view.LicensingView` over `node.license_keeper`."""

import time
from collections.abc import Callable

from api.license_view import LicenseView
from node.agent.stored import stored
from node.license_keeper import LicenseKeeper
from protocol.security.license import License


class AgentLicensing:
    """The license of one node."""

    def __init__(
        self, keeper: LicenseKeeper, seats_taken: Callable[[], int], now: Callable[[], float] = time.time
    ) -> None:
        self._keeper = keeper
        self._seats_taken = seats_taken
        self._now = now

    def current(self) -> LicenseView | None:
        """Give the license in force."""
        license = self._keeper.current
        return None if license is None else self._shown(license)

    def warnings(self) -> tuple[str, ...]:
        """Give what an operator should know."""
        return self._keeper.warnings(self._now(), self._seats_taken())

    async def apply(self, text: str) -> LicenseView:
        """Put a renewal in force."""
        return self._shown(await stored(self._keeper.apply(text)))

    def _shown(self, license: License) -> LicenseView:
        return LicenseView(
            license_id=license.license_id,
            identity=license.identity,
            issuer=license.issuer,
            max_nodes=license.max_nodes,
            issued_at=license.issued_at_ms / 1000,
            expires_at=None if license.expires_at_ms is None else license.expires_at_ms / 1000,
            seats_taken=self._seats_taken(),
        )
