"""What every request passes before a route sees it: its target, its sender, sizes, and a slot in service.

A layer below Quart, because it is on the path of each request and Quart's own hooks cost more than
these checks. In order:

1. The body is read here, at most `BODY_SIZE_MAX` within `BODY_TIMEOUT_S`. What is too large is read on
   and thrown away up to `DRAIN_SIZE_MAX`, so that the client gets its 413 and can use the
   connection again; with hypercorn an unread body would block the connection for good.
2. The target is cleaned, or refused (`api.target`).
3. The sender must not be a web page of another site (`api.origin`); `Changes` tells for which routes that is strict.
4. At most `SERVICE_MAX` requests are in service, the rest wait their turn: HTTP load must not make the
   failure detector late. An answer that is complete gives its slot back before it is sent, so a client that does
   not read holds none; a stream of events gives it back once its answer has begun; a request that
   waits for news gives it back while it waits, and takes one again to answer (`ConcurrencySlot`).
5. Plain reads are answered here and now (`api.fast_path`), the rest by Quart.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import trio

from api.answer import NOSNIFF, Problem, RawResponse, echo, refusal_bytes
from api.fast_path import FastPath, RawRequest
from api.origin import OriginPolicy, Sender
from api.target import PathCleaner, TargetRefused, check_query, read_path

SERVICE_MAX: Final = 64
"""Requests in service at once (design section 8)."""

ASIDE_MAX: Final = 16
"""Requests that wait for other nodes (handshakes, goodbyes, rotations) at once; they hold none of the places above."""

BODY_SIZE_MAX: Final = 1 << 20
"""The largest definition of a service with its checks is a few KiB; 1 MiB is generous."""
BODY_TIMEOUT_S: Final = 10.0
"""A body that takes longer is given up, so that slow senders hold nothing."""
DRAIN_SIZE_MAX: Final = 16 << 20
"""How much of a body that is too large is still read and thrown away, so that its sender gets to listen."""

LAST_SEND_S: Final = 30.0
"""The end of an answer is not cancelled by the client's going away, but not waited for without end either."""

REPLAY: Final = "shoal.replay"
"""Key of an ASGI scope's `extensions`, put there by the server (`api.server.replay`): where a replay is offered."""

_REPLAYED_KEYS: Final = ("method", "path", "raw_path", "query_string", "headers", "server")
"""What an answer may depend on."""
_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

ON_END: Final = "shoal.on_end"
"""Key of an ASGI scope: a callable to run when the request is over, however it ends."""

SLOT: Final = "shoal.slot"
"""Key of an ASGI scope: the request's `ConcurrencySlot`."""

METHOD: Final = "shoal.method"
"""Key of an ASGI scope: the method as the client wrote it, where that is none that any route knows."""

UNKNOWN_METHOD: Final = "UNKNOWN"
"""Stands for such a method, so that no route takes it."""

CLOSING: Final = "shoal.closing"
"""Key of an ASGI scope's `state`: a trio.Event set when the server is about to end, for streams."""

WAITING: Final = "shoal.waiting"
"""Key of an ASGI scope's `state`: the set of trio.CancelScope in which requests wait for news.

The server cancels them when it is about to end. A task for each that waits for CLOSING would double their cost.
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer given by the middleware itself."""

    status: int
    code: str
    sentence: str
    closes: bool = False
    """Whether the connection cannot be used again."""
    location: bytes | None = None
    """Where a redirection leads."""


class ConcurrencySlot:
    """One request's place among those in service."""

    __slots__ = ("_aside", "_is_held", "_places")

    def __init__(self, places: trio.Semaphore, aside: trio.Semaphore) -> None:
        self._places = places
        self._aside = aside
        self._is_held = False

    async def take(self) -> None:
        """Wait for a place, first come first served; not to be called by one who holds it."""
        try:
            self._places.acquire_nowait()
        except trio.WouldBlock:
            await self._places.acquire()
        self._is_held = True

    @asynccontextmanager
    async def release_while_waiting(self) -> AsyncIterator[None]:
        """Leave the place to others while this request waits for the network, which may take seconds.

        Raises:
            Problem: 429 TOO_MANY_REQUESTS, `ASIDE_MAX` do so already.
        """
        try:
            self._aside.acquire_nowait()
        except trio.WouldBlock:
            sentence = f"{ASIDE_MAX} requests of this kind are under way, that is all there may be: try again later"
            raise Problem(429, "TOO_MANY_REQUESTS", sentence, {"Retry-After": "1"}) from None
        try:
            self.give_back()
            yield
        finally:
            self._aside.release()
        await self.take()

    def give_back(self) -> None:
        """Let another request in; once is enough."""
        if self._is_held:
            self._is_held = False
            self._places.release()


