"""What is measured: every subject by name, with its module, imported only when it is run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from benchmarks.figure import Figure
from benchmarks.micro.scale import Scale

Run = Callable[[Scale], Iterator[Figure]]


@dataclass(frozen=True, slots=True)
class Subject:
    """One file of measurements."""

    name: str
    module: str
    about: str

    def run(self, scale: Scale) -> Iterator[Figure]:
        """Measure; figures come as they are ready."""
        measure: Run = import_module(f"benchmarks.micro.{self.module}").measure
        return measure(scale)


SUBJECTS = (
    Subject("codec", "codec", "packets and sync frames as bytes, and back"),
    Subject("crypto", "crypto", "seals, signatures, shared keys"),
    Subject("handshake", "handshake", "both sides of a stream's handshake"),
    Subject("engine", "engine", "one packet in the engine alone"),
    Subject("merge", "merge", "claims into the member list"),
    Subject("rumor", "rumor", "the rumor queue"),
    Subject("view-hash", "view_hash", "the view hash"),
    Subject("sync", "sync", "whole syncs between two lists: time, and bytes on the stream"),
    Subject("fact", "fact", "what members say of themselves: merge, put, memory, syncs"),
    Subject("udp", "udp", "a plain UDP echo over the node's socket class"),
    Subject("receive", "receive", "CPU per received datagram, whole node"),
    Subject("flood", "flood", "one node flooded flat out while it probes others"),
    Subject("idle", "idle", "real agents with nothing to do, and their start"),
    Subject("http", "listing", "the member list over HTTP against a bare route"),
)
BY_NAME = {subject.name: subject for subject in SUBJECTS}
