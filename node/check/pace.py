"""How fast what others say is read: whoever never stops talking must not keep the node busy."""

import trio

FREE_READS_MAX = 16
"""Most answers are there after two."""
PAUSE_S = 0.02
"""50 reads a second: 3 MB/s of a pipe at most, and little work whatever the size of what comes."""


class Pace:
    """The reads of one stream."""

    def __init__(self) -> None:
        self._count = 0

    async def breathe(self) -> None:
        """Wait a moment after a read, once there were many."""
        self._count += 1
        if self._count > FREE_READS_MAX:
            await trio.sleep(PAUSE_S)