class RequestCounter:
    """Counts answers by status, for `shoal_http_requests_total`; one may serve several listeners."""

    def __init__(self) -> None:
        self.by_status: Counter[int] = Counter()


class Changes:
    """Which requests change something: all by other methods than GET, HEAD and OPTIONS, and GET of these prefixes."""

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        """Keep the beginnings of the paths at which a GET changes something, as old clients of Consul ask for it."""
        self._prefixes = tuple(prefixes)

    def does(self, method: str, path: str) -> bool:
        """Return whether a request is of that kind."""
        return method not in _SAFE_METHODS or path.startswith(self._prefixes)


class Middleware:
    """An ASGI app around another."""

    def __init__(
        self,
        app: App,
        allowed_hosts: frozenset[str],
        counter: RequestCounter,
        fast_path: FastPath | None = None,
        cleaner: PathCleaner | None = None,
        changes: Changes | None = None,
    ) -> None:
        """Guard `app`, and answer here what is in the table `fast_path`.

        `allowed_hosts` are further names, in lower case, by which this API may be called.
        """
        self._app = app
        self._fast_path = fast_path or FastPath()
        self._policy = OriginPolicy(allowed_hosts)
        self._counter = counter
        self._cleaner = cleaner or PathCleaner()
        self._changes = changes or Changes()
        self._slots = trio.Semaphore(SERVICE_MAX, max_value=SERVICE_MAX)
        self._aside = trio.Semaphore(ASIDE_MAX, max_value=ASIDE_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sender, has_body = _read_headers(scope)
        refusal = self._refuse(scope, sender)
        if has_body:
            body, too_much = await _read_body(receive)
            if body is None:  # the client is gone
                return
            refusal = too_much or refusal
            receive = _replay(body, receive)
        if refusal is not None:
            await self._answer_refusal(refusal, scope, receive, send)
            return
        await self._serve(scope, receive, send)

    def _refuse(self, scope: Scope, sender: Sender) -> Refusal | None:
        """Clean the target, and judge it and its sender."""
        method = scope["method"]
        if not method.isupper():  # methods are case-sensitive, and Quart is not
            scope[METHOD], method = method, UNKNOWN_METHOD
            scope["method"] = method
        try:
            path = read_path(scope["raw_path"])
            check_query(scope["query_string"])
        except TargetRefused as refused:
            return Refusal(refused.status, refused.code, refused.sentence)
        if path != scope["raw_path"]:  # scheme and host stand before it, and that host is meant
            sender.host = scope["raw_path"].partition(b"//")[2].partition(b"/")[0]
            scope["raw_path"], scope["path"] = path, unquote(path.decode("ascii", "replace"))
        if scope["path"].startswith("//") and not path.startswith(b"//"):  # the router would skip it, and Changes not
            return Refusal(404, "NOT_FOUND", "the path begins with an encoded slash: leave it out")
        clean = self._cleaner.clean(path)
        if clean != path:
            return _redirect(method, clean, scope["query_string"])
        sentence = self._policy.refuse(sender, self._changes.does(method, scope["path"]))
        return None if sentence is None else Refusal(403, "FORBIDDEN", sentence)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        slot = scope[SLOT] = ConcurrencySlot(self._slots, self._aside)
        await slot.take()
        try:
            request = RawRequest(scope)
            answer = self._fast_path.answer(request)
            if answer is None:
                await self._pass_on(scope, receive, send, slot)
            else:
                slot.give_back()
                self._offer_replay(request)
                await self._send(answer.status, answer.header_list(), answer.body, send)
        finally:
            slot.give_back()
            if ON_END in scope:
                scope[ON_END]()

    def _offer_replay(self, request: RawRequest) -> None:
        """Offer the server to answer the same request again without asking here, where it knows how to."""
        offer = request.scope.get("extensions", {}).get(REPLAY)
        if offer is None:
            return
        kept = RawRequest({key: request.scope[key] for key in _REPLAYED_KEYS})

        def replay() -> RawResponse | None:
            if not self._slots.value:  # all slots are taken: it waits its turn
                return None
            answer = self._fast_path.answer(kept)
            if answer is not None:
                self._counter.by_status[answer.status] += 1
            return answer

        offer[REPLAY] = replay

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, slot: ConcurrencySlot) -> None:
        by_status = self._counter.by_status

        async def counted_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                by_status[message["status"]] += 1
                message["headers"] = [*message["headers"], NOSNIFF]
                if ON_END in scope:
                    slot.give_back()
                await send(message)
                return
            slot.give_back()  # the client may be slow to take it
            if not message.get("more_body", False):
                # the server reports a disconnect, at which quart-trio cancels the task that is still in
                # this very call: unshielded, the connection could not be used again
                with trio.move_on_after(LAST_SEND_S, shield=True):
                    await send(message)
                return
            await send(message)

        await self._app(scope, receive, counted_send)

    async def _send(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, send: Send) -> None:
        self._counter.by_status[status] += 1
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _answer_refusal(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        body, content_type = refusal_bytes(scope["path"], refusal.code, refusal.sentence)
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            NOSNIFF,
        ]
        if refusal.closes:
            headers.append((b"connection", b"close"))
        if refusal.location is not None:
            headers.append((b"location", refusal.location))
        async with trio.open_nursery() as nursery:
            # what the client still sends must be taken, or hypercorn waits for ever to hand it over
            nursery.start_soon(_discard, receive)
            await self._send(refusal.status, headers, body, send)
            nursery.cancel_scope.cancel()


