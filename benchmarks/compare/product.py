"""A product that makes clusters: where its program is, how a node is started, and how its lines are read."""

import signal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchmarks.agent_process import ROOT
from benchmarks.compare.event import Event

PEERS = ROOT / ".peers"
"""Where `make peers` puts them."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One node's place in a cluster."""

    number: int
    """From 1; the first is who the others join through."""
    port: int
    """UDP and TCP, on 127.0.0.1."""
    side_port: int
    """TCP, for HTTP or RPC where the product has it."""
    seed_port: int
    """The first node's."""
    directory: Path
    """Of the cluster; each node keeps its own files under its name, over a restart too."""
    key: bytes
    """32 bytes for all of the cluster; empty: nothing is encrypted."""

    @property
    def name(self) -> str:
        """What the node is called by all."""
        return f"n{self.number}"

    @property
    def address(self) -> str:
        """Where it is to be heard."""
        return f"127.0.0.1:{self.port}"

    @property
    def seeds(self) -> list[str]:
        """Whom it joins through."""
        return [] if self.number == 1 else [f"127.0.0.1:{self.seed_port}"]


class Product(ABC):
    """Always the defaults of its LAN profile, encrypted, the events in its log."""

    name: ClassVar[str]
    leave_signal: ClassVar[signal.Signals] = signal.SIGINT
    """Upon which a node leaves gracefully."""
    may_be_plain: ClassVar[bool] = True
    """Whether it runs without encryption too."""

    @abstractmethod
    def why_not(self) -> str:
        """Say in one sentence how to get it; empty if it is here."""

    @abstractmethod
    def version(self) -> str:
        """Name the version that is here."""

    def prepare(self, directory: Path, key: bytes) -> None:  # noqa: B027 - most need nothing
        """Write what all nodes of a cluster need."""

    @abstractmethod
    def command(self, seat: Seat) -> list[str]:
        """Give the command line of a node."""

    def environ(self) -> dict[str, str]:
        """Give the variables its program needs beside the usual ones."""
        return {}

    @abstractmethod
    def read(self, line: str) -> Event | None:
        """Tell what a line of a node's output says of another; None if nothing."""

    def has_http(self, number: int) -> bool:
        """Tell whether the node of this number serves HTTP."""
        return False
