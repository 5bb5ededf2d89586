"""One HTTP request and its answer over a stream that is closed afterwards: h11's state machine over Trio."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import h11
import trio

from node.check.pace import Pace

READ_SIZE = 16_384
RECEIVED_MAX = 128 * 1024
"""Bytes of an answer, head included, that are read for the sake of good manners; few services say as much."""

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

Headers = Sequence[tuple[str, str]]


class NoHttp(Exception):
    """What came is no HTTP, or too much before its status; the text says what."""


@dataclass(slots=True)
class Reply:
    """An answer, as far as it has come: `status` is 0 until its head is there."""

    status: int = 0
    reason: str = ""
    location: str = ""

    def take_head(self, response: h11.Response) -> None:
        """Take status and headers."""
        self.status = response.status_code
        self.reason = response.reason.decode("latin-1")
        for name, value in response.headers:
            if name == b"location":
                self.location = value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request."""

    method: str
    target: bytes
    """Any bytes but control characters: a query may have blanks in it, which Go sends as they are."""
    headers: Headers
    body: bytes = b""

    def encode(self, connection: h11.Connection) -> bytes:
        """Return its bytes.

        Raises:
            NoHttp: a method, target or header that HTTP cannot say.
        """
        if _CONTROL.search(self.target):
            raise NoHttp("net/http: can't write control character in Request.URL")
        headers = [(name.encode(), value.strip().encode()) for name, value in self.headers]
        try:
            # h11 takes no blank in a target: its own first line is left out
            request = h11.Request(method=self.method.encode(), target=b"/", headers=headers)
            _, _, head = (connection.send(request) or b"").partition(b"\r\n")
            data = b"%s %s HTTP/1.1\r\n%s" % (self.method.encode(), self.target, head)
            if self.body:
                data += connection.send(h11.Data(data=self.body)) or b""
            return data + (connection.send(h11.EndOfMessage()) or b"")
        except h11.LocalProtocolError as wrong:
            raise NoHttp(str(wrong)) from None


@dataclass(slots=True)
class Exchange:
    """A request under way; `reply` holds what has come even where it is cancelled, or the answer breaks off."""

    ask: Ask
    reply: Reply = field(default_factory=Reply)

    async def run(
        self,
        stream: trio.abc.Stream,
        take_body: Callable[[bytes], None],
        wants_body: Callable[[int], bool] = lambda _: True,
        received_max: float = RECEIVED_MAX,
    ) -> None:
        """Send the request and read its answer, until the end of its body or as far as it is wanted.

        Raises:
            NoHttp: as it says.
            trio.BrokenResourceError: the connection broke before the answer's head.
        """
        connection = h11.Connection(h11.CLIENT)
        await stream.send_all(self.ask.encode(connection))
        received, pace = 0, Pace()
        while True:
            try:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    data = await stream.receive_some(READ_SIZE)
                    await pace.breathe()
                    received += len(data)
                    if received > received_max:
                        raise NoHttp(f"over {received_max} bytes")
                    connection.receive_data(bytes(data))
            except (h11.RemoteProtocolError, NoHttp, trio.BrokenResourceError) as wrong:
                if self.reply.status:
                    return
                raise NoHttp(str(wrong)) if isinstance(wrong, h11.RemoteProtocolError) else wrong from None
            match event:
                case h11.Response():
                    self.reply.take_head(event)
                    if not wants_body(self.reply.status):
                        return
                case h11.Data(data=data):
                    take_body(bytes(data))
                case h11.EndOfMessage() | h11.ConnectionClosed():
                    return
                case _:
                    pass  # more data was read, or a 1xx came
