"""The machine under the agent, as /v1/agent/host has it: memory, processors, system and disk.

Read from /proc, /etc/os-release and the file system of the root; what a system does not have is zero or empty. A
Consul asks for operator:read, which there is not here: it is agent:read, the right to the agent's own figures.
"""

import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import trio
from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import encode_json, json_answer
from api.consul.option import is_pretty
from api.consul.route import GET, add_routes
from api.token_view import Scope

READ_SIZE_MAX: Final = 1 << 20
"""Of one file: /proc/cpuinfo has 1.5 kB for each processor."""
CPU_COUNT_MAX: Final = 512
"""More processors than `READ_SIZE_MAX` has room for."""
KIB: Final = 1_024
ROOT: Final = "/"

MEMORY_KEYS: Final = {
    "total": "MemTotal",
    "available": "MemAvailable",
    "free": "MemFree",
    "active": "Active",
    "inactive": "Inactive",
    "buffers": "Buffers",
    "cached": "Cached",
    "writeback": "Writeback",
    "dirty": "Dirty",
    "writebacktmp": "WritebackTmp",
    "shared": "Shmem",
    "slab": "Slab",
    "sreclaimable": "SReclaimable",
    "sunreclaim": "SUnreclaim",
    "pagetables": "PageTables",
    "swapcached": "SwapCached",
    "commitlimit": "CommitLimit",
    "committedas": "Committed_AS",
    "hightotal": "HighTotal",
    "highfree": "HighFree",
    "lowtotal": "LowTotal",
    "lowfree": "LowFree",
    "swaptotal": "SwapTotal",
    "swapfree": "SwapFree",
    "mapped": "Mapped",
    "vmalloctotal": "VmallocTotal",
    "vmallocused": "VmallocUsed",
    "vmallocchunk": "VmallocChunk",
    "hugepagesize": "Hugepagesize",
}
"""Our keys and those of /proc/meminfo, which counts them in KiB."""

FAMILIES: Final = {"debian": "debian", "ubuntu": "debian", "raspbian": "debian", "linuxmint": "debian",
                   "fedora": "fedora", "rhel": "rhel", "centos": "rhel", "rocky": "rhel", "almalinux": "rhel",
                   "alpine": "alpine", "arch": "arch"}  # fmt: skip


def add_host_route(app: QuartTrio, access: Access) -> None:
    """Add GET /v1/agent/host."""
    host = HostRoute(access)
    add_routes(app, (("/v1/agent/host", GET, host.show),))


