"""Services that were critical for too long go, where their owner asked for it (DeregisterCriticalServiceAfter)."""

import logging
from collections.abc import Awaitable, Callable, Mapping

import trio

from node.store_error import StoreError

REAP_EVERY_S = 30.0

_log = logging.getLogger("shoal.service")


async def reap_forever(
    find_overdue: Callable[[], Mapping[str, str]], deregister: Callable[[str], Awaitable[bool]]
) -> None:
    """Look every 30 s for services whose time is up, by id with the check that says so, and deregister them."""
    while True:
        await trio.sleep(REAP_EVERY_S)
        for service_id, check_id in find_overdue().items():
            try:
                if await deregister(service_id):
                    _log.info("service %s goes: check %s was critical for too long", ascii(service_id), ascii(check_id))
            except StoreError as wrong:
                _log.warning("service %s cannot be deregistered: %s", ascii(service_id), wrong)
