"""What the kernel says of a cluster's network: which UDP ports are bound, and what loopback has carried."""

from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Carried:
    """Since the network was made; a packet that was sent and received counts once."""

    packet_count: int
    byte_count: int
    """IP and what is inside it, UDP and TCP alike."""


def read_carried(pid: int | str) -> Carried:
    """Read what loopback has carried in a process's network.

    Raises:
        OSError: the process has ended, or this system has no /proc.
    """
    return parse_carried((PROC / str(pid) / "net" / "dev").read_text())


def parse_carried(text: str) -> Carried:
    """Read /proc/PID/net/dev; a table without loopback is an empty network's."""
    for line in text.splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            byte_count, packet_count = counts.split()[:2]
            return Carried(int(packet_count), int(byte_count))
    return Carried(0, 0)


def read_bound_ports(pid: int | str) -> set[int]:
    """Tell which UDP ports are bound in a process's network, over IPv4 or IPv6.

    Raises:
        OSError: as `read_carried`.
    """
    net = PROC / str(pid) / "net"
    ports = parse_bound_ports((net / "udp").read_text())
    if (net / "udp6").exists():
        ports |= parse_bound_ports((net / "udp6").read_text())
    return ports


def parse_bound_ports(text: str) -> set[int]:
    """Read /proc/PID/net/udp."""
    return {int(line.split()[1].rpartition(":")[2], 16) for line in text.splitlines()[1:] if line.strip()}
