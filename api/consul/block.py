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

FOREIGN_WAIT_MAX_S: Final = 10.0
"""For how long an index is waited with that this node gave for another answer at most, never for this one.

A Consul waits all the time it is given, for there one number counts everywhere. Here it may also be another node's, of
about the same start: what changed before its client came over would not be seen for minutes. To answer at once would
let a client spin that waits for one answer with the index of another."""


def index_of(catalog: CatalogView, watches: Sequence[Watch]) -> int:
    """Return the index of an answer that shows all of these: the largest; 1 of one that shows nothing, ever."""
    return max((1, *(catalog.index(watch) for watch in watches)))


def allowed_wait_s(catalog: CatalogView, watches: Sequence[Watch], index: int, wait_s: float) -> float:
    """Return for how long the answer to a request with an index may wait for news; 0: it is due at once.

    It is due where the answer has a larger index, and where this node never gave so large a one: it is of another node
    or of an earlier run, and a client that sees a smaller one begins anew.
    """
    own = index_of(catalog, watches)
    if index < own or index > max(own, catalog.newest):
        return 0.0
    return wait_s if index == own else min(wait_s, FOREIGN_WAIT_MAX_S)


async def wait_for_news(catalog: CatalogView, watches: Sequence[Watch], index: int, wait_s: float) -> None:
    """Return once an answer has news, its time is up (`allowed_wait_s`), or the server is about to end.

    Without an index, which is 0, at once.
    """
    wait_s = allowed_wait_s(catalog, watches, index, wait_s)
    if not wait_s:
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
    if not watches:
        await trio.sleep_forever()
    if len(watches) == 1:
        await catalog.wait(watches[0], index)
        return
    async with trio.open_nursery() as nursery:

        async def wait_for(watch: Watch) -> None:
            await catalog.wait(watch, index)
            nursery.cancel_scope.cancel()

        for watch in watches:
            nursery.start_soon(wait_for, watch)
