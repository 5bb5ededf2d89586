"""One answer of catalog or health: the right, the wait, the bytes and the headers.

Bytes are made once for each index of an answer and kept while it stands: when a service changes, whoever waits for it
wakes at once, and the first pays for all.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

from quart import Response

from api.access import Access
from api.answer import JSON_TYPE, encode_json
from api.catalog_view import Watch
from api.consul.block import index_of, wait_for_news
from api.consul.directory import Directory
from api.consul.option import Options
from api.token_view import Scope
from api.view import NodeView

KEPT_COUNT_MAX: Final = 512
"""Different answers kept: a monitoring system asks for each service once, in the same words every time."""
KEPT_SIZE_MAX: Final = 8 << 20
"""Bytes of all of them."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a route answers with."""

    scope: Scope
    watches: tuple[Watch, ...]
    """What the answer shows."""
    key: tuple[Hashable, ...]
    """The route and what it was asked for, besides the options."""
    build: Callable[[Directory], Any]
    hidden: Any
    """The answer to whoever may not see it."""


class Lister:
    """Answers the listings of one app."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access
        self._kept = _Kept()
        self._leading: tuple[int, str] = (-1, "")

    async def answer(self, listing: Listing, options: Options) -> Response:
        """Answer now, or with an index once there is news.

        Raises:
            Problem: 403, the token is unknown; after the wait it is asked for again.
        """
        catalog = self._view.catalog
        is_shown = self._access.shows(listing.scope)
        if options.index:
            await wait_for_news(catalog, listing.watches, options.index, options.wait_s)
            is_shown = self._access.shows(listing.scope)
        index = index_of(catalog, listing.watches)
        body = self._body(listing, options, index) if is_shown else encode_json(listing.hidden, options.is_pretty)
        return Response(body, 200, {"Content-Type": JSON_TYPE, **self._headers(index)})

    def _body(self, listing: Listing, options: Options, index: int) -> bytes:
        key = (
            *listing.key,
            options.datacenter,
            options.node_meta,
            options.filter_text,
            options.is_pretty,
        )
        # places move without a new index
        kept = None if options.near else self._kept.find(key, index)
        if kept is None:
            directory = Directory(self._view.catalog, options, self._view.local().name)
            kept = encode_json(listing.build(directory), options.is_pretty)
            if not options.near:
                self._kept.keep(key, index, kept)
        return kept

    def _headers(self, index: int) -> dict[str, str]:
        generation = self._view.generation
        if self._leading[0] != generation:  # whoever wakes with a thousand others need not look at all members too
            self._leading = (generation, "true" if self._view.catalog.leader() else "false")
        return {
            "X-Consul-Index": str(index),
            "X-Consul-KnownLeader": self._leading[1],
            "X-Consul-LastContact": "0",
            "X-Consul-Effective-Consistency": "stale",  # there is no other here, whatever was asked for
        }


class _Kept:
    """Answers by what was asked for, the least recently used going first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[Hashable, ...], tuple[int, bytes]] = OrderedDict()
        self._size = 0

    def find(self, key: tuple[Hashable, ...], index: int) -> bytes | None:
        held = self._answers.get(key)
        if held is None or held[0] != index:
            return None
        self._answers.move_to_end(key)
        return held[1]

    def keep(self, key: tuple[Hashable, ...], index: int, body: bytes) -> None:
        self._drop(key)
        if len(body) > KEPT_SIZE_MAX:
            return
        self._answers[key] = (index, body)
        self._size += len(body)
        while len(self._answers) > KEPT_COUNT_MAX or self._size > KEPT_SIZE_MAX:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: tuple[Hashable, ...]) -> None:
        held = self._answers.pop(key, None)
        if held is not None:
            self._size -= len(held[1])
