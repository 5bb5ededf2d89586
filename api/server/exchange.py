"""One request and its answer: ASGI's `receive` and `send` over h11.

The task that serves the connection runs the app. While the app waits it may ask for what comes next, as ASGI has it for
learning that the client is gone; only then does anything read on, so a plain request costs no task of its own.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import h11
import trio

from api.server.transport import Gone
from api.server.wire import dress, reason_of

JOINED_SIZE_MAX: Final = 128 << 10
"""What is larger is not copied behind the head of its answer: that would cost more than a send of its own."""
PIPELINED_SIZE_MAX: Final = 64 << 10
"""Kept of what a client sends behind a request. A client that sends more is answered within PIPELINED_S, or is gone."""
PIPELINED_S: Final = 30.0
PIECES_AT_ONCE: Final = 64
"""Of a body, read before others get to run: a chunk may have one byte."""
HALF_CLOSED_S: Final = 1.0
"""For the answer to a request once the client sends nothing further: it is likely gone."""

CLOSE: Final = (b"connection", b"close")
DISCONNECT: Final = {"type": "http.disconnect"}

Send = Callable[[bytes], Awaitable[None]]
Receive = Callable[[], Awaitable[bytes]]


class Exchange:
    """The request that one connection has in service."""

    def __init__(self, parser: h11.Connection, method: bytes, receive: Receive, send: Send, is_last: bool) -> None:
        """Exchange over h11's state of the connection; `is_last`: the answer announces that the connection ends."""
        self._parser = parser
        self._is_head = method == b"HEAD"
        self._receive = receive
        self._send = send
        self.is_last = is_last
        self._head: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._is_body_read = False
        self._piece_count = 0
        self.is_begun = False
        """Whether any of the answer was sent."""
        self.is_complete = False
        """Whether all of it was."""
        self.wrong: h11.RemoteProtocolError | None = None
        """What was wrong with the body."""
        self.is_gone = False
        """Whether the client does not take the answer."""

    # --- what the app hears ---------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        """Return the next piece of the request's body, or, behind its end, that the client is gone once it is."""
        if not self._is_body_read:
            try:
                return await self._receive_body()
            except Gone:
                return DISCONNECT
            except h11.RemoteProtocolError as wrong:
                self.wrong = wrong
                return DISCONNECT
        await self._wait_until_gone()
        return DISCONNECT

    async def _receive_body(self) -> dict[str, Any]:
        while True:
            self._piece_count += 1
            if self._piece_count % PIECES_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            event = self._parser.next_event()
            if isinstance(event, h11.Data):
                return {"type": "http.request", "body": bytes(event.data), "more_body": True}
            if event is h11.NEED_DATA:
                if self._parser.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                    await self._send(self._parser.send(go_on) or b"")
                self._parser.receive_data(await self._receive())
            else:  # the end of the message, or nothing more before it is answered
                self._is_body_read = True
                return {"type": "http.request", "body": b"", "more_body": False}

    async def _wait_until_gone(self) -> None:
        patience_s, kept = PIPELINED_S, len(self._parser.trailing_data[0])
        while kept < PIPELINED_SIZE_MAX:
            try:
                data = await self._receive()
            except Gone:
                return
            self._parser.receive_data(data)
            kept += len(data)
            if not data:
                patience_s = HALF_CLOSED_S
                break
        await trio.sleep(patience_s)

    # --- what the app answers -------------------------------------------------------------------

    async def send(self, message: dict[str, Any]) -> None:
        """Send the head with the first piece of the body, then the further ones; do nothing once the client is gone.

        Cancelled, or where the client does not take it, part of the answer is sent and `is_complete` stays false: the
        connection cannot be used again.

        Raises:
            h11.LocalProtocolError: the app answers what HTTP does not allow.
        """
        if message["type"] == "http.response.start":
            self._head = message["status"], list(message.get("headers", ()))
            return
        if self._head is None or self.is_complete or self.is_gone:
            return
        more = message.get("more_body", False)
        data = b"" if self.is_begun else self._head_bytes(*self._head)
        body = b"" if self._is_head else message.get("body", b"")
        self.is_begun = True
        pieces = [data] if data else []
        if body:
            pieces.append(self._parser.send(h11.Data(data=body)) or b"")
        if not more:
            pieces.append(self._parser.send(h11.EndOfMessage()) or b"")
        if len(body) <= JOINED_SIZE_MAX:
            pieces = [b"".join(pieces)]
        try:
            for piece in pieces:
                if piece:
                    await self._send(piece)
        except Gone:
            self.is_gone = True
            return
        self.is_complete = not more

    def _head_bytes(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        if self.is_last:
            headers = [*(header for header in headers if header[0] != CLOSE[0]), CLOSE]
        response = h11.Response(status_code=status, headers=dress(headers), reason=reason_of(status))
        return self._parser.send(response) or b""
