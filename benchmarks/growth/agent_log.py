"""What agents log as JSON lines, read while they run: who noticed what, and when."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

OPTIONS = ("--log-level", "info", "--log-json")
"""For an agent whose log is read here. An idle agent logs nothing."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """One line: an event, whom it is about ("" for nobody), and the unix time in seconds, to the millisecond."""

    at: float
    event: str
    name: str


class AgentLog:
    """One agent's log file; each look reads what came since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self.noticed: list[Noticed] = []

    def look(self) -> None:
        """Read the lines that were completed since.

        Raises:
            OSError: there is no such file.
        """
        with self._path.open("rb") as file:
            file.seek(self._position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._position += len(whole)
        self.noticed += [noticed for line in whole.splitlines() if (noticed := decode_line(line)) is not None]

    def count(self, event: str) -> int:
        """Tell how many members an event was about so far."""
        return len({noticed.name for noticed in self.noticed if noticed.event == event})

    def first_after(self, since: float, event: str, name: str) -> float | None:
        """Give when an event about a member was first logged at or after a unix time."""
        return next((n.at for n in self.noticed if n.event == event and n.name == name and n.at >= since), None)


def decode_line(line: bytes) -> Noticed | None:
    """Read a line; None for one that tells of no event, such as a traceback's."""
    try:
        entry: Any = json.loads(line)
        return Noticed(datetime.fromisoformat(entry["time"]).timestamp(), entry["event"], entry.get("name", ""))
    except (ValueError, KeyError, TypeError):
        return None
