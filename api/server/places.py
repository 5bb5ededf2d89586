"""How many connections may be open, and which one goes when there are too many.

A connection that waits for its next request costs a client little and this node a place, so it is what gives way: the
one idle for longest, so that a crowd that opens connections and says nothing pushes itself out. Where none is idle,
one whose client takes no answer goes. Where there is not even such a one (all wait for news, say), a few further
places are open to supervisors alone: what comes there is answered only at /livez and /readyz.
"""

from collections import OrderedDict
from math import inf
from typing import Final, Protocol

import trio

CONNECTIONS_MAX: Final = 512
"""Open at once. Leaves room below the usual 1,024 open files."""
WAITING_CONNECTIONS_MAX: Final = 2_560
"""Of a listener whose requests may wait for news: 2,000 of them, and the room to ask something else."""
RESERVED_MAX: Final = 16
"""Further places, for supervisors alone."""

FIRST_HEAD_S: Final = 3.0
"""A new connection's first request is there by then: who connects has something to ask."""
STUCK_S: Final = 2.0
"""An answer is not taken if nothing of it was for so long; a client that reads may need a moment for each piece."""
KEEP_ALIVE_S: Final = 120.0
"""How long a connection may wait for its next request, whole head included. Clients that send a heartbeat every 30 s,
the commonest rhythm, must not meet a close."""


class Occupant(Protocol):
    """A connection, as its place sees it."""

    def abort(self) -> None:
        """Close at once."""
        ...

    def end_when_idle(self) -> None:
        """Close at once if no request is in service, else after it."""
        ...


class Places:
    """The connections of one listener."""

    def __init__(self, room: int) -> None:
        """Allow `room` connections, besides those for supervisors."""
        self._room = room
        self._open: set[Occupant] = set()
        self._fresh: OrderedDict[Occupant, float] = OrderedDict()
        self._idle: OrderedDict[Occupant, float] = OrderedDict()
        self._stuck: OrderedDict[Occupant, float] = OrderedDict()
        self._reserved: OrderedDict[Occupant, float] = OrderedDict()
        self._look_at = inf
        self._look_sooner = trio.Event()
        self._left = trio.Event()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def occupants(self) -> tuple[Occupant, ...]:
        """All that are open."""
        return tuple(self._open)

    def is_idle(self, occupant: Occupant) -> bool:
        """Return whether a connection waits for a request."""
        return occupant in self._idle or occupant in self._fresh

    # --- coming and going -----------------------------------------------------------------------

    def enter(self, occupant: Occupant) -> bool:
        """Admit a connection, closing another where there is no place; return whether it is for supervisors alone."""
        if len(self._open) - len(self._reserved) >= self._room and not self.evict():
            if len(self._reserved) >= RESERVED_MAX:
                self._end(next(iter(self._reserved)))
            self._reserved[occupant] = trio.current_time()
        self._open.add(occupant)
        self.await_first(occupant)
        return occupant in self._reserved

    def await_first(self, occupant: Occupant) -> None:
        """Begin to wait for the first request of a connection: now that it is there, or that TLS stands."""
        if occupant in self._open:
            self._queue(self._fresh, occupant, FIRST_HEAD_S)

    def evict(self) -> bool:
        """Close the connection idle for longest, else the one stuck in an answer for longest; False: there is none.

        One that is for supervisors alone stays: it holds no place that another could have.
        """
        found = [item for queue in (self._fresh, self._idle) if (item := self._first_of(queue))]
        if not found and (stuck := self._first_of(self._stuck)) and trio.current_time() >= stuck[1] + STUCK_S:
            found = [stuck]
        if not found:
            return False
        self._end(min(found, key=lambda item: item[1])[0])
        return True

    def _first_of(self, queue: OrderedDict[Occupant, float]) -> tuple[Occupant, float] | None:
        return next((item for item in queue.items() if item[0] not in self._reserved), None)

    def leave(self, occupant: Occupant) -> None:
        """Free a place."""
        self._open.discard(occupant)
        for queue in (self._fresh, self._idle, self._stuck, self._reserved):
            queue.pop(occupant, None)
        self._left.set()

    def _end(self, occupant: Occupant) -> None:
        self.leave(occupant)
        occupant.abort()

    # --- what a connection does -----------------------------------------------------------------

    def begin(self, occupant: Occupant) -> None:
        """Note that a request is in service."""
        self._fresh.pop(occupant, None)
        self._idle.pop(occupant, None)

    def end(self, occupant: Occupant) -> None:
        """Note that a request is answered: from now on the connection is idle."""
        if occupant in self._open:
            self._fresh.pop(occupant, None)
            self._queue(self._idle, occupant, KEEP_ALIVE_S)

    def begin_sending(self, occupant: Occupant) -> None:
        """Note that from now on the client has not taken what is sent; called again when it has taken some."""
        if occupant in self._open:
            self._stuck[occupant] = trio.current_time()
            self._stuck.move_to_end(occupant)

    def end_sending(self, occupant: Occupant) -> None:
        """Note that it has."""
        self._stuck.pop(occupant, None)

    # --- time -----------------------------------------------------------------------------------

    def _queue(self, queue: OrderedDict[Occupant, float], occupant: Occupant, patience_s: float) -> None:
        now = trio.current_time()
        queue[occupant] = now
        queue.move_to_end(occupant)
        if now + patience_s < self._look_at:
            self._look_sooner.set()

    async def close_idle(self) -> None:
        """Close each connection whose time is up; asleep until the next one is due. Runs until cancelled."""
        while True:
            self._look_sooner = trio.Event()
            self._look_at = self._close_due()
            with trio.move_on_at(self._look_at):
                await self._look_sooner.wait()

    def _close_due(self) -> float:
        """Close what is due; return when the next one is."""
        now, next_due = trio.current_time(), inf
        for queue, patience_s in ((self._fresh, FIRST_HEAD_S), (self._idle, KEEP_ALIVE_S)):
            while queue:
                occupant, since = next(iter(queue.items()))
                if now < since + patience_s:
                    next_due = min(next_due, since + patience_s)
                    break
                self._end(occupant)
        return next_due

    async def wait_until_empty(self) -> None:
        """Return once no connection is open."""
        while self._open:
            self._left = trio.Event()
            await self._left.wait()
