"""Requests that were answered before: found by the bytes of their head, and answered before h11 and the app.

A client that asks again sends the same head to the byte. What h11 and the app made of it the first time holds the
second time, too: its path, its query, its token's place, that its Host and Origin are allowed. So nothing is parsed
twice, and there is no second parser that could read a request otherwise than h11 does. What may have changed meanwhile
is asked each time by the app's own function: the answer itself, and whether the token still carries the right.

The app offers that function in the scope's extension `REPLAY`, an empty dictionary in which it puts it under the same
key; without it, and under any other server, every request goes the long way.
"""

from collections.abc import Callable
from typing import Final, Protocol

from api.server.wire import Headers, answer_bytes, date

HEAD_SIZE_MAX: Final = 2 << 10
"""Longer heads are not kept: a client of ours sends some 300 bytes."""
HEADS_MAX: Final = 512
"""Heads kept by one listener, the oldest going first: at most 1 MiB. A monitoring system asks for each service in its
own words, the same ones every time."""


class Replayed(Protocol):
    """A whole answer that is ready, and does not change any more."""

    @property
    def status(self) -> int:
        """HTTP's."""
        ...

    @property
    def body(self) -> bytes:
        """Not compressed, not chunked."""
        ...

    def header_list(self) -> Headers:
        """Return the headers."""
        ...


KEPT_SIZE_MAX: Final = 32 << 10
"""A larger answer is put together anew each time: 512 heads may ask for the same one, each in its own words."""

Replay = Callable[[], Replayed | None]
"""Answers one request again, as things are now. None: it has to go the long way (it waits, or is refused)."""


class _Known:
    """One head that was answered before."""

    __slots__ = ("_answer", "_date", "_replay", "_wire")

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._answer: Replayed | None = None
        self._date = self._wire = b""

    def answer(self) -> bytes | None:
        """Return the bytes of the answer, the same as last time where nothing has changed."""
        answer = self._replay()
        if answer is None:
            return None
        now = date()
        if len(answer.body) > KEPT_SIZE_MAX:
            return answer_bytes(answer.status, answer.header_list(), answer.body)
        if answer is not self._answer or now is not self._date:
            self._wire = answer_bytes(answer.status, answer.header_list(), answer.body)
            self._answer, self._date = answer, now
        return self._wire


class Replays:
    """The heads that one listener has answered, at one of its addresses."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Known] = {}

    def answer(self, head: bytes) -> bytes | None:
        """Return the answer to a head; None: it is not known, or has to go the long way this time."""
        known = self._known.get(head)
        return None if known is None else known.answer()

    def keep(self, head: bytes, replay: Replay) -> None:
        """Remember what answers a head: exactly one whole request without a body, after which the connection stays."""
        if len(head) > HEAD_SIZE_MAX:
            return
        while len(self._known) >= HEADS_MAX:
            del self._known[next(iter(self._known))]
        self._known[head] = _Known(replay)
