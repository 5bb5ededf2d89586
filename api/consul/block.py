"""Blocking queries: an answer that waits until it has news, or its time is up.

A request that waits costs its connection, its tasks and an event; nothing polls. While it waits it gives its place
among the requests in service to others, and takes one again before it answers, so that ten thousand that wake at once
are answered 64 at a time. What it waits in is known to the server, which ends it when it stops.
"""

import random
from collections.abc import Sequence
from typing import Final

import trio
from quart import request

from api.catalog_view import CatalogView, Watch
from api.middleware import CLOSING, SLOT, WAITING, ConcurrencySlot

JITTER_SHARE: Final = 16
"""A wait is longer by up to this part of it, so that requests begun together do not all come back together."""


def index_of(catalog: CatalogView, watches: Sequence[Watch]) -> int:
    """Give the index of an answer that shows all of these: the largest."""
    return max(1, *(catalog.index(watch) for watch in watches))


async def wait_for_news(catalog: CatalogView, watches: Sequence[Watch], index: int, wait_s: float) -> None:
    """Return once the index of an answer is above one, the time is up, or the server is about to end.

    With index 0 at once.
    """
    if index == 0 or index_of(catalog, watches) > index:
        return
    state = request.scope.get("state", {})
    if CLOSING in state and state[CLOSING].is_set():
        return
    waiting: set[trio.CancelScope] = state.get(WAITING, set())
    slot: ConcurrencySlot = request.scope[SLOT]  # type: ignore[typeddict-item]
    scope = trio.CancelScope(deadline=trio.current_time() + wait_s + random.uniform(0, wait_s / JITTER_SHARE))
    waiting.add(scope)
    slot.give_back()
    try:
        with scope:
            await _wait_for_any(catalog, watches, index)
    finally:
        waiting.discard(scope)
    await slot.take()


async def _wait_for_any(catalog: CatalogView, watches: Sequence[Watch], index: int) -> None:
    if len(watches) == 1:
        await catalog.wait(watches[0], index)
        return
    async with trio.open_nursery() as nursery:

        async def wait_for(watch: Watch) -> None:
            await catalog.wait(watch, index)
            nursery.cancel_scope.cancel()

        for watch in watches:
            nursery.start_soon(wait_for, watch)
