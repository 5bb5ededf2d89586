"""What Linux says a process has used, all its threads together."""

from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Used:
    """What the threads of a process have used since each began; one that has ended is not in it."""

    cpu_ns: dict[str, int]
    """By thread, on the scheduler's own clock; the ticks of /proc/PID/stat are too coarse for an idle node."""
    switch_counts: dict[str, int]
    """Context switches by thread, voluntary or not."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all threads."""
        return sum(self.cpu_ns.values()) / 1e9

    def cpu_s_since(self, earlier: "Used") -> float:
        """Give the CPU seconds between two readings, without threads that ended in between."""
        return sum(ns - earlier.cpu_ns.get(thread, 0) for thread, ns in self.cpu_ns.items()) / 1e9

    def switches_since(self, earlier: "Used") -> int:
        """Give the context switches between two readings."""
        return sum(count - earlier.switch_counts.get(thread, 0) for thread, count in self.switch_counts.items())


def read_used(pid: int) -> Used:
    """Read what a process has used.

    Raises:
        OSError: it has ended, or this system has no /proc with schedstat.
    """
    cpu_ns, switch_counts = {}, {}
    for thread in (PROC / str(pid) / "task").iterdir():
        try:
            cpu_ns[thread.name] = int((thread / "schedstat").read_text().split()[0])
            status = (thread / "status").read_text()
        except FileNotFoundError:
            continue  # a thread that has just ended
        switch_counts[thread.name] = sum(
            int(line.split()[1]) for line in status.splitlines() if "voluntary_ctxt_switches" in line
        )
    return Used(cpu_ns, switch_counts)


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