class HostRoute:
    """The handler of one app."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def show(self) -> Response:
        """Show the machine; its files are read in a thread."""
        self._access.require(Scope.AGENT_READ)
        return json_answer(encode_json(await trio.to_thread.run_sync(read_host), is_pretty()))


def read_host() -> dict[str, Any]:
    """Read all of it once."""
    return {
        "Memory": _memory(_read_pairs("/proc/meminfo")),
        "CPU": [_cpu(number, pairs) for number, pairs in enumerate(_cpu_blocks())],
        "Host": _host(),
        "Disk": _disk(),
        "CollectionTime": time.time_ns(),
        "Errors": None,
    }


def _memory(pairs: dict[str, str]) -> dict[str, Any]:
    memory: dict[str, Any] = {key: _number(pairs.get(name, "")) * KIB for key, name in MEMORY_KEYS.items()}
    memory["cached"] += memory["sreclaimable"]
    used = max(0, memory["total"] - memory["free"] - memory["buffers"] - memory["cached"])
    pages = {"hugepagestotal": "HugePages_Total", "hugepagesfree": "HugePages_Free"}
    counts = {key: _number(pairs.get(name, "")) for key, name in pages.items()}
    return {**memory, **counts, "used": used, "usedPercent": _percent(used, memory["total"]), "wired": 0, "laundry": 0}


def _cpu(number: int, pairs: dict[str, str]) -> dict[str, Any]:
    return {
        "cpu": number,
        "vendorId": pairs.get("vendor_id", ""),
        "family": pairs.get("cpu family", ""),
        "model": pairs.get("model", ""),
        "stepping": _number(pairs.get("stepping", "")),
        "physicalId": pairs.get("physical id", ""),
        "coreId": pairs.get("core id", ""),
        "cores": 1,
        "modelName": pairs.get("model name", ""),
        "mhz": _decimal(pairs.get("cpu MHz", "")),
        "cacheSize": _number(pairs.get("cache size", "")),
        "flags": pairs.get("flags", pairs.get("Features", "")).split(),
        "microcode": pairs.get("microcode", ""),
    }


def _host() -> dict[str, Any]:
    system = platform.uname()
    release = {key: value.strip("\"'") for key, value in _pairs(_read("/etc/os-release"), "=")}
    name = release.get("ID", "")
    # Debian's own file has the point release too
    version = (_read("/etc/debian_version").strip() if name == "debian" else "") or release.get("VERSION_ID", "")
    uptime_s = int(_decimal(_read("/proc/uptime").partition(" ")[0]))
    return {
        "hostname": system.node,
        "uptime": uptime_s,
        "bootTime": int(time.time()) - uptime_s if uptime_s else 0,
        "procs": _process_count(),
        "os": system.system.lower(),
        "platform": name,
        "platformFamily": FAMILIES.get(name, ""),
        "platformVersion": version,
        "kernelVersion": system.release,
        "kernelArch": system.machine,
        "virtualizationSystem": "",
        "virtualizationRole": "",
        "hostid": _read("/proc/sys/kernel/random/boot_id").strip(),  # /etc/machine-id is a secret of the machine
    }


def _disk() -> dict[str, Any]:
    try:
        found = os.statvfs(ROOT)
    except (OSError, AttributeError):  # a system without it
        return {**dict.fromkeys(("path", "fstype"), ""), **_sizes(0, 0, 0, 0, 0)}
    free, used = found.f_bavail * found.f_frsize, (found.f_blocks - found.f_bfree) * found.f_frsize
    sizes = _sizes(found.f_blocks * found.f_frsize, free, used, found.f_files, found.f_ffree)
    return {"path": ROOT, "fstype": _file_system(), **sizes}


def _sizes(total: int, free: int, used: int, inodes: int, inodes_free: int) -> dict[str, Any]:
    return {
        "total": total,
        "free": free,
        "used": used,
        "usedPercent": _percent(used, used + free),
        "inodesTotal": inodes,
        "inodesUsed": inodes - inodes_free,
        "inodesFree": inodes_free,
        "inodesUsedPercent": _percent(inodes - inodes_free, inodes),
    }


def _file_system() -> str:
    rows = (line.split() for line in _read("/proc/self/mounts").splitlines())
    return next((row[2] for row in rows if len(row) > 2 and row[1] == ROOT), "")


def _process_count() -> int:
    try:
        return sum(name.isdigit() for name in os.listdir("/proc"))  # noqa: PTH208  # names are all that is wanted
    except OSError:
        return 0


def _cpu_blocks() -> Iterator[dict[str, str]]:
    blocks = (dict(_pairs(block, ":")) for block in _read("/proc/cpuinfo").split("\n\n")[:CPU_COUNT_MAX])
    return (block for block in blocks if "processor" in block)


def _read_pairs(path: str) -> dict[str, str]:
    return dict(_pairs(_read(path), ":"))


def _pairs(text: str, mark: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, _, value = line.partition(mark)
        yield key.strip(), value.strip()


def _read(path: str) -> str:
    """Read the beginning of a file; nothing where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(READ_SIZE_MAX).decode(errors="replace")
    except OSError:
        return ""


def _number(text: str) -> int:
    """Read the whole number that a text begins with, as in `16 kB`; 0 where there is none."""
    first = text.partition(" ")[0]
    return int(first) if first.isascii() and first.isdigit() else 0


def _decimal(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _percent(part: int, whole: int) -> float:
    return part * 100 / whole if whole else 0.0
