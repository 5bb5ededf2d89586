"""Shoal itself: every node that has an odd number serves HTTP, the others do not."""

import json
import os
import sys
import time
from pathlib import Path

from benchmarks.compare.event import Event, Word
from benchmarks.compare.product import Product, Seat
from node.version import VERSION
from protocol.security.key_file import encode_key_file
from protocol.security.keyring import Keyring
from protocol.swim.effect import ChangeKind

KEY_FILE = "cluster.key"
WORDS = {
    ChangeKind.JOIN.value: Word.ALIVE,
    ChangeKind.ALIVE.value: Word.ALIVE,
    ChangeKind.RESTART.value: Word.ALIVE,
    ChangeKind.SUSPECT.value: Word.SUSPECT,
    ChangeKind.FAILED.value: Word.FAILED,
    ChangeKind.LEAVE.value: Word.LEFT,
}


class Shoal(Product):
    """`shoal agent` of this very tree."""

    name = "shoal"
    may_be_plain = False

    def why_not(self) -> str:
        """Say nothing: it is always here."""
        return ""

    def version(self) -> str:
        """Name this tree's version; its commit is told with the machine."""
        return VERSION

    def prepare(self, directory: Path, key: bytes) -> None:
        """Write a key file with a key of its own; it has a cluster's id too."""
        keyring = Keyring.generate(time.time_ns() // 1_000_000, os.urandom)
        file = directory / KEY_FILE
        file.write_text(encode_key_file(keyring))
        file.chmod(0o600)

    def command(self, seat: Seat) -> list[str]:
        """Give the agent's command line."""
        command = [
            *(sys.executable, "-m", "node", "agent", "--name", seat.name, "--bind", seat.address, "--log-json"),
            *("--http", f"127.0.0.1:{seat.side_port}" if self.has_http(seat.number) else "off"),
            *("--data-dir", str(seat.directory / seat.name), "--key-file", str(seat.directory / KEY_FILE)),
        ]
        for seed in seat.seeds:
            command += ["--join", seed]
        return command

    def read(self, line: str) -> Event | None:
        """Read a line of the JSON log."""
        if '"event": "member-' not in line:
            return None
        try:
            entry = json.loads(line)
        except ValueError:
            return None
        word, name = WORDS.get(entry.get("event")), entry.get("name")
        return Event(word, name) if word is not None and isinstance(name, str) else None

    def has_http(self, number: int) -> bool:
        """Tell whether the number is odd."""
        return number % 2 == 1
