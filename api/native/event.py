"""Changes of the member list as server-sent events.

    id: 1763690400012
    event: member-failed
    data: {"index": 1763690400012, "event": "member-failed", "id": "01J...", "name": "n3", ...}

A client goes on where it was with `?index=N` or the header Last-Event-ID, of which the larger counts;
without either it hears what happens from now on, with 0 everything still held. Where events between are
lost, a `gap` comes first, and the client reads the whole list again. A comment every `HEARTBEAT_S`
shows that the connection lives. Where the client's right ends (its token is revoked, or expires), an `end` comes last.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import trio
from quart import Response, request
from quart_trio import QuartTrio

from api.access import Access
from api.answer import Problem, encode_json
from api.middleware import CLOSING, ON_END
from api.query import current_query, parse_index
from api.token_view import Scope
from api.view import Event, NodeView
from protocol.error import InvalidRequest

STREAMS_MAX: Final = 32
"""Each is a connection and a task that wakes at every event."""
BATCH_MAX: Final = 128
"""Events taken from the ring at once: a slow reader holds no more than these."""
HEARTBEAT_S: Final = 15.0
"""Proxies cut quiet connections after 30 s or 60 s."""

END_TEXT: Final = b'event: end\ndata: {"reason": "the right to follow has ended"}\n\n'
_NEVER: Final = trio.Event()
"""Stands in for `closing` where no server is, as in tests; nobody sets it."""


def add_event_route(app: QuartTrio, view: NodeView, access: Access) -> None:
    """Add GET /v1/cluster/events."""
    streams = EventStreams(view, access)
    app.add_url_rule("/v1/cluster/events", "cluster events", streams.open, methods=("GET",))


class EventStreams:
    """The open streams of one app, counted."""

    def __init__(self, view: NodeView, access: Access) -> None:
        self._view = view
        self._access = access
        self.open_count = 0

    async def open(self) -> Response:
        """Begin a stream."""
        self._access.require(Scope.NODE_READ)
        index = self._begin()
        if request.method == "HEAD":
            return Response(b"", 200, {"Content-Type": "text/event-stream"})
        if self.open_count >= STREAMS_MAX:
            raise Problem(
                429, "TOO_MANY_STREAMS", f"{STREAMS_MAX} streams of events are open, that is all there may be"
            )
        self.open_count += 1
        request.scope[ON_END] = self._end  # type: ignore[typeddict-unknown-key]
        closing: trio.Event = request.scope.get("state", {}).get(CLOSING, _NEVER)
        response = Response(
            follow(self._view, index, closing, self._access.follow(Scope.NODE_READ)),
            200,
            {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        response.timeout = None
        return response

    def _begin(self) -> int:
        given = [text for text in (current_query().first("index"), request.headers.get("Last-Event-ID")) if text]
        try:
            return max((parse_index(text) for text in given), default=self._view.event_index)
        except ValueError as wrong:
            raise InvalidRequest(f"index: {wrong}") from None

    def _end(self) -> None:
        self.open_count -= 1


async def follow(
    view: NodeView, index: int, closing: trio.Event, may_follow: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Give the text of the stream, from the events after `index` on, until `closing`, or `may_follow` no more."""
    yield b"retry: 2000\nid: %d\n\n" % index
    while not closing.is_set():
        if not may_follow():
            yield END_TEXT
            return
        batch = view.events_since(index, BATCH_MAX)
        if batch.gap:
            # from nothing to the beginning of the ring is no loss to a client that asked for all there is
            if index > 0:
                yield _gap_text(index, batch.events[0].index if batch.events else view.event_index)
            index = batch.events[0].index - 1 if batch.events else view.event_index
        for event in batch.events:
            yield _event_text(event)
            index = event.index
        if not batch.events and not await _has_news(view, index, closing) and may_follow():
            yield b":\n\n"


async def _has_news(view: NodeView, index: int, closing: trio.Event) -> bool:
    """Wait for an event, the end of the server, or the time for a heartbeat; tell whether an event came."""
    has_news = False
    with trio.move_on_after(HEARTBEAT_S):
        async with trio.open_nursery() as nursery:

            async def wait_for_end() -> None:
                await closing.wait()
                nursery.cancel_scope.cancel()

            nursery.start_soon(wait_for_end)
            await view.wait_for_event(index)
            has_news = True
            nursery.cancel_scope.cancel()
    return has_news


def _event_text(event: Event) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.index, event.event.encode(), encode_json(event_answer(event)))


def _gap_text(since: int, until: int) -> bytes:
    data = encode_json({"since": since, "until": until})
    return b"event: gap\ndata: %b\n\n" % data


def event_answer(event: Event) -> dict[str, Any]:
    """Shape one event."""
    return {
        "index": event.index,
        "at": event.at,
        "event": event.event,
        "id": event.member_id,
        "name": event.name,
        "address": str(event.address),
        "incarnation": event.incarnation,
        "status": event.status.value if event.status else None,
    }
