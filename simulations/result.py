"""What one run came to: what is printed, written as JSON, gathered by campaigns and drawn by reports."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must always hold, and did not."""

    checker: str
    at: float
    """Virtual seconds."""
    node: str
    """Name of the node at which it was seen; empty where it concerns all."""
    text: str
    """One sentence: what was seen, and what should have been."""


@dataclass(frozen=True, slots=True)
class Detection:
    """How long one observer took to hold a dead member failed."""

    subject: str
    observer: str
    after_s: float
    """Virtual seconds since the member died."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a run's timeline: a fault that was done to it, or a change at a node."""

    at: float
    node: str
    """Where it happened; empty for a fault of the whole network."""
    kind: str
    """`fault`, or the change's event name: `member-suspect`, `member-failed`, ..."""
    text: str
    subject: str = ""
    """The member a change is about."""


@dataclass(frozen=True, slots=True)
class ViewSizes:
    """How many members the running nodes hold alive, at one moment."""

    at: float
    running: int
    smallest: int
    median: int
    largest: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one node sent."""

    node: str
    datagrams: int
    streams: int


@dataclass(frozen=True, slots=True)
class Result:
    """One run. The same scenario, seed, nodes and options give the same digest everywhere."""

    scenario: str
    seed: int
    nodes: int
    profile: str
    digest: str
    """32 hex letters over every event, effect and change of the run, in order."""
    violations: tuple[Violation, ...]
    counts: dict[str, int]
    """What the run reached: suspicions, failures, refutations, cuts, drops, restarts, ..."""
    virtual_s: float
    wall_s: float
    events: int
    command: str
    """The one command that replays this run."""
    options: dict[str, str] = field(default_factory=dict)
    detections: tuple[Detection, ...] = ()
    views: tuple[ViewSizes, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    timeline: tuple[Moment, ...] = ()
