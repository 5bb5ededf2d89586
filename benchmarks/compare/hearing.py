"""The one loop in which the output of all nodes of a cluster is read and stamped, the same for every product."""

import selectors
import time
from collections.abc import Callable

from benchmarks.compare.event import Event
from benchmarks.compare.node_process import NodeProcess
from benchmarks.compare.story import Story

LOOK_S = 0.25
"""How long the loop sleeps at most where nothing is said."""


class ClusterBroke(Exception):
    """A node ended by itself, or never listened; the text is one sentence."""


class Hearing:
    """Reads the nodes that it was given, while somebody waits in it."""

    def __init__(self, story: Story, read: Callable[[str], Event | None]) -> None:
        self._story = story
        self._read = read
        self._selector = selectors.DefaultSelector()

    def attend(self, node: NodeProcess) -> None:
        """Read this node too, until it ends."""
        self._selector.register(node.fileno(), selectors.EVENT_READ, node)

    def leave(self, node: NodeProcess) -> None:
        """Read it no more, if it is still read."""
        if node.fileno() in self._selector.get_map():
            self._selector.unregister(node.fileno())

    def until(self, is_so: Callable[[], bool], limit_s: float, look_s: float = LOOK_S) -> bool:
        """Read until something is so, or the time is up; tell which.

        It is asked after each bunch of lines, and every `look_s` seconds.

        Raises:
            ClusterBroke: a node ended that nobody told to.
        """
        end = time.monotonic() + limit_s
        while not is_so():
            left_s = end - time.monotonic()
            if left_s <= 0:
                return False
            self._read_some(min(left_s, look_s))
        return True

    def listen_for(self, duration_s: float) -> None:
        """Read for a time.

        Raises:
            ClusterBroke: as `until`.
        """
        self.until(lambda: False, duration_s)

    def close(self) -> None:
        """Give the selector back."""
        self._selector.close()

    def _read_some(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            node: NodeProcess = key.data
            lines = node.read_lines()
            at = time.monotonic()
            if lines is None:
                self._selector.unregister(key.fd)
                if not node.is_told_to_end:
                    last = node.last_lines[-1].strip() if node.last_lines else "it said nothing"
                    raise ClusterBroke(f"{node.name} ended by itself; its last words: {last[:300]}")
                continue
            for line in lines:
                event = self._read(line)
                if event is not None:
                    self._story.hear(at, node.name, event)
