"""One answer of catalog or health: the right, the wait, the bytes and the headers.

Bytes are made once for each index of an answer and kept while it stands: when a service changes, whoever waits for it
wakes at once, and the first pays for all. `Lister.answer` waits, `Lister.answer_now` never does.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import Any, Final

from quart import Response

from api.access import Access
from api.answer import JSON_TYPE, TEXT_TYPE, RawResponse, encode_json
from api.catalog_view import Watch
from api.consul.block import allowed_wait_s, index_of, wait_for_news
from api.consul.directory import Directory
from api.consul.option import Options
from api.fast_path import RawRequest, current_request
from api.token_view import Scope
from api.view import NodeView

KEPT_COUNT_MAX: Final = 512
"""Different answers kept: a monitoring system asks for each service once, in the same words every time."""
KEPT_SIZE_MAX: Final = 8 << 20
"""Bytes of all of them."""


CACHED: Final = MappingProxyType({"X-Cache": "HIT", "Age": "0"})
"""Every answer is out of this node's memory, where news comes by itself."""


@dataclass(frozen=True, slots=True)
class Absent:
    """What is built where a Consul answers 404."""

    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a route answers with."""

    scope: Scope | None
    """The right to see it; None: everybody may."""
    watches: tuple[Watch, ...]
    """What the answer shows; none: it never changes."""
    key: tuple[Hashable, ...]
    """The route and what it was asked for, besides the options; empty: its bytes are not worth keeping."""
    build: Callable[[Directory], Any]
    """Makes what is written as JSON, or an `Absent`."""
    hidden: Any
    """The answer to whoever may not see it."""
    may_be_cached: bool = False
    """Whether a Consul would answer it out of its agent's cache, for whoever asks with `cached`."""


Plan = tuple[Listing, Options]
"""What a request asks for, read and checked."""


class Content:
    """An answer but for its headers of the moment; the last ones it went out with are kept beside it."""

    __slots__ = ("_made_of", "_response", "body", "content_type", "status")

    def __init__(self, status: int, content_type: str, body: bytes) -> None:
        self.status = status
        self.content_type = content_type
        self.body = body
        self._made_of: tuple[int, str, bool] = (0, "", False)
        self._response: RawResponse | None = None

    @classmethod
    def of(cls, built: Any, is_pretty: bool) -> "Content":
        """Write what was built."""
        if isinstance(built, Absent):
            return cls(404, TEXT_TYPE, built.sentence.encode())
        return cls(200, JSON_TYPE, encode_json(built, is_pretty))

    def response(self, index: int, known_leader: str, is_cached: bool) -> RawResponse:
        """Return the answer with its headers."""
        if self._response is None or self._made_of != (index, known_leader, is_cached):
            self._made_of = (index, known_leader, is_cached)
            headers = (
                ("X-Consul-Index", str(index)),
                ("X-Consul-KnownLeader", known_leader),
                ("X-Consul-LastContact", "0"),
                ("X-Consul-Effective-Consistency", "stale"),  # there is no other here, whatever was asked for
                *(CACHED.items() if is_cached else ()),
            )
            self._response = RawResponse(self.body, self.status, self.content_type, headers)
        return self._response


class Lister:
    """Answers the listings of one app."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access
        self._kept = _Kept()
        self._leading: tuple[int, str] = (-1, "")

    def handler(self, plan: Callable[..., Plan]) -> Callable[..., Awaitable[Response]]:
        """Return the handler of a route; `plan` reads the request, and what follows the prefix where there is one."""

        @wraps(plan)
        async def handle(**segments: str) -> Response:
            return await self.answer(*plan(current_request(), *segments.values()))

        return handle

    def fast(self, plan: Callable[..., Plan]) -> Callable[..., RawResponse | None]:
        """Return what answers the same requests from memory, and those that have to wait not at all."""

        def answer(request: RawRequest, *segments: str) -> RawResponse | None:
            listing, options = plan(request, *segments)
            if options.near:  # worked out anew each time: no answer to be kept
                return None
            catalog = self._view.catalog
            if options.index and allowed_wait_s(catalog, listing.watches, options.index, options.wait_s):
                return None
            return self._respond(listing, options, request)

        return answer

    async def answer(self, listing: Listing, options: Options) -> Response:
        """Answer now, or with an index once there is news.

        Raises:
            Problem: 403, the token is unknown; after the wait it is asked for again.
        """
        if options.index:
            self._shows(listing, current_request())
            await wait_for_news(self._view.catalog, listing.watches, options.index, options.wait_s)
        return self.answer_now(listing, options)

    def answer_now(self, listing: Listing, options: Options) -> Response:
        """Answer with what there is, whatever the index.

        Raises:
            Problem: 403, the token is unknown.
        """
        return self._respond(listing, options, current_request()).as_quart()

    def _respond(self, listing: Listing, options: Options, request: RawRequest) -> RawResponse:
        is_shown = self._shows(listing, request)
        index = index_of(self._view.catalog, listing.watches)
        content = self._content(listing, options, index) if is_shown else Content.of(listing.hidden, options.is_pretty)
        is_cached = listing.may_be_cached and options.query.first("cached") is not None
        return content.response(index, self._known_leader(), is_cached)

    def _shows(self, listing: Listing, request: RawRequest) -> bool:
        return listing.scope is None or self._access.shows(listing.scope, request)

    def _content(self, listing: Listing, options: Options, index: int) -> Content:
        is_kept = bool(listing.key) and not options.near  # places move without a new index
        key = (
            *listing.key,
            options.datacenter,
            options.node_meta,
            options.filter_text,
            options.is_pretty,
        )
        content = self._kept.find(key, index) if is_kept else None
        if content is None:
            directory = Directory(self._view.catalog, options, self._view.local().name)
            content = Content.of(listing.build(directory), options.is_pretty)
            if is_kept:
                self._kept.keep(key, index, content)
        return content

    def _known_leader(self) -> str:
        generation = self._view.generation
        if self._leading[0] != generation:  # whoever wakes with a thousand others need not look at all members too
            self._leading = (generation, "true" if self._view.catalog.leader() else "false")
        return self._leading[1]


class _Kept:
    """Answers by what was asked for, the least recently used going first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[Hashable, ...], tuple[int, Content]] = OrderedDict()
        self._size = 0

    def find(self, key: tuple[Hashable, ...], index: int) -> Content | None:
        held = self._answers.get(key)
        if held is None or held[0] != index:
            return None
        self._answers.move_to_end(key)
        return held[1]

    def keep(self, key: tuple[Hashable, ...], index: int, content: Content) -> None:
        self._drop(key)
        if len(content.body) > KEPT_SIZE_MAX:
            return
        self._answers[key] = (index, content)
        self._size += len(content.body)
        while len(self._answers) > KEPT_COUNT_MAX or self._size > KEPT_SIZE_MAX:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: tuple[Hashable, ...]) -> None:
        held = self._answers.pop(key, None)
        if held is not None:
            self._size -= len(held[1].body)
