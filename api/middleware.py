"""What every request passes before a route sees it: Host, Origin, sizes, and a turn in the queue.

A layer below Quart, because it is on the path of each request and Quart's own hooks cost more than
these checks. In order:

1. The body is read here, at most `BODY_SIZE_MAX` within `BODY_TIMEOUT_S`. What is too large is read on
   and thrown away up to `DRAIN_SIZE_MAX`, so that the client gets its 413 and can use the
   connection again; with hypercorn an unread body would block the connection for good.
2. Host must be an IP address, localhost or a configured name, and an Origin must be the host itself:
   a web page must not drive an API on loopback, also not by a name that it points there.
3. At most `SERVICE_MAX` requests are in service, the rest wait their turn: HTTP load must not make the
   failure detector late. A stream of events gives its place back once its answer has begun; a request that
   waits for news gives it back while it waits, and takes one again to answer (`ConcurrencySlot`).
4. What is asked most is answered here and now (`api.fast_path`), the rest by Quart.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import trio

from api.answer import Problem, echo, refusal_bytes
from api.fast_path import FastPath
from protocol.address import split_host_port

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

QUERY_SIZE_MAX: Final = 32 << 10
"""64 addresses of 255 characters fit."""

LAST_SEND_S: Final = 30.0
"""The end of an answer is not cancelled by the client's going away, but not waited for without end either."""

HOSTS_REMEMBERED_MAX: Final = 64
"""Host headers known to be good; a node is called by a handful of names."""

HTTP_SCHEMES: Final = ("http://", "https://")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

ON_END: Final = "shoal.on_end"
"""Key of an ASGI scope: a callable to run when the request is over, however it ends."""

SLOT: Final = "shoal.slot"
"""Key of an ASGI scope: the request's `ConcurrencySlot`."""

CLOSING: Final = "shoal.closing"
"""Key of an ASGI scope's `state`: a trio.Event set when the server is about to end, for streams."""

WAITING: Final = "shoal.waiting"
"""Key of an ASGI scope's `state`: the set of trio.CancelScope in which requests wait for news.

The server cancels them when it is about to end. A task for each that waits for CLOSING would double their cost.
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer given by the guard itself."""

    status: int
    code: str
    sentence: str
    closes: bool = False
    """Whether the connection cannot be used again."""


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


class Middleware:
    """An ASGI app around another."""

    def __init__(
        self, app: App, allowed_hosts: frozenset[str], counter: RequestCounter, fast_path: FastPath | None = None
    ) -> None:
        """Middleware `app`, and answer here what is in the table `fast_path`.

        `allowed_hosts` are further names, in lower case, by which this API may be called.
        """
        self._app = app
        self._fast_path = fast_path or FastPath()
        self._allowed_hosts = allowed_hosts
        self._counter = counter
        self._slots = trio.Semaphore(SERVICE_MAX, max_value=SERVICE_MAX)
        self._aside = trio.Semaphore(ASIDE_MAX, max_value=ASIDE_MAX)
        self._known_hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin, host, has_body = _read_headers(scope)
        refusal = self._refuse_target(scope) or self._refuse_host(host) or self._refuse_origin(origin, host)
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

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        slot = scope[SLOT] = ConcurrencySlot(self._slots, self._aside)
        await slot.take()
        try:
            answer = self._fast_path.answer(scope)
            if answer is None:
                await self._pass_on(scope, receive, send, slot)
            else:
                await self._send(answer.status, answer.headers(), answer.body, send)
        finally:
            slot.give_back()
            if ON_END in scope:
                scope[ON_END]()

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, slot: ConcurrencySlot) -> None:
        by_status = self._counter.by_status

        async def counted_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                by_status[message["status"]] += 1
                if ON_END in scope:
                    slot.give_back()
            elif not message.get("more_body", False):
                # hypercorn now reports a disconnect, at which quart-trio cancels the task that is still in
                # this very call: unshielded, the connection is neither closed nor given its idle timer
                with trio.move_on_after(LAST_SEND_S, shield=True):
                    await send(message)
                return
            await send(message)

        await self._app(scope, receive, counted_send)

    async def _send(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, send: Send) -> None:
        self._counter.by_status[status] += 1
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _refuse_target(self, scope: Scope) -> Refusal | None:
        path: str = scope["path"]
        if not path.startswith("/"):
            scheme = next((scheme for scheme in HTTP_SCHEMES if path.lower().startswith(scheme)), None)
            slash = path.find("/", len(scheme)) if scheme else -1
            if slash < 0:
                return Refusal(400, "INVALID_REQUEST", "the request target does not begin with /")
            scope["path"] = path[slash:]
        if len(scope["query_string"]) > QUERY_SIZE_MAX:
            return Refusal(414, "QUERY_TOO_LONG", f"the query is longer than {QUERY_SIZE_MAX} bytes")
        return None

    def _refuse_host(self, host: bytes | None) -> Refusal | None:
        if host is None or host in self._known_hosts:  # only HTTP/1.0 goes without, and no browser speaks it
            return None
        if not self._is_own_host(host.decode("latin-1")):
            return Refusal(
                403,
                "FORBIDDEN",
                f"the Host {echo(host.decode('latin-1'))} is neither an IP address, localhost nor an allowed name",
            )
        if len(self._known_hosts) >= HOSTS_REMEMBERED_MAX:
            self._known_hosts.clear()
        self._known_hosts.add(host)
        return None

    def _is_own_host(self, text: str) -> bool:
        try:
            name, _ = split_host_port(text, default_port=0)
        except ValueError:
            return False
        if name.lower() == "localhost" or name.lower() in self._allowed_hosts:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _refuse_origin(self, origin: bytes | None, host: bytes | None) -> Refusal | None:
        if origin is None:
            return None
        text = origin.decode("latin-1").lower()
        own = (host or b"").decode("latin-1").lower()
        if own and text in (f"{HTTP_SCHEMES[0]}{own}", f"{HTTP_SCHEMES[1]}{own}"):
            return None
        return Refusal(403, "FORBIDDEN", f"requests from the web origin {echo(text)} are not served")

    async def _answer_refusal(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        body, content_type = refusal_bytes(scope["path"], refusal.code, refusal.sentence)
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        if refusal.closes:
            headers.append((b"connection", b"close"))
        async with trio.open_nursery() as nursery:
            # what the client still sends must be taken, or hypercorn waits for ever to hand it over
            nursery.start_soon(_discard, receive)
            await self._send(refusal.status, headers, body, send)
            nursery.cancel_scope.cancel()


def _read_headers(scope: Scope) -> tuple[bytes | None, bytes | None, bool]:
    """Give Origin, Host, and whether a body may follow."""
    origin = host = None
    has_body = scope["http_version"] not in ("1.0", "1.1")  # later versions announce none
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value if origin in (None, value) else b"more than one"
        elif name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            has_body = True
    return origin, host, has_body


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
