"""Whose turn it is at an address: of those that want to shake hands there one does, and the others wait in line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from protocol.address import Address

LINE_LENGTH_MAX = 64
"""Who shakes hands and who waits, per address. A handshake takes some milliseconds; where it takes seconds, as many
as this have no hope of a turn in their time."""


class LineTooLong(Exception):
    """So many wait for a turn at an address that one more may not."""


@dataclass(slots=True)
class _Line:
    lock: trio.Lock = field(default_factory=trio.Lock)
    length: int = 0


class Turns:
    """Lines by address; one that is empty is forgotten."""

    def __init__(self) -> None:
        self._lines: dict[Address, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    @asynccontextmanager
    async def take(self, address: Address) -> AsyncIterator[None]:
        """Wait for the turn at an address, in order of arrival, and hold it; the time limit is the caller's.

        Raises:
            LineTooLong: 64 are in line.
        """
        line = self._lines.setdefault(address, _Line())
        if line.length >= LINE_LENGTH_MAX:
            raise LineTooLong
        line.length += 1
        try:
            async with line.lock:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[address]
