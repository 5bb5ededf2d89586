"""HashiCorp's Serf, as Debian packages it: https://github.com/hashicorp/serf."""

import base64
import gzip
import re
import shutil
import subprocess

from benchmarks.compare.event import Event, Word
from benchmarks.compare.product import PEERS, Product, Seat

PROGRAM = PEERS / "serf" / "usr" / "bin" / "serf"
CHANGELOG = PEERS / "serf" / "usr" / "share" / "doc" / "serf" / "changelog.Debian.gz"
LINE_LENGTH_MAX = 200
RETRY_INTERVAL = "1s"
"""A node that starts before the first one listens tries again; Serf's own interval is 30 s."""
VERSION_MAX_S = 10.0
WORDS = {"Join": Word.ALIVE, "Failed": Word.FAILED, "Leave": Word.LEFT}
_EVENT = re.compile(r"serf: EventMember(Join|Failed|Leave): (\S+)")
_SUSPECT = re.compile(r"memberlist: Suspect (\S+) has failed, no acks received")
"""Said by those whose own probe failed; who is told of a suspicion logs nothing."""


class Serf(Product):
    """`serf agent`, with a snapshot, from which it knows its cluster after a restart."""

    name = "serf"

    def why_not(self) -> str:
        """Say how to get it."""
        if self._program():
            return ""
        return "serf is not here: `make peers` fetches Debian's package, or install `serf` so that it is on the PATH."

    def version(self) -> str:
        """Read the package's version, else ask the program, which calls itself 0.8.2-dev in Debian's 0.9.4."""
        if self._program() == str(PROGRAM) and CHANGELOG.is_file():
            with gzip.open(CHANGELOG, "rt", errors="replace") as file:
                return file.readline(LINE_LENGTH_MAX).partition("(")[2].partition(")")[0]
        done = subprocess.run(
            [self._program(), "version"], capture_output=True, text=True, check=False, timeout=VERSION_MAX_S
        )
        return f"says {(done.stdout.splitlines() or ['nothing'])[0].strip()}"

    def command(self, seat: Seat) -> list[str]:
        """Give the agent's command line; the level is the one at which suspicions are logged."""
        command = [
            *(self._program(), "agent", f"-node={seat.name}", f"-bind={seat.address}", "-profile=lan"),
            *(f"-rpc-addr=127.0.0.1:{seat.side_port}", "-log-level=info"),
            f"-snapshot={seat.directory / seat.name}.snapshot",
        ]
        if seat.key:
            command.append(f"-encrypt={base64.b64encode(seat.key).decode()}")
        for seed in seat.seeds:
            command += [f"-retry-join={seed}", f"-retry-interval={RETRY_INTERVAL}"]
        return command

    def read(self, line: str) -> Event | None:
        """Read a line of the log."""
        if (found := _EVENT.search(line)) is not None:
            return Event(WORDS[found[1]], found[2])
        found = _SUSPECT.search(line)
        return Event(Word.SUSPECT, found[1]) if found is not None else None

    def _program(self) -> str:
        return str(PROGRAM) if PROGRAM.is_file() else shutil.which("serf") or ""
