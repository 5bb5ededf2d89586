"""Network namespaces on one switch, with rules that cut the wire or lose packets. Needs root, ip and nft.

Whoever asks the hosts sits on the switch; what goes between it and them is never cut and never lost.
"""

import ctypes
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000
"""From <linux/sched.h>."""
SUBNET = "10.213.77"
"""Seen inside the namespaces only."""
ASKER = f"{SUBNET}.254"
HOST_MAX = 200
_numbers = itertools.count(1)


class Network:
    """A switch in a namespace of its own, and one namespace for each host."""

    def __init__(self, host_count: int) -> None:
        """Make the namespaces; `take_down` removes them.

        Raises:
            OSError: the kernel or the tools refuse.
        """
        self._prefix = f"shoal-{os.getpid()}-{next(_numbers)}"
        self.switch = f"{self._prefix}-switch"
        self.hosts = [f"{self._prefix}-{number}" for number in range(1, host_count + 1)]
        try:
            self._make()
        except OSError:
            self.take_down()
            raise

    def _make(self) -> None:
        _run("ip", "netns", "add", self.switch)
        self._inside(self.switch, "ip", "link", "add", "br0", "type", "bridge")
        self._inside(self.switch, "ip", "addr", "add", f"{ASKER}/24", "dev", "br0")
        self._inside(self.switch, "ip", "link", "set", "br0", "up")
        for number, host in enumerate(self.hosts, 1):
            _run("ip", "netns", "add", host)
            self._inside(host, "ip", "link", "set", "lo", "up")
            self._inside(
                self.switch, "ip", "link", "add", f"v{number}", "type", "veth", "peer", "name", "eth0", "netns", host
            )
            self._inside(self.switch, "ip", "link", "set", f"v{number}", "master", "br0", "up")
            self._inside(host, "ip", "addr", "add", f"{address_of(number)}/24", "dev", "eth0")
            self._inside(host, "ip", "link", "set", "eth0", "up")

    def cut(self, ones: Sequence[int], others: Sequence[int], protocol: str = "") -> None:
        """Drop what goes between two groups of hosts (numbers from 1); `protocol` "udp" drops that alone."""
        for number in ones:
            for other in others:
                for chain, end in (("input", "saddr"), ("output", "daddr")):
                    rule = f"ip {end} {address_of(other)} {f'ip protocol {protocol}' if protocol else ''} drop"
                    self._inside(self.hosts[number - 1], "nft", f"""
                        add table ip cut
                        add chain ip cut {chain} {{ type filter hook {chain} priority 0; }}
                        add rule ip cut {chain} {rule}
                    """)  # fmt: skip

    def lose(self, percent: int) -> None:
        """Lose this share of what each host gets from the others, each packet by chance of its own."""
        for host in self.hosts:
            self._inside(host, "nft", f"""
                add table ip loss
                add chain ip loss input {{ type filter hook input priority 0; }}
                add rule ip loss input ip saddr {ASKER} accept
                add rule ip loss input iifname eth0 numgen random mod 100 < {percent} counter drop
            """)  # fmt: skip

    def lost(self) -> int:
        """Give how many packets `lose` has taken so far."""
        return sum(_packets(self._inside(host, "nft", "-j", "list", "ruleset")) for host in self.hosts)

    def heal(self) -> None:
        """Take away every cut and loss."""
        for host in self.hosts:
            self._inside(host, "nft", "flush ruleset")

    def take_down(self) -> None:
        """Remove the namespaces, with all that is in them."""
        for name in (*self.hosts, self.switch):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def _inside(self, name: str, *command: str) -> str:
        return _run("ip", "netns", "exec", name, *command)


def address_of(number: int) -> str:
    """Give the address of a host."""
    return f"{SUBNET}.{number}"


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Be in a namespace for the sockets made, and the processes started, while the block lasts."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open("rb") as home, Path(f"/run/netns/{name}").open("rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter the namespace {name}")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def why_not() -> str:
    """Say why networks cannot be made here; empty if they can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    missing = [tool for tool in ("ip", "nft") if shutil.which(tool) is None]
    if missing:
        return f"{' and '.join(missing)} is not installed"
    network = None
    try:
        network = Network(1)
        network.cut([1], [2])
    except OSError as wrong:
        return f"the kernel makes no network namespaces with rules here: {wrong}"
    finally:
        if network is not None:
            network.take_down()
    return ""


def _packets(ruleset: str) -> int:
    """Add up the counters of a ruleset in nft's JSON."""
    return sum(
        expression["counter"]["packets"]
        for entry in json.loads(ruleset)["nftables"]
        for expression in entry.get("rule", {}).get("expr", ())
        if "counter" in expression
    )


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command[:6])}: {done.stderr.strip()[:200]}")
    return done.stdout
