"""The machine under the agent: the keys of Consul 1.8.7, true figures, and zeros where a system has none."""

import os
from pathlib import Path

import pytest

from api.consul import host
from api.consul.host import read_host
from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView

MEMORY_KEYS = {
    *("total", "available", "used", "usedPercent", "free", "active", "inactive", "wired", "laundry", "buffers"),
    *("cached", "writeback", "dirty", "writebacktmp", "shared", "slab", "sreclaimable", "sunreclaim", "pagetables"),
    *("swapcached", "commitlimit", "committedas", "hightotal", "highfree", "lowtotal", "lowfree", "swaptotal"),
    *("swapfree", "mapped", "vmalloctotal", "vmallocused", "vmallocchunk", "hugepagestotal", "hugepagesfree"),
    "hugepagesize",
}
CPU_KEYS = {
    *("cpu", "vendorId", "family", "model", "stepping", "physicalId", "coreId", "cores", "modelName", "mhz"),
    *("cacheSize", "flags", "microcode"),
}
HOST_KEYS = {
    *("hostname", "uptime", "bootTime", "procs", "os", "platform", "platformFamily", "platformVersion"),
    *("kernelVersion", "kernelArch", "virtualizationSystem", "virtualizationRole", "hostid"),
}
DISK_KEYS = {
    *("path", "fstype", "total", "free", "used", "usedPercent", "inodesTotal", "inodesUsed", "inodesFree"),
    "inodesUsedPercent",
}
MEMINFO = (
    b"MemTotal: 1000 kB\nMemFree: 300 kB\nBuffers: 50 kB\nCached: 100 kB\nSReclaimable: 50 kB\nHugePages_Total: 7\n"
)
CPUINFO = (
    b"processor\t: 0\nmodel name\t: One: CPU\ncpu MHz\t\t: 2.5\ncache size\t: 16 KB\nflags\t: a b\n\nHardware\t: x\n"
)


async def test_host_has_every_key() -> None:
    """All keys are there on every system, and no error."""
    answer = await ask_consul(FakeView(), "GET", "/v1/agent/host")
    assert answer.status == 200
    assert set(answer.json) == {"Memory", "CPU", "Host", "Disk", "CollectionTime", "Errors"}
    assert answer.json["Errors"] is None
    assert set(answer.json["Memory"]) == MEMORY_KEYS
    assert all(set(cpu) == CPU_KEYS for cpu in answer.json["CPU"])
    assert set(answer.json["Host"]) == HOST_KEYS
    assert set(answer.json["Disk"]) == DISK_KEYS
    assert answer.json["Host"]["hostname"] == os.uname().nodename


async def test_host_asks_for_the_right() -> None:
    """Under access control it takes agent:read."""
    answer = await ask_consul(FakeView(), "GET", "/v1/agent/host", acl=True)
    assert (answer.status, answer.text) == (403, "Permission denied")


def test_host_reads_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is in bytes, what can be reclaimed counts as cached, and only blocks of a processor are one."""
    files = {"/proc/meminfo": MEMINFO.decode(), "/proc/cpuinfo": CPUINFO.decode()}
    monkeypatch.setattr(host, "_read", lambda path: files.get(path, ""))
    found = read_host()
    memory = found["Memory"]
    assert (memory["total"], memory["cached"], memory["used"]) == (1000 * 1024, 150 * 1024, 500 * 1024)
    assert (memory["usedPercent"], memory["hugepagestotal"]) == (50.0, 7)
    (cpu,) = found["CPU"]
    assert (cpu["modelName"], cpu["mhz"], cpu["cacheSize"], cpu["flags"]) == ("One: CPU", 2.5, 16, ["a", "b"])


def test_host_of_a_system_without_these_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero, empty, and the same keys."""
    monkeypatch.setattr(host, "_read", lambda path: "")

    def missing(path: str) -> None:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "statvfs", missing)
    monkeypatch.setattr(os, "listdir", missing)
    found = read_host()
    assert (found["CPU"], found["Memory"]["total"], found["Host"]["procs"], found["Disk"]["total"]) == ([], 0, 0, 0)
    assert set(found["Disk"]) == DISK_KEYS
    assert set(found["Memory"]) == MEMORY_KEYS
    assert (found["Host"]["uptime"], found["Host"]["bootTime"]) == (0, 0)


def test_host_reads_a_bounded_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file without end is read to the bound, and one that cannot be read is empty."""
    monkeypatch.setattr(host, "READ_SIZE_MAX", 4)
    (tmp_path / "long").write_bytes(b"abcdefgh")
    assert host._read(str(tmp_path / "long")) == "abcd"
    assert host._read(str(tmp_path / "none")) == ""
