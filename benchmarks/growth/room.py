"""Whether so many nodes fit in the memory that is free; asked before any of them is started."""

from pathlib import Path

PROCESS_MIB = 30.0
"""A node without HTTP; its pages are shared with the others, but nobody promises how many."""
SIMULATOR_MIB = 30.0
SIMULATED_NODE_MIB = 0.13
"""Engine, rings, timers and what rumors leave behind; the rest its census shares."""
RESERVE_SHARE = 0.1
"""Of the free memory, left to others."""
_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def real_need_mib(nodes: int) -> float:
    """Give about how much memory so many processes take."""
    return nodes * PROCESS_MIB


def simulated_need_mib(nodes: int) -> float:
    """Give about how much memory a simulated cluster takes."""
    return SIMULATOR_MIB + nodes * SIMULATED_NODE_MIB


def explain_refusal(what: str, need_mib: float, free_mib: float | None) -> str:
    """Say in a sentence why something does not fit; empty if it does, or if nobody knows what is free."""
    if free_mib is None or need_mib <= free_mib * (1.0 - RESERVE_SHARE):
        return ""
    return f"{what} need about {need_mib:,.0f} MiB and {free_mib:,.0f} MiB are free, a tenth of it for others: left out"


def free_memory_mib() -> float | None:
    """Tell how much memory new processes may take, by the system and by the control group; None if nobody says."""
    try:
        free = decode_available_mib(_MEMINFO.read_text())
    except (OSError, LookupError):
        return None
    return min([free, *_group_room_mib()])


def decode_available_mib(text: str) -> float:
    """Take the available memory out of a /proc/meminfo.

    Raises:
        LookupError: it is not in it.
    """
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) / 1024
    raise LookupError("no MemAvailable")


def _group_room_mib() -> list[float]:
    try:
        limit = (_GROUP / "memory.max").read_text().strip()
        used = int((_GROUP / "memory.current").read_text())
        return [] if limit == "max" else [(int(limit) - used) / 2**20]
    except (OSError, ValueError):
        return []  # no control groups of version 2, or none of our own