def _read_headers(scope: Scope) -> tuple[Sender, bool]:
    """Return by what a sender is judged, and whether a body may follow."""
    sender = Sender()
    has_body = scope["http_version"] not in ("1.0", "1.1")  # later versions announce none
    for name, value in scope["headers"]:
        if name == b"host":
            sender.host = value
        elif name == b"user-agent":
            sender.agent = value
        elif name == b"origin":
            sender.origin = value if sender.origin in (None, value) else b"more than one"
        elif name == b"sec-fetch-site":
            sender.site = value if sender.site in (None, value) else b"more than one"
        elif name == b"referer":
            sender.referer = value if sender.referer in (None, value) else b"more than one"
        elif name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            has_body = True
    return sender, has_body


def _redirect(method: str, clean: bytes, query: bytes) -> Refusal:
    """Send a reader to the clean path, and refuse everybody else, as most clients would not send their body again."""
    target = clean + (b"?" + query if query else b"")
    sentence = f"the path has an empty segment: use {echo(clean.decode('latin-1'))}"
    if method in ("GET", "HEAD"):
        return Refusal(301, "MOVED", sentence, location=target)
    return Refusal(404, "NOT_FOUND", sentence)


async def _read_body(receive: Receive) -> tuple[bytes | None, Refusal | None]:
    """Read the whole body; None for it when the client went away."""
    chunks: list[bytes] = []
    size = 0
    with trio.move_on_after(BODY_TIMEOUT_S):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None, None
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= BODY_SIZE_MAX:
                chunks.append(chunk)
            is_complete = not message.get("more_body", False)
            if size > BODY_SIZE_MAX and (is_complete or size > DRAIN_SIZE_MAX):
                sentence = f"the body is larger than {BODY_SIZE_MAX} bytes"
                return b"", Refusal(413, "BODY_TOO_LARGE", sentence, closes=not is_complete)
            if is_complete:
                return b"".join(chunks), None
    return b"", Refusal(408, "TIMEOUT", f"the body did not arrive within {BODY_TIMEOUT_S:.0f} s", closes=True)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give an ASGI receive that hands out a body read before, then what comes after it."""
    is_first = True

    async def replayed() -> Any:
        nonlocal is_first
        if is_first:
            is_first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed


async def _discard(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
