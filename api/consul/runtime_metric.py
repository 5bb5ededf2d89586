"""The gauges of a Consul's Go runtime that a process here has too, for dashboards that look for them by name."""

import resource
import sys
import threading
from pathlib import Path
from typing import Final

from api.view import Metric, Sample

_STATM: Final = Path("/proc/self/statm")
"""Linux: pages of the process in all, and those in memory."""
_PEAK_UNIT: Final = 1 if sys.platform == "darwin" else 1_024
"""Bytes in which `getrusage` counts memory."""


def runtime_metrics() -> tuple[Metric, ...]:
    """Measure the process now."""
    resident, mapped = _memory()
    return (
        _gauge("consul.runtime.alloc_bytes", "Memory in use, in bytes.", resident),
        _gauge("consul.runtime.sys_bytes", "Memory had from the system, in bytes.", mapped),
        _gauge("consul.runtime.num_goroutines", "Threads that run.", threading.active_count()),
    )


def _gauge(name: str, help: str, value: float) -> Metric:
    return Metric(name, help, "gauge", (Sample(float(value)),))


def _memory() -> tuple[int, int]:
    """Return the bytes in memory and those had in all; where the system shows neither, the peak stands for both."""
    try:
        mapped, resident = map(int, _STATM.read_text().split()[:2])
    except (OSError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
        return peak, peak
    page = resource.getpagesize()
    return resident * page, mapped * page
