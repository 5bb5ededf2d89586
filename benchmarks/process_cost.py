"""What Linux says a process has used, all its threads together."""

from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Used:
    """Since the process began."""

    cpu_s: float
    """By the scheduler's own clock, in ns; the ticks of /proc/PID/stat are too coarse for an idle node."""
    switch_count: int
    """Context switches, voluntary or not."""


def read_used(pid: int) -> Used:
    """Read what a process has used.

    Raises:
        OSError: it has ended, or this system has no /proc with schedstat.
    """
    cpu_ns = switch_count = 0
    for thread in (PROC / str(pid) / "task").iterdir():
        try:
            cpu_ns += int((thread / "schedstat").read_text().split()[0])
            switch_count += sum(
                int(line.split()[1])
                for line in (thread / "status").read_text().splitlines()
                if "voluntary_ctxt_switches" in line
            )
        except FileNotFoundError:
            continue  # a thread that has just ended
    return Used(cpu_ns / 1e9, switch_count)


def read_memory_mib(pid: int) -> tuple[float, float]:
    """Give RSS and PSS, in MiB.

    Raises:
        OSError: as `read_used`.
    """
    sizes = {}
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in ("Rss", "Pss"):
            sizes[name] = int(rest.split()[0]) / 1024
    return sizes["Rss"], sizes["Pss"]


def read_udp_drops(port: int) -> int:
    """Tell how many datagrams the kernel dropped for want of buffer, at an IPv4 UDP port of this machine.

    Raises:
        OSError: this system has no /proc.
        LookupError: no socket has the port.
    """
    wanted = f":{port:04X}"
    for line in (PROC / "net" / "udp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[1].endswith(wanted):
            return int(columns[-1])
    raise LookupError(f"no UDP socket has port {port}")
