"""What waits for other nodes: outside the places of those in service, and finished though the client hangs up.

A plain shield does for what only waits for the disk. What waits for the network may wait for long, and a server that
ends has no answer to give any more.
"""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio
from quart import request

from api.middleware import CLOSING, SLOT, ConcurrencySlot

T = TypeVar("T")


@asynccontextmanager
async def released_while_waiting() -> AsyncIterator[None]:
    """Let another request have the place of the one in hand, while this one waits for other nodes.

    Raises:
        Problem: 429, too many do so already.
    """
    slot: object = request.scope.get(SLOT)
    if not isinstance(slot, ConcurrencySlot):  # no guard stands before this app
        yield
        return
    async with slot.release_while_waiting():
        yield


async def complete(act: Coroutine[Any, Any, T]) -> T:
    """Await an act of the request in hand, which only the end of the server cuts short; others go on meanwhile.

    What must not be cut in half even then is for the act to shield.

    Raises:
        Problem: 429, too many such acts are under way; this one was not begun.
    """
    try:
        async with released_while_waiting():
            return await _finish(act)
    finally:
        act.close()


async def _finish(act: Coroutine[Any, Any, T]) -> T:
    closing: trio.Event | None = request.scope.get("state", {}).get(CLOSING)
    failure: Exception | None = None
    with trio.CancelScope(shield=True) as scope:
        async with trio.open_nursery() as nursery:
            if closing is not None:
                nursery.start_soon(_lower_shield, scope, closing)
            try:
                done = await act
            except Exception as wrong:  # raised below: from here it would come out in a group
                failure = wrong
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return done


async def _lower_shield(scope: trio.CancelScope, closing: trio.Event) -> None:
    await closing.wait()
    scope.shield = False
