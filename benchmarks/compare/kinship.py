"""kinship, from PyPI: SWIM with a core in Rust under a Python interface."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.compare.event import Event, Word
from benchmarks.compare.product import PEERS, Product, Seat

FOLDER = PEERS / "kinship"
PROGRAM = Path(__file__).with_name("kinship_node.py")
PLAIN = "plain"
"""Stands for the key where nothing is encrypted."""
VERSION_MAX_S = 10.0
_MARK = "member "
WORDS = {word.value: word for word in Word}


class Kinship(Product):
    """A small program around its interface, run by this very interpreter."""

    name = "kinship"

    def why_not(self) -> str:
        """Say how to get it."""
        if (FOLDER / "kinship").is_dir() or find_spec("kinship") is not None:
            return ""
        return "kinship is not here: `make peers` fetches it, or `pip install kinship` for this interpreter."

    def version(self) -> str:
        """Ask the package."""
        asked = "import importlib.metadata as m; print(m.version('kinship'))"
        done = subprocess.run(
            [sys.executable, "-P", "-c", asked], capture_output=True, text=True, check=False, timeout=VERSION_MAX_S,
            env={**os.environ, **self.environ()},
        )  # fmt: skip
        return done.stdout.strip() or "of a version it does not say"

    def command(self, seat: Seat) -> list[str]:
        """Give the command line; -P, for beside the program there is a file of the package's name: this one."""
        return [
            *(sys.executable, "-P", str(PROGRAM), seat.name, seat.address, seat.key.hex() or PLAIN, *seat.seeds),
        ]

    def environ(self) -> dict[str, str]:
        """Tell Python where the package is."""
        return {"PYTHONPATH": str(FOLDER)} if FOLDER.is_dir() else {}

    def read(self, line: str) -> Event | None:
        """Read a line of `kinship_node`."""
        if not line.startswith(_MARK):
            return None
        word, _, name = line.removeprefix(_MARK).strip().partition(" ")
        return Event(WORDS[word], name) if word in WORDS and name else None
