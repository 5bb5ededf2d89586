"""How far a long run is, on standard error."""

import sys
from time import monotonic

SAY_INTERVAL_S = 5.0
"""How often a long subject tells how far it is."""


class Progress:
    """Tells on stderr how far a subject is that takes long."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._said_at = monotonic()

    def say(self, text: str) -> None:
        """Say it at once."""
        self._said_at = monotonic()
        sys.stderr.write(f"{self._subject}: {text}\n")
        sys.stderr.flush()

    def say_sometimes(self, text: str) -> None:
        """Say it unless something was said within the last seconds."""
        if monotonic() - self._said_at >= SAY_INTERVAL_S:
            self.say(text)
